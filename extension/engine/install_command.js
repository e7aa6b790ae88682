/**
 * The command that installs the host, with the network of a station that names one.
 */

import { networkAt } from "./playback/ticket.js";

export const INSTALL = "gomaa host install";
/** Origins without characters that a shell interprets. */
const SHELL_SAFE = /^https?:\/\/[a-z0-9.-]+(:[0-9]+)?$/;

/** The command to install the host. @param {string} origin of the page @returns {Promise<string>} */
export async function installCommand(origin) {
  const network = SHELL_SAFE.test(origin) && (await networkAt(origin).catch(() => null));
  return network ? `${INSTALL} --network ${origin}` : INSTALL;
}
