/**
 * Retries with exponential back-off for transient failures: a network that switches, a server that restarts, a computer
 * that slept. When the browser is online again the next attempt is made at once.
 */

import { Problem } from "./problem.js";

const FIRST_MS = 500;
const MAX_MS = 4_000;
/** Time after which a transient failure counts as permanent. */
export const TIMEOUT_MS = 120_000;

/** True if a failure is transient. @param {unknown} error */
export function isTransient(error) {
  const { code, detail } = Problem.of(error);
  if (code === "server.unreachable" || code === "server.busy") return true;
  // No response arrived: a status is a web server's response, and other reasons are about bytes that did arrive.
  return code === "sps.segment.missing" && detail["status"] === undefined && detail["reason"] !== "closed";
}

/**
 * Delay before the next attempt: doubled each time up to a maximum, spread by ±25 %.
 * @param {number} attempt failed attempts before this one, from 0
 * @param {{firstMs?: number, maxMs?: number}} [options]
 * @returns {number} ms
 */
export function backoffMs(attempt, { firstMs = FIRST_MS, maxMs = MAX_MS } = {}) {
  return Math.min(maxMs, firstMs * 2 ** attempt) * (0.75 + Math.random() / 2);
}

/** Resolves after a delay, or when the browser is online again. @param {number} ms @returns {Promise<void>} */
export function waitOrOnline(ms) {
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
 * Repeats work until it succeeds, fails permanently, or is no longer needed.
 * @template T
 * @param {() => Promise<T>} work
 * @param {{isWanted: () => boolean, onStall: (stalled: boolean) => void, isRetryable?: (error: unknown) => boolean,
 *   timeoutMs?: number, now?: () => number, wait?: (ms: number) => Promise<void>}} options `onStall`: called with true
 *   at the first failure and with false at the success after it
 * @returns {Promise<T>} rejected with the last error
 */
export async function retry(
  work,
  {
    isWanted,
    onStall,
    isRetryable = isTransient,
    timeoutMs = TIMEOUT_MS,
    now = () => performance.now(),
    wait = waitOrOnline,
  },
) {
  const startedAt = now();
  for (let attempt = 0; ; attempt++) {
    try {
      const result = await work();
      if (attempt > 0) onStall(false);
      return result;
    } catch (error) {
      if (!isRetryable(error) || !isWanted() || now() - startedAt > timeoutMs) throw error;
      if (attempt === 0) onStall(true);
      await wait(backoffMs(attempt));
      if (!isWanted()) throw error;
    }
  }
}
