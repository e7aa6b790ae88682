/**
 * Calls into the wallet's core. It reads nothing that a page or a station names: songs are read by cores of their own
 * (songs.js).
 */

import { PythonCore } from "./core.js";
import { now } from "./wallet/state.js";

/** @type {PythonCore | null} */
let core = null;

/** Begins to start it, so that it is there when it is needed. */
export const warm = () => (core ??= new PythonCore());

/**
 * One operation of pywallet.worker_api.
 * @param {string} op
 * @param {Record<string, unknown>} [payload]
 * @param {Uint8Array} [blob]
 * @returns {Promise<any>}
 */
export function python(op, payload, blob) {
  const wallet = warm();
  // The core does one after the other: what is over has no key any more when the operation comes to it.
  if (now.expired) wallet.call("wallet.lock").catch(() => undefined);
  return wallet.call(op, payload, blob);
}
