/**
 * Calls into the wallet's Python core. Songs, which are untrusted input, are read by other cores (song_cores.js).
 */

import { PythonCore } from "./core.js";
import { now } from "./wallet/state.js";

/** @type {PythonCore | null} */
let core = null;

/** Starts the core before it is needed. */
export const warm = () => (core ??= new PythonCore());

/**
 * Calls an operation of pywallet.worker_api.
 * @param {string} op
 * @param {Record<string, unknown>} [payload]
 * @param {Uint8Array} [blob]
 * @returns {Promise<any>}
 */
export function python(op, payload, blob) {
  const wallet = warm();
  // The core runs calls in order: after the idle time the keys are gone before this call.
  if (now.expired) wallet.call("wallet.lock").catch(() => undefined);
  return wallet.call(op, payload, blob);
}
