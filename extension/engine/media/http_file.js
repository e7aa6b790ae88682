/**
 * A file on a web server, read by ranges.
 *
 * A response that is too short is continued from its end; one with more bytes than requested is buffered and serves
 * later reads (download.js). Bytes of two versions of a file are never joined.
 */

import { join } from "../bytes.js";
import { Download } from "./download.js";
import { RangeClient, differ } from "./range_client.js";

/** Most responses of a read: 8 MiB from a server that sends 64 KiB at once. */
const MAX_RESPONSES = 128;
/** Most restarts of a read whose file is being replaced. */
const MAX_RESTARTS = 2;

/** @typedef {import("./mirror_loader.js").FetchOptions} FetchOptions */
/** @typedef {import("./range_client.js").Origins} Origins */
/** @typedef {import("./range_client.js").RangeResponse} RangeResponse */
/** @typedef {import("./range_client.js").Version} Version */
/**
 * Bytes from one response. `ended`: the file ends with them, by this response.
 * @typedef {{bytes: Uint8Array[], version: Version, ended: boolean}} Piece
 */

export class HttpFile {
  /** Buffered response. @private @type {Download | null} */
  download = null;
  /** Running request, whose response may serve other reads. @private @type {Promise<unknown> | null} */
  requesting = null;

  /**
   * @param {string} url
   * @param {AbortSignal} signal ends every transfer
   * @param {Origins} [origins] the file's own by default
   */
  constructor(url, signal, origins = { page: url, site: url }) {
    this.origins = origins;
    this.signal = signal;
    this.client = new RangeClient(url, origins.page);
    signal.addEventListener("abort", () => this.download?.close(), { once: true });
  }

  /** Address after redirects. */
  get location() {
    return this.client.location;
  }

  /**
   * Reads the bytes [first, end), fewer only where the file ends earlier.
   * @param {number} first
   * @param {number} end
   * @param {FetchOptions} options
   * @param {boolean} [claim] more reads are expected: a response with more than requested goes on, whatever its size
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async read(first, end, options, claim = true) {
    if (options.reload) this.drop();
    const { client } = this;
    /** @type {Uint8Array[]} */
    let pieces = [];
    let at = first;
    let restarts = 0;
    /** @type {Version} */
    let version = { total: null, tag: null };
    for (let count = 0; at < end && !(at > first && client.size !== null && at >= client.size); count++) {
      if (count > MAX_RESPONSES) throw new Error("too many short answers");
      const piece = await this.next(at, end, options, claim);
      if (piece === null) break;
      if (piece === "again") continue;
      if (at > first && differ(version, piece.version)) {
        if (++restarts > MAX_RESTARTS) throw new Error("the file changes while it is read");
        this.drop();
        [pieces, at] = [[], first];
        continue;
      }
      version = piece.version;
      pieces.push(...piece.bytes);
      const size = piece.bytes.reduce((sum, { length }) => sum + length, 0);
      at += size;
      if (piece.ended && (client.size === null || at >= client.size)) break;
      if (size > 0) continue;
      // Some servers answer a range past the end with an empty one.
      if (at > first && client.size === null) break;
      throw new Error("nothing came");
    }
    return join(...pieces);
  }

  /**
   * The next bytes from an offset on, from one response.
   * @private
   * @param {number} at @param {number} end @param {FetchOptions} options @param {boolean} claim
   * @returns {Promise<Piece | "again" | null>} null where the file ends
   */
  async next(at, end, options, claim) {
    const { download } = this;
    if (download?.covers(at)) {
      const bytes = await download.read(at, end, options, claim).catch((error) => {
        if (options.signal.reason === "stalled") this.drop();
        throw error;
      });
      if (bytes.length === 0 && download.state === "failed") {
        this.drop();
        return "again";
      }
      return { bytes, version: download.version, ended: download.state === "ended" };
    }
    // One response with the whole file serves all reads.
    if (this.client.unranged && this.requesting && !options.reload) {
      await this.requesting.catch(() => undefined);
      return "again";
    }
    const request = this.client.request(at, end, options);
    this.requesting = request;
    /** @type {RangeResponse | null} */
    let response;
    try {
      response = await request;
      if (response?.surplus && !this.download?.covers(at)) this.buffer(response);
    } finally {
      if (this.requesting === request) this.requesting = null;
    }
    if (response === null) return null;
    if (response.surplus && this.download?.covers(at)) {
      if (this.download.reader !== response.reader) response.stop.abort();
      return "again";
    }
    return readPiece(response, at, end, options);
  }

  /** Buffers a response instead of the present one. @private @param {RangeResponse} response */
  buffer({ reader, start, version, stop, detach }) {
    detach();
    this.download?.retire();
    this.download = new Download(reader, start, version, () => stop.abort(), this.origins.site);
    if (this.signal.aborted) this.download.close();
  }

  /** @private */
  drop() {
    this.download?.retire();
    this.download = null;
  }
}

/**
 * Reads the bytes [at, end) of a response and stops the rest.
 * @param {RangeResponse} response
 * @param {number} at @param {number} end @param {FetchOptions} options
 * @returns {Promise<Piece>}
 */
async function readPiece({ reader, start, end: promised, whole, version, stop, detach }, at, end, options) {
  const { signal, onProgress } = options;
  const bytes = [];
  const until = Math.min(end, promised ?? Infinity);
  let ended = false;
  try {
    for (let offset = start; offset < until;) {
      const { done, value } = await reader.read();
      if (done) break;
      onProgress(value.length);
      const piece = value.subarray(Math.max(0, at - offset), Math.max(0, until - offset));
      if (piece.length > 0) bytes.push(piece);
      offset += value.length;
    }
    ended = whole;
  } catch (error) {
    // The bytes before the interruption are valid; the rest is requested again.
    if (signal.aborted || bytes.length === 0) throw error;
  } finally {
    detach();
    stop.abort();
  }
  return { bytes, version, ended };
}
