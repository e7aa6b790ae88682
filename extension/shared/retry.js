/**
 * Outages that pass: a network that switches, a server that restarts, a computer that slept. What is lost for a while
 * is asked for again,
 * at once when the network is back and otherwise with growing rests, before the play is given up.
 */

import { Problem } from "./problem.js";

const FIRST_MS = 500;
const LONGEST_MS = 4_000;
/** After so long without an answer the play is over. */
export const PATIENCE_MS = 120_000;

/** Whether a problem may pass by itself. @param {unknown} error */
export function passes(error) {
  const { code, detail } = Problem.of(error);
  if (code === "server.unreachable" || code === "server.busy") return true;
  // No web server's own answer, and nothing that came was wrong: nothing came.
  return code === "sps.segment.missing" && detail["status"] === undefined && detail["reason"] !== "closed";
}

/** @param {number} ms @returns {Promise<void>} after this time, or when the network is back */
function rest(ms) {
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
 * Until it works, fails for good, or is not wanted any more.
 * @template T
 * @param {() => Promise<T>} work
 * @param {{wanted: () => boolean, stalled: (is: boolean) => void, passing?: (error: unknown) => boolean, patienceMs?:
 *   number, now?: () => number, wait?: (ms: number) => Promise<void>}} how
 * @returns {Promise<T>}
 */
export async function persist(
  work,
  { wanted, stalled, passing = passes, patienceMs = PATIENCE_MS, now = () => performance.now(), wait = rest },
) {
  const began = now();
  for (let tried = 0; ; tried++) {
    try {
      const result = await work();
      if (tried > 0) stalled(false);
      return result;
    } catch (error) {
      if (!passing(error) || !wanted() || now() - began > patienceMs) throw error;
      if (tried === 0) stalled(true);
      await wait(Math.min(LONGEST_MS, FIRST_MS * 2 ** tried) * (0.75 + Math.random() / 2));
      if (!wanted()) throw error;
    }
  }
}
