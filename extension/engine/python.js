/**
 * Calls into the core.
 */

import { Problem } from "../shared/problem.js";
import { keepAwake } from "./link.js";
import { now } from "./wallet/state.js";

/** A browser stops a background that has heard nothing for 30 s. */
const AWAKE_MS = 20_000;

let count = 0;
/** @type {Map<number, {resolve: (value: any) => void, reject: (error: Problem) => void}>} */
const waiting = new Map();
const began = performance.now();
// The pages' policy allows no address of code but what this one policy gives out: the one Worker, of this package.
const address = new URL("worker.mjs", import.meta.url).href;
const { trustedTypes } = /** @type {any} */ (globalThis);
const worker = new Worker(trustedTypes ? trustedTypes.createPolicy("gomaa", { createScriptURL: () => address }).createScriptURL("") : address, { type: "module" });

/** How long Python took to start, once it has. @type {Promise<number>} */
export const started = new Promise((resolve, reject) => {
  worker.addEventListener("message", ({ data }) => {
    if (data.type === "ready") {
      performance.measure("gomaa.engine_cold", { start: began, end: performance.now() });
      resolve(performance.now() - began);
    } else if (data.type === "broken") reject(new Problem("internal", { reason: data.reason }));
  });
});
started.catch(() => undefined);

/** Python may take long on a slow computer, and who asked waits behind the background. @type {ReturnType<typeof setInterval> | undefined} */
let awake;

worker.addEventListener("message", ({ data }) => {
  const asked = waiting.get(data.id);
  if (!asked) return;
  waiting.delete(data.id);
  if (waiting.size === 0) {
    clearInterval(awake);
    awake = undefined;
  }
  const { ok, result, error } = JSON.parse(data.answer);
  if (ok) asked.resolve(result);
  else asked.reject(Problem.of(error));
});

/**
 * One operation of pywallet.engine.
 * @param {string} op
 * @param {Record<string, unknown>} [payload]
 * @param {Uint8Array} [blob]
 * @returns {Promise<any>}
 */
export function python(op, payload = {}, blob) {
  return new Promise((resolve, reject) => {
    const id = ++count;
    waiting.set(id, { resolve, reject });
    awake ??= setInterval(keepAwake, AWAKE_MS);
    // The core does one after the other: what is over has no key any more when the operation comes to it.
    if (now.expired) worker.postMessage({ id: ++count, op: "wallet.lock", payload: "{}" });
    worker.postMessage({ id, op, payload: JSON.stringify(payload), blob });
  });
}
