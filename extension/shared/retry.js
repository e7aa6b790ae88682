/**
 * Retry with backoff, for outages that pass: a network that switches, a server that restarts, a computer that slept.
 */

import { Problem } from "./problem.js";

const FIRST_MS = 500;
const LONGEST_MS = 4_000;
/** After so long without success the work fails. */
export const TIMEOUT_MS = 120_000;

/** Whether a problem may pass by itself. @param {unknown} error */
export function isTransient(error) {
  const { code, detail } = Problem.of(error);
  if (code === "server.unreachable" || code === "server.busy") return true;
  // Neither an answer of a web server nor wrong bytes: nothing arrived.
  return code === "sps.segment.missing" && detail["status"] === undefined && detail["reason"] !== "closed";
}

/** @param {number} ms @returns {Promise<void>} after this time, or when the network is back */
function backoff(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    globalThis.addEventListener?.("online", done);
  });
}

/**
 * Runs work until it succeeds, fails for good or is no longer wanted.
 * @template T
 * @param {() => Promise<T>} work
 * @param {object} options
 * @param {() => boolean} options.isWanted
 * @param {(isStalled: boolean) => void} options.onStall called at the first failure, and at the success after it
 * @param {(error: unknown) => boolean} [options.isRetryable]
 * @param {number} [options.timeoutMs]
 * @param {() => number} [options.now]
 * @param {(ms: number) => Promise<void>} [options.wait]
 * @returns {Promise<T>}
 */
export async function retry(
  work,
  {
    isWanted,
    onStall,
    isRetryable = isTransient,
    timeoutMs = TIMEOUT_MS,
    now = () => performance.now(),
    wait = backoff,
  },
) {
  const began = now();
  for (let tries = 0; ; tries++) {
    try {
      const result = await work();
      if (tries > 0) onStall(false);
      return result;
    } catch (error) {
      if (!isRetryable(error) || !isWanted() || now() - began > timeoutMs) throw error;
      if (tries === 0) onStall(true);
      await wait(Math.min(LONGEST_MS, FIRST_MS * 2 ** tries) * (0.75 + Math.random() / 2));
      if (!isWanted()) throw error;
    }
  }
}
