/**
 * The command that installs the host, also with the network of a station.
 */

import { networkAt } from "./playback/ticket.js";

export const INSTALL = "gomaa host install";
/** Nothing that a shell would read as anything but letters. */
const PLAIN = /^https?:\/\/[a-z0-9.-]+(:[0-9]+)?$/;

/** @param {string} origin of the page @returns {Promise<string>} */
export async function installCommand(origin) {
  const named = PLAIN.test(origin) && (await networkAt(origin).catch(() => null));
  return named ? `${INSTALL} --network ${origin}` : INSTALL;
}
