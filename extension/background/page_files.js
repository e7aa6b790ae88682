/**
 * The address and station of a page's song, and reads from the file of a page on disk.
 */

import { Problem } from "../shared/problem.js";

/** Codes that a page on disk may report of its own song. */
const PAGE_CODES = new Set(["sps.truncated", "sps.segment.hash", "sps.segment.missing", "sps.magic"]);

/** @typedef {{page: number, element: number}} PageElement */

/**
 * The song and the origin of a player. A page on disk may show the song that it carries and no other file; it has no
 * origin, so it names its station, whose ticket decides. A page from the web cannot name a station.
 * @param {{src: string, station?: string | null}} message
 * @param {{url?: string | undefined}} sender
 * @param {string} origin of the sender
 * @returns {{src: string, origin: string} | null} null where the page may not show it
 */
export function placeOf({ src, station }, sender, origin) {
  try {
    const page = new URL(sender.url ?? "");
    const url = new URL(src, page);
    // A sandboxed page has no origin that the fan could have consented to: it shows no player.
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
 * The origin of the top-level page: limits count the players of its frames for it. A page without an origin, such as
 * one that a script has made, counts by its scheme; else each frame in it would be a site of its own.
 * @param {{tab?: {url?: string | undefined} | undefined, frameId?: number | undefined}} sender
 * @param {string} origin of the sender's document
 */
export function siteAround({ tab, frameId }, origin) {
  if (frameId === 0) return origin;
  const url = URL.parse(tab?.url ?? "");
  if (!url) return origin;
  return url.origin === "null" ? `${url.protocol}//` : url.origin;
}

/** Read requests of the engine to pages on disk. */
export class PageFiles {
  /** Pages that have to respond, by the engine's request id. @type {Map<number, PageElement>} */
  pending = new Map();

  /** @param {(id: number, body: {ok: boolean, result?: string, error?: object}) => void} respond to the engine */
  constructor(respond) {
    this.respond = respond;
  }

  /**
   * Passes a read request on to the page.
   * @param {{id: number, offset: number, size: number}} message
   * @param {PageElement | undefined} stream
   * @param {{postMessage: (message: any) => void} | undefined} port of its page
   */
  read({ id, offset, size }, stream, port) {
    if (!stream || !port) return this.respond(id, { ok: false, error: new Problem("host.stream.unknown").toJSON() });
    this.pending.set(id, { page: stream.page, element: stream.element });
    port.postMessage({ type: "read", element: stream.element, id, offset, size });
  }

  /**
   * Passes the bytes on to the engine, where they come from the page that was asked.
   * @param {number} page
   * @param {{element: number, id: number, data?: string | null, code?: string | null}} message
   */
  onBytes(page, { element, id, data, code }) {
    const request = this.pending.get(id);
    if (!request || request.page !== page || request.element !== element) return;
    this.pending.delete(id);
    if (typeof data === "string") return this.respond(id, { ok: true, result: data });
    const error = new Problem(PAGE_CODES.has(code ?? "") ? String(code) : "sps.segment.missing").toJSON();
    this.respond(id, { ok: false, error });
  }
}
