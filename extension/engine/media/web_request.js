/**
 * The engine's web requests: GET without cookie, cache, referrer and origin, to addresses that the page itself can
 * reach.
 *
 * Firefox puts an id of the installation into `Origin` for other methods and for requests across origins, and Chromium
 * shares one cache between sites (decision 0048).
 */

import { Problem } from "../../shared/problem.js";
import { join } from "../bytes.js";
import { COMPUTER, mayReach, classOfPage } from "./address_class.js";

/** A response that redirects. */
export class Redirected extends Error {}

/** A response whose body is above the limit. */
export class TooLong extends Error {}

/**
 * True if the extension has the permission for a host. Without it Firefox sends the request across origins, with an id
 * of the installation.
 * @param {string} url
 * @returns {Promise<boolean>}
 */
async function hasPermission(url) {
  const { permissions } = /** @type {{browser?: typeof chrome}} */ (globalThis).browser ?? {};
  if (!permissions) return true;
  const { protocol, hostname } = new URL(url);
  return permissions.contains({ origins: [`${protocol}//${hostname}/*`] });
}

/**
 * Sends a GET request.
 * @param {string} url
 * @param {{page: string, signal: AbortSignal, headers?: Record<string, string>, follow?: boolean}} options `page`: the
 *   origin that the request is for; `follow`: follow redirects where the page may reach every address, since their
 *   targets cannot be checked before the request
 * @returns {Promise<Response>}
 * @throws {Problem} site.address
 * @throws {Redirected}
 * @throws {TypeError} of fetch
 */
export async function get(url, { page, signal, headers = {}, follow = false }) {
  if (!mayReach(url, page)) throw new Problem("site.address");
  if (!(await hasPermission(url))) throw new Error("the extension has no permission for this host");
  const redirect = follow && classOfPage(page) === COMPUTER ? "follow" : "manual";
  const response = await fetch(url, {
    headers,
    signal,
    redirect,
    cache: "no-store",
    credentials: "omit",
    referrerPolicy: "no-referrer",
  });
  if (response.type !== "opaqueredirect" && (response.status < 300 || response.status > 399)) return response;
  response.body?.cancel().catch(() => undefined);
  throw new Redirected("a redirect");
}

/** @typedef {ReadableStreamDefaultReader<Uint8Array>} Reader */

/** Reader of a response's body. @param {Response} response @returns {Reader} */
export const readerOf = (response) =>
  /** @type {Reader} */ ((response.body ?? /** @type {ReadableStream} */ (new Response("").body)).getReader());

/**
 * Reads a body, up to a limit.
 * @param {Response} response
 * @param {(bytes: number) => void} onProgress
 * @param {number} maxBytes after which the transfer is stopped
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function readBody(response, onProgress, maxBytes) {
  const reader = readerOf(response);
  const chunks = [];
  let size = 0;
  while (size < maxBytes) {
    const { done, value } = await reader.read();
    if (done) return join(...chunks);
    onProgress(value.length);
    chunks.push(value.subarray(0, maxBytes - size));
    size += value.length;
  }
  reader.cancel().catch(() => undefined);
  return join(...chunks);
}

/** Levels of objects and lists in a response: deeper ones overflow the stack of what serializes them. */
const MAX_DEPTH = 32;

/** True if a value has more levels. @param {unknown} value @param {number} levels @returns {boolean} */
const isDeeper = (value, levels) =>
  typeof value === "object" &&
  value !== null &&
  (levels === 0 || Object.values(value).some((item) => isDeeper(item, levels - 1)));

/**
 * Reads a body that is a JSON object.
 * @param {Response} response
 * @param {number} maxBytes
 * @returns {Promise<Record<string, unknown> | null>} null for a body that is none
 * @throws {TooLong}
 */
export async function readObject(response, maxBytes) {
  const bytes = await readBody(response, () => undefined, maxBytes + 1);
  if (bytes.length > maxBytes) throw new TooLong("too long an answer");
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && !isDeeper(value, MAX_DEPTH) ? value : null;
  } catch {
    return null;
  }
}
