/**
 * The address and station of a page's song, and reads from the file of a page on disk.
 */

import { Problem } from "../shared/problem.js";

/** Codes that a page on disk may report of its own song. */
const PAGE_CODES = new Set(["sps.truncated", "sps.segment.hash", "sps.segment.missing", "sps.magic"]);

/** @import { ReadRequest } from "../shared/page_messages.d.ts" */
/** @typedef {{page: number, element: number}} PageElement */

/**
 * The song and the origin of a player. A page on disk may show the song that it carries and no other file. It has no
 * origin: the one of the station that it names takes its place. For a page from the web `station` is ignored.
 * @param {{src: string, station?: string | null}} message
 * @param {{url?: string | undefined}} sender
 * @param {string} origin of the sender
 * @returns {{src: string, origin: string} | null} null where the page may not show it
 */
export function songOf({ src, station }, sender, origin) {
  try {
    const page = new URL(sender.url ?? "");
    const url = new URL(src, page);
    // A sandboxed page has no origin: no site grant covers it.
    if (url.protocol === "http:" || url.protocol === "https:")
      return page.protocol === "file:" || !/^https?:/.test(origin) ? null : { src: url.href, origin };
    url.hash = page.hash = "";
    if (url.protocol !== "file:" || url.href !== page.href) return null;
    return { src: url.href, origin: webOrigin(station ?? "") };
  } catch {
    return null;
  }
}

/** @param {string} station @returns {string} "file://" where it is no web address */
function webOrigin(station) {
  const url = URL.parse(station);
  return url && (url.protocol === "http:" || url.protocol === "https:") ? url.origin : "file://";
}

/**
 * The origin of the top-level page, to which limits attribute the players in its frames. A page without an origin is
 * attributed to its scheme; else each frame in it would be a site of its own.
 * @param {{tab?: {url?: string | undefined} | undefined, frameId?: number | undefined}} sender
 * @param {string} origin of the sender's document
 */
export function topOrigin({ tab, frameId }, origin) {
  if (frameId === 0) return origin;
  const url = URL.parse(tab?.url ?? "");
  if (!url) return origin;
  return url.origin === "null" ? `${url.protocol}//` : url.origin;
}

/** Read requests of the engine to pages on disk. */
export class PageFiles {
  /** Elements whose pages have not responded, by the engine's request id. @type {Map<number, PageElement>} */
  pending = new Map();

  /** @param {(response: import("../shared/engine_messages.d.ts").BackgroundResponse) => void} respond to the engine */
  constructor(respond) {
    this.respond = respond;
  }

  /**
   * Forwards a read request to the page.
   * @param {{id: number, offset: number, size: number}} message
   * @param {PageElement | undefined} stream
   * @param {{postMessage: (message: ReadRequest) => void} | undefined} port of its page
   */
  read({ id, offset, size }, stream, port) {
    if (!stream || !port) return this.#fail(id, "host.stream.unknown");
    this.pending.set(id, { page: stream.page, element: stream.element });
    port.postMessage({ type: "read", element: stream.element, id, offset, size });
  }

  /**
   * Forwards the bytes to the engine, where they come from the page that got the request.
   * @param {number} page
   * @param {{element: number, id: number, data?: string | null, code?: string | null}} message
   */
  onBytes(page, { element, id, data, code }) {
    const request = this.pending.get(id);
    if (!request || request.page !== page || request.element !== element) return;
    this.pending.delete(id);
    if (typeof data === "string") return this.respond({ type: "answer", id, ok: true, result: data });
    this.#fail(id, PAGE_CODES.has(code ?? "") ? String(code) : "sps.segment.missing");
  }

  /** @param {number} id @param {string} code */
  #fail(id, code) {
    this.respond({ type: "answer", id, ok: false, error: new Problem(code).toJSON() });
  }
}
