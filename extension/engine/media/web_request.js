/**
 * The engine's web requests: GET without cookie, cache, referrer and origin, to addresses that the page itself can
 * reach.
 *
 * Firefox puts an id of the installation into `Origin` for other methods and for requests across origins, and Chromium
 * shares one cache between sites (decision 0048).
 */

import { Problem } from "../../shared/problem.js";
import { join } from "../bytes.js";
import { COMPUTER, mayReach, placeOfPage } from "./address_class.js";

/** A response that redirects. */
export class Redirected extends Error {}

/** A response above the limit of its size. */
export class TooLong extends Error {}

/**
 * Whether the extension has the permission for a host. Without it Firefox sends the request across origins, with an id
 * of the installation.
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
 * @param {{page: string, signal: AbortSignal, headers?: Record<string, string>, follow?: boolean}} options page: the
 *   origin that it is for. follow: redirects are followed where the page may reach every address, as the target is not
 *   known before the request
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
 * Collects a body's bytes, up to a limit.
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
