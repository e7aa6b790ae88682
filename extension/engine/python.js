/**
 * Calls into the wallet's core. It reads nothing that a page or a station names: songs are read by cores of their own (songs.js).
 */

import { Core } from "./core.js";

/** @type {Core | null} */
let core = null;

/** Begins to start it, so that it is there when it is needed. */
export const warm = () => (core ??= new Core());

/**
 * One operation of pywallet.engine.
 * @param {string} op
 * @param {Record<string, unknown>} [payload]
 * @param {Uint8Array} [blob]
 * @returns {Promise<any>}
 */
export const python = (op, payload, blob) => warm().call(op, payload, blob);
