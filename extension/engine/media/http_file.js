/**
 * A file on a web server, read by ranges, also from servers that violate RFC 9110.
 *
 * A response is read by its `Content-Range`. A short one is continued from its end; one with more bytes than requested
 * is kept and serves later reads (download.js). A server with invalid ranges is sent requests without a range. Pieces
 * of two versions of a file are never joined.
 */

import { Problem } from "../../shared/problem.js";
import { join } from "../bytes.js";
import { boundaryOf, contentRange, partOf, sizeOfUnsatisfied } from "./content_range.js";
import { Download } from "./download.js";
import { Redirected, collect, get, readerOf } from "./web_request.js";

/** Most responses of one read: 8 MiB from a server that sends 64 KiB at once. */
const MOST_ANSWERS = 128;
/** Most restarts of one read whose file is being replaced. */
const MOST_RESTARTS = 2;
const MOST_MULTIPART = 8 << 20;

/** @typedef {import("./mirror_loader.js").FetchOptions} FetchOptions */
/** @typedef {{page: string, site: string}} Whose the origin that a file is read for, and that of the page around it */
/** @typedef {import("./download.js").Reader} Reader */
/** @typedef {{total: number | null, tag: string | null}} Version of a file by a response */
/**
 * Body of a response. start, end: offsets in the file, the end where it is known; whole: it goes to the file's end;
 * surplus: it has more bytes than requested.
 * @typedef {{reader: Reader, start: number, end: number | null, whole: boolean, surplus: boolean, version: Version,
 *   stop: AbortController, detach: () => void}} Answer
 */

export class HttpFile {
  /** @type {number | null} bytes, by the latest response that has it */
  size = null;
  /** @type {string} address after redirects */
  location;
  /** @private @type {Download | null} */
  kept = null;
  /** @private a range was answered with the whole file */
  unranged = false;
  /** @private the server's ranges are invalid: requests have none */
  whole = false;
  /** @private @type {Promise<unknown> | null} request whose response may serve others */
  asking = null;

  /**
   * @param {string} url
   * @param {AbortSignal} signal ends everything
   * @param {Whose} [whose] the file's own by default
   */
  constructor(url, signal, whose = { page: url, site: url }) {
    this.url = url;
    this.location = url;
    this.whose = whose;
    this.signal = signal;
    signal.addEventListener("abort", () => this.kept?.close(), { once: true });
  }

  /**
   * Bytes [first, end) of the file, fewer only where it ends earlier.
   * @param {number} first
   * @param {number} end
   * @param {FetchOptions} options
   * @param {boolean} [claim] more will be read: a transfer of more than requested goes on, whatever its size
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async read(first, end, options, claim = true) {
    if (options.reload) this.drop();
    /** @type {Uint8Array[]} */
    let pieces = [];
    let at = first;
    let restarts = 0;
    /** @type {Version} */
    let version = { total: null, tag: null };
    for (let answers = 0; at < end && !(at > first && this.size !== null && at >= this.size); answers++) {
      if (answers > MOST_ANSWERS) throw new Error("too many short answers");
      const found = await this.next(at, end, options, claim);
      if (found === null) break;
      if (found === "again") continue;
      if (at > first && differ(version, found.version)) {
        if (++restarts > MOST_RESTARTS) throw new Error("the file changes while it is read");
        this.drop();
        [pieces, at] = [[], first];
        continue;
      }
      version = found.version;
      pieces.push(...found.bytes);
      const came = found.bytes.reduce((sum, { length }) => sum + length, 0);
      at += came;
      if (found.ended && (this.size === null || at >= this.size)) break;
      if (came > 0) continue;
      // Some servers answer a range past the end with an empty one.
      if (at > first && this.size === null) break;
      throw new Error("nothing came");
    }
    return join(...pieces);
  }

  /**
   * The next bytes from an offset on, by one answer; null where the file ends.
   * @private
   * @param {number} at @param {number} end @param {FetchOptions} options @param {boolean} claim
   * @returns {Promise<{bytes: Uint8Array[], version: Version, ended: boolean} | "again" | null>} ended: the whole file
   *   ends here, as far as this answer says
   */
  async next(at, end, options, claim) {
    const { kept } = this;
    if (kept?.covers(at)) {
      const bytes = await kept.read(at, end, options, claim).catch((error) => {
        if (options.signal.reason === "stalled") this.drop();
        throw error;
      });
      if (bytes.length === 0 && kept.state === "failed") {
        this.drop();
        return "again";
      }
      return { bytes, version: kept.version, ended: kept.state === "ended" };
    }
    // One answer with the whole file serves all requests.
    if (this.unranged && this.asking && !options.reload) {
      await this.asking.catch(() => undefined);
      return "again";
    }
    const asked = this.ask(at, end, options);
    this.asking = asked;
    /** @type {Answer | null} */
    let answer;
    try {
      answer = await asked;
      if (answer?.surplus && !this.kept?.covers(at)) this.keep(answer);
    } finally {
      if (this.asking === asked) this.asking = null;
    }
    if (answer === null) return null;
    if (answer.surplus && this.kept?.covers(at)) {
      if (this.kept.reader !== answer.reader) answer.stop.abort();
      return "again";
    }
    return this.take(answer, at, end, options);
  }

  /** @private @param {Answer} answer */
  keep({ reader, start, version, stop, detach }) {
    detach();
    this.kept?.retire();
    this.kept = new Download(reader, start, version, () => stop.abort(), this.whose.site);
    if (this.signal.aborted) this.kept.close();
  }

  /** @private */
  drop() {
    this.kept?.retire();
    this.kept = null;
  }

  /**
   * Reads the bytes of [at, end) from an answer and stops the rest.
   * @private
   * @param {Answer} answer @param {number} at @param {number} end @param {FetchOptions} options
   */
  async take({ reader, start, end: promised, whole, version, stop, detach }, at, end, { signal, onProgress }) {
    const bytes = [];
    const until = Math.min(end, promised ?? Infinity);
    let ended = false;
    try {
      for (let place = start; place < until;) {
        const { done, value } = await reader.read();
        if (done) break;
        onProgress(value.length);
        const piece = value.subarray(Math.max(0, at - place), Math.max(0, until - place));
        if (piece.length > 0) bytes.push(piece);
        place += value.length;
      }
      ended = whole;
    } catch (error) {
      // Cut off: what has come is good, and the rest is asked for.
      if (signal.aborted || bytes.length === 0) throw error;
    } finally {
      detach();
      stop.abort();
    }
    return { bytes, version, ended };
  }

  /**
   * One answer that has the byte at an offset; null where the file ends before it.
   * @private
   * @param {number} at @param {number} end @param {FetchOptions} options
   * @returns {Promise<Answer | null>}
   */
  async ask(at, end, options) {
    for (let last = end; ;) {
      const ranged = !this.whole;
      const { answer, stop, detach } = await this.request(ranged ? { Range: `bytes=${at}-${last - 1}` } : {}, options);
      const dismiss = () => {
        detach();
        stop.abort();
      };
      if (answer.status === 416) {
        dismiss();
        if (!ranged) return null;
        const size = sizeOfUnsatisfied(answer.headers.get("Content-Range") ?? "");
        if (size !== null) this.size = size;
        if (size === null ? at > 0 : at >= size) return null;
        // It has these bytes and refuses them, because the range goes past the end or for no reason.
        if (size !== null && last > size) last = size;
        else this.whole = true;
        continue;
      }
      if (answer.status === 404 || answer.status === 410) {
        dismiss();
        throw new Problem("sps.segment.missing", { status: answer.status });
      }
      if (answer.status !== 200 && answer.status !== 206) {
        dismiss();
        throw new Error(`status ${answer.status}`);
      }
      options.onProgress(0);
      this.location = answer.url || this.url;
      const body = answer.status === 200 ? this.all(answer) : await this.some(answer, at, options);
      if (body) {
        if (body.total !== null) this.size = body.total;
        if (answer.status === 200 && ranged) this.unranged = true;
        else if (ranged) this.unranged = false;
        const whole = answer.status === 200;
        return {
          ...body,
          whole,
          surplus: body.end === null ? whole : body.end > last,
          version: versionOf(answer, body.total),
          stop,
          detach,
        };
      }
      dismiss();
      if (!ranged) throw new Error("a range that nobody asked for");
      this.whole = true;
    }
  }

  /** @private @param {Record<string, string>} headers @param {FetchOptions} options */
  async request(headers, { signal }) {
    // A transfer that is kept goes on when the read that began it is over.
    const stop = new AbortController();
    const end = () => stop.abort(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
    const detach = () => signal.removeEventListener("abort", end);
    try {
      return {
        answer: await get(this.url, { page: this.whose.page, headers, signal: stop.signal, follow: true }),
        stop,
        detach,
      };
    } catch (error) {
      detach();
      if (error instanceof Redirected) throw new Problem("sps.segment.missing", { status: 302 });
      throw error;
    }
  }

  /** @private body of a response with the whole file @param {Response} answer */
  all(answer) {
    const total = isPlain(answer) ? lengthOf(answer) : null;
    return { reader: readerOf(answer), start: 0, end: total, total };
  }

  /**
   * @private the body of an answer that brings a range; null where it cannot be used
   * @param {Response} answer
   * @param {number} at
   * @param {FetchOptions} options
   */
  async some(answer, at, { onProgress }) {
    if (!isPlain(answer)) return null;
    const boundary = boundaryOf(answer.headers.get("Content-Type") ?? "");
    if (boundary !== null) {
      if ((lengthOf(answer) ?? 0) > MOST_MULTIPART) return null;
      const part = partOf(await collect(answer, onProgress, MOST_MULTIPART), boundary, at);
      return (
        part && {
          reader: readerOf(new Response(part.bytes)),
          start: part.range.first,
          end: part.range.end,
          total: part.range.total,
        }
      );
    }
    const named = answer.headers.get("Content-Range");
    if (named === null) return { reader: readerOf(answer), start: at, end: null, total: null };
    const range = contentRange(named);
    if (!range || at < range.first || at >= range.end) return null;
    const length = lengthOf(answer);
    if (length !== null && length !== range.end - range.first) return null;
    return { reader: readerOf(answer), start: range.first, end: range.end, total: range.total };
  }
}

/** Whether a response has no content coding. @param {Response} answer */
const isPlain = (answer) =>
  ["", "identity"].includes((answer.headers.get("Content-Encoding") ?? "").trim().toLowerCase());

/** @param {Response} answer @returns {number | null} bytes */
function lengthOf(answer) {
  const text = answer.headers.get("Content-Length") ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** @param {Response} answer @param {number | null} total @returns {Version} */
function versionOf(answer, total) {
  const tag = answer.headers.get("ETag")?.replace(/^W\//, "") ?? answer.headers.get("Last-Modified");
  // Several servers behind one address may name the same file differently.
  return { total, tag: answer.redirected ? null : tag };
}

/** Whether two responses are certainly of two versions. @param {Version} a @param {Version} b */
const differ = (a, b) =>
  (a.total !== null && b.total !== null && a.total !== b.total) ||
  (a.tag !== null && b.tag !== null && a.tag !== b.tag);
