/**
 * Calls into the wallet's Python core. Songs, which are untrusted input, are read by other cores (song_cores.js).
 */

import { PythonCore } from "./core.js";
import { now } from "./wallet/state.js";

/** @type {PythonCore | null} */
let core = null;

/** Starts the core before it is needed. */
export const startCore = () => (core ??= new PythonCore());

/**
 * Calls an operation of pywallet.worker_api.
 * @template {keyof import("./core_operations.d.ts").WalletCoreOperations} Op
 * @param {Op} op
 * @param {import("./core_operations.d.ts").WalletCoreOperations[Op]["arguments"]} payload
 * @returns {Promise<import("./core_operations.d.ts").WalletCoreOperations[Op]["result"]>} rejected with a Problem
 */
export function python(op, payload) {
  const wallet = startCore();
  // The core runs calls in order: after the idle time the keys are dropped before this call.
  if (now.expired) wallet.call("wallet.lock", {}).catch(() => undefined);
  return wallet.call(op, payload);
}
