/**
 * Every request of the engine to the web: GET without cookie, cache, referrer and origin, to addresses that the page
 * could reach itself.
 *
 * Firefox names the installation in `Origin` of any other method and of requests across origins, and Chromium's cache
 * is one for all sites
 * (decision 0048).
 */

import { Problem } from "../../shared/problem.js";
import { join } from "../bytes.js";
import { COMPUTER, mayReach, placeOfPage } from "./address_class.js";

/** An answer that says the thing lies elsewhere. */
export class Redirected extends Error {}

/** An answer longer than anything that may come. */
export class TooLong extends Error {}

/**
 * Whether the person lets the extension into a host. Where Firefox's do not, it asks across origins and names the
 * installation.
 * @param {string} url
 * @returns {Promise<boolean>}
 */
async function isLetIn(url) {
  const { permissions } = /** @type {any} */ (globalThis).browser ?? {};
  if (!permissions) return true;
  const { protocol, hostname } = new URL(url);
  return permissions.contains({ origins: [`${protocol}//${hostname}/*`] });
}

/**
 * @param {string} url
 * @param {{page: string, signal: AbortSignal, headers?: Record<string, string>, follow?: boolean}} how page: the origin
 *   that it is for. follow: redirects are
 *   followed where the page may reach every address; where it goes is not told before the request is made, so for other
 * pages there is none
 * @returns {Promise<Response>}
 * @throws Problem site.address, Redirected, and what fetch throws
 */
export async function get(url, { page, signal, headers = {}, follow = false }) {
  if (!mayReach(url, page)) throw new Problem("site.address");
  if (!(await isLetIn(url))) throw new Error("the extension has no permission for this host");
  const redirect = follow && placeOfPage(page) === COMPUTER ? "follow" : "manual";
  const answer = await fetch(url, {
    headers,
    signal,
    redirect,
    cache: "no-store",
    credentials: "omit",
    referrerPolicy: "no-referrer",
  });
  if (answer.type !== "opaqueredirect" && (answer.status < 300 || answer.status > 399)) return answer;
  answer.body?.cancel().catch(() => undefined);
  throw new Redirected("a redirect");
}

/** @typedef {ReadableStreamDefaultReader<Uint8Array>} Reader */

/** @param {Response} answer @returns {Reader} */
export const readerOf = (answer) =>
  /** @type {Reader} */ ((answer.body ?? /** @type {ReadableStream} */ (new Response("").body)).getReader());

/**
 * A body's bytes, up to a limit, said as they come.
 * @param {Response} answer
 * @param {(bytes: number) => void} onProgress
 * @param {number} most bytes; the rest is stopped
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function collect(answer, onProgress, most) {
  const reader = readerOf(answer);
  const chunks = [];
  let size = 0;
  while (size < most) {
    const { done, value } = await reader.read();
    if (done) return join(...chunks);
    onProgress(value.length);
    chunks.push(value.subarray(0, most - size));
    size += value.length;
  }
  reader.cancel().catch(() => undefined);
  return join(...chunks);
}

/** Depth of the objects and lists in an answer: deeper ones overflow the stack of what serializes them. */
const MOST_DEPTH = 32;

/** Whether a value has more levels. @param {unknown} value @param {number} levels @returns {boolean} */
const isDeeper = (value, levels) =>
  typeof value === "object" &&
  value !== null &&
  (levels === 0 || Object.values(value).some((one) => isDeeper(one, levels - 1)));

/**
 * A body that is a JSON object; null where it is none.
 * @param {Response} answer
 * @param {number} most bytes
 * @returns {Promise<any>}
 * @throws TooLong
 */
export async function object(answer, most) {
  const bytes = await collect(answer, () => undefined, most + 1);
  if (bytes.length > most) throw new TooLong("too long an answer");
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && !isDeeper(value, MOST_DEPTH) ? value : null;
  } catch {
    return null;
  }
}
