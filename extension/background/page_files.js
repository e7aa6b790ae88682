/**
 * Pages with players: where a song's file and its station are, and reading the file of a page that lies on disk.
 */

import { Problem } from "../shared/problem.js";

/** Codes that a page on disk may say of its own song. */
const PAGES_SAY = new Set(["sps.truncated", "sps.segment.hash", "sps.segment.missing", "sps.magic"]);

/** @typedef {{page: number, element: number}} Asked */

/**
 * A page on disk may show the song that it carries itself, and no other file. It has no origin: it names its station,
 * which decides with its
 * ticket; a page from the web cannot name one.
 * @param {{src: string, station?: string | null}} message
 * @param {{url?: string | undefined}} sender
 * @param {string} origin of the sender
 * @returns {{src: string, origin: string} | null}
 */
export function placeOf({ src, station }, sender, origin) {
  try {
    const page = new URL(sender.url ?? "");
    const url = new URL(src, page);
    // Without an origin there is nobody to consent for: a page of a site in a sandbox, which the site does not trust,
    // shows no player.
    if (url.protocol === "http:" || url.protocol === "https:")
      return page.protocol === "file:" || !/^https?:/.test(origin) ? null : { src: url.href, origin };
    url.hash = page.hash = "";
    if (url.protocol !== "file:" || url.href !== page.href) return null;
    return { src: url.href, origin: webOrigin(station ?? "") };
  } catch {
    return null;
  }
}

/** @param {string} station */
function webOrigin(station) {
  const url = URL.parse(station);
  return url && (url.protocol === "http:" || url.protocol === "https:") ? url.origin : "file://";
}

/**
 * The origin of the tab's page: what its frames show counts for it, whatever their own origins are. A page that is not
 * of the web, such as one that a
 * script has made, counts by its scheme, or each frame in it would be a site.
 * @param {{tab?: {url?: string | undefined} | undefined, frameId?: number | undefined}} sender
 * @param {string} origin of the sender's document
 */
export function siteAround({ tab, frameId }, origin) {
  if (frameId === 0) return origin;
  const url = URL.parse(tab?.url ?? "");
  if (!url) return origin;
  return url.origin === "null" ? `${url.protocol}//` : url.origin;
}

/** The engine's questions to pages on disk, until they are answered. */
export class Pages {
  /** @type {Map<number, Asked>} by the engine's number */
  waiting = new Map();

  /** @param {(id: number, body: {ok: boolean, result?: string, error?: object}) => void} answer to the engine */
  constructor(answer) {
    this.answer = answer;
  }

  /**
   * @param {{id: number, offset: number, size: number}} message
   * @param {Asked | undefined} stream
   * @param {{postMessage: (message: any) => void} | undefined} port of its page
   */
  ask({ id, offset, size }, stream, port) {
    if (!stream || !port) return this.answer(id, { ok: false, error: new Problem("host.stream.unknown").toJSON() });
    this.waiting.set(id, { page: stream.page, element: stream.element });
    port.postMessage({ type: "read", element: stream.element, id, offset, size });
  }

  /**
   * Only the page that was asked may answer.
   * @param {number} page
   * @param {{element: number, id: number, data?: string | null, code?: string | null}} message
   */
  hear(page, { element, id, data, code }) {
    const asked = this.waiting.get(id);
    if (!asked || asked.page !== page || asked.element !== element) return;
    this.waiting.delete(id);
    if (typeof data === "string") this.answer(id, { ok: true, result: data });
    else
      this.answer(id, {
        ok: false,
        error: new Problem(PAGES_SAY.has(code ?? "") ? String(code) : "sps.segment.missing").toJSON(),
      });
  }
}
