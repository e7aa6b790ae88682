/**
 * Source of a song's bytes: a file, an HTML polyglot or parts on web servers, or a page on disk that reads itself.
 */

import { Problem } from "../../shared/problem.js";
import { mayReach } from "./address_class.js";
import { fromBase64, join, same } from "../bytes.js";
import { MirrorLoader, getPart, partUrl } from "./mirror_loader.js";
import { HttpFile } from "./http_file.js";
import { isPage, locateSong, restore } from "./polyglot.js";

const MAGIC = Uint8Array.of(0x89, 0x53, 0x50, 0x53, 0x0d, 0x0a, 0x1a, 0x0a);
const PREFIX = MAGIC.length + 4;
const MAX_HEADER = 4 << 20;
/** Bytes of the first request: the header and the first second. */
const FIRST_BYTES = 400_000;
const MAX_TRIES = 4;
const FIRST_BACKOFF_MS = 250;
/** Bytes of one message of a page on disk. */
const PAGE_CHUNK = 384 << 10;
/** Longest duration of a request for the beginning of the song. */
const REQUEST_MS = 120_000;
/** A request without progress for this time is repeated. */
const STALL_MS = 15_000;

/** @typedef {import("./polyglot.js").SongPlace} SongPlace */
/** @typedef {import("./mirror_loader.js").FetchOptions} FetchOptions */

export class SpsSource {
  /** The read of the header. @private @type {Promise<Uint8Array<ArrayBuffer>> | null} */
  reading = null;
  /** First bytes of the song. @type {Uint8Array<ArrayBuffer>} */
  head = new Uint8Array(0);
  /** Resolves when the mirrors of the header are added. @type {Promise<void> | null} */
  mirrorsAdded = null;
  /** Place of the song in a polyglot page. @type {SongPlace | null} */
  place = null;

  /**
   * @param {string} url http, https, or file for a page on disk that reads itself
   * @param {(offset: number, size: number) => Promise<string>} [readPage] bytes of that page's song, base64
   * @param {import("./mirror_loader.js").Clock} [clock]
   * @param {boolean} [reload] read past every cache
   * @param {import("./range_client.js").Origins} [origins] the file's own by default
   */
  constructor(
    url,
    readPage = () => Promise.reject(new Problem("sps.segment.missing")),
    clock,
    reload = false,
    origins = { page: url, site: url },
  ) {
    this.url = url;
    this.origins = origins;
    this.readPage = readPage;
    this.reload = reload;
    this.stop = new AbortController();
    this.file = new HttpFile(url, this.stop.signal, origins);
    this.loader = new MirrorLoader(this.stop.signal, clock);
    this.loader.add(url, ({ offset, size }, options) => this.readSong(offset, size, options));
  }

  /** Reads the COSE bytes of the header, and with the same request the first second of sound. */
  header() {
    this.reading ??= this.readHeader();
    return this.reading;
  }

  /**
   * Reads the file again past every cache: another song may have replaced it under the same address.
   * @returns {Promise<SpsSource | null>} null where the header is the same or cannot be read
   */
  async reread() {
    if (this.onDisk || this.reload) return null;
    const source = new SpsSource(this.url, this.readPage, this.loader.clock, true, this.origins);
    try {
      const [before, after] = await Promise.all([this.header().catch(() => new Uint8Array(0)), source.header()]);
      if (!same(before, after)) return source;
    } catch {
      // The header stays as it is.
    }
    source.close();
    return null;
  }

  /** @private */
  async readHeader() {
    let start = await this.readRange(0, FIRST_BYTES);
    if (!this.onDisk && isPage(start)) {
      this.place = locateSong(start);
      start = restore(this.place, start.slice(this.place.offset, this.place.offset + this.place.size), 0);
    }
    this.head = start;
    if (!same(start.subarray(0, MAGIC.length), MAGIC.subarray(0, start.length))) throw new Problem("sps.magic");
    if (start.length < PREFIX) throw new Problem("sps.truncated");
    const length = new DataView(start.buffer).getUint32(MAGIC.length);
    if (length === 0 || length > MAX_HEADER) throw new Problem("sps.header.malformed");
    const end = PREFIX + length;
    if (start.length < end && start.length >= FIRST_BYTES - (this.place?.offset ?? 0))
      this.head = await this.readSong(0, end + FIRST_BYTES);
    if (this.head.length < end) throw new Problem("sps.truncated");
    // A file that ends with its header is of the exploded packaging: its parts are in the same folder.
    if (this.head.length === end && this.measured === end && !this.place && !this.onDisk) {
      this.loader.mirrors = [];
      this.addFolder(new URL("./", this.file.location).href);
    }
    return this.head.slice(PREFIX, end);
  }

  /**
   * Adds the mirrors of the signed header: folders of parts, and files.
   * @param {string[] | Promise<string[]>} urls
   */
  addMirrors(urls) {
    this.mirrorsAdded = Promise.resolve(urls).then(
      (all) => {
        for (const url of all) {
          if (!mayReach(url, this.origins.page)) continue;
          if (url.endsWith("/")) this.addFolder(url);
          else this.addMirror(url);
        }
      },
      () => undefined,
    );
  }

  /** Throughput of the latest parts, kbit/s. */
  get kbps() {
    return this.loader.kbps;
  }

  /**
   * Loads a part of the song with the SHA-256 of the signed header.
   * @param {number} offset
   * @param {number} size
   * @param {Uint8Array} sha256
   * @param {AbortSignal} [signal] ends this transfer
   */
  async part(offset, size, sha256, signal) {
    if (offset + size <= this.head.length) {
      const bytes = this.head.slice(offset, offset + size);
      if (same(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), sha256)) return bytes;
    }
    const { mirrorsAdded } = this;
    const before = this.loader.mirrors.length;
    const ends = signal ? AbortSignal.any([this.stop.signal, signal]) : this.stop.signal;
    const part = this.loader.part({ offset, size, sha256 }, ends);
    if (!mirrorsAdded) return part;
    return part.catch(async (error) => {
      // The other mirrors may have been added in the meantime.
      await mirrorsAdded;
      if (this.mirrorsAdded === mirrorsAdded) this.mirrorsAdded = null;
      if (ends.aborted || this.loader.mirrors.length === before) throw error;
      return this.loader.part({ offset, size, sha256 }, ends);
    });
  }

  /** Aborts every transfer and drops the bytes. */
  close() {
    this.stop.abort();
    this.head = new Uint8Array(0);
    this.reading = null;
  }

  /** @private */
  get onDisk() {
    return this.url.startsWith("file:");
  }

  /** Adds a folder of parts. @private @param {string} url ends in "/" */
  addFolder(url) {
    this.loader.add(url, ({ size, sha256 }, options) =>
      getPart(partUrl(url, sha256), size, options, this.origins.page),
    );
  }

  /** Adds a single file. @private @param {string} url */
  addMirror(url) {
    if (this.loader.has(url)) return;
    const file = new HttpFile(url, this.stop.signal, this.origins);
    this.loader.add(url, ({ offset, size }, options) => file.read(offset, offset + size, options));
  }

  /**
   * Reads bytes of the song, which may be in a page.
   * @private
   * @param {number} offset
   * @param {number} size
   * @param {FetchOptions} [options]
   */
  async readSong(offset, size, options) {
    const { place } = this;
    const end = Math.min(offset + size, place?.size ?? Infinity);
    if (place && end <= offset) return new Uint8Array(0);
    const base = place?.offset ?? 0;
    const bytes = options
      ? await this.readOnce(base + offset, end - offset, options)
      : await this.readRange(base + offset, end - offset);
    return place ? restore(place, bytes, offset) : bytes;
  }

  /**
   * Reads bytes of the file before a hash is known, with retries.
   * @private
   * @param {number} offset
   * @param {number} size
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async readRange(offset, size) {
    const { signal } = this.stop;
    const { clock } = this.loader;
    for (let tried = 1; ; tried++) {
      const stop = new AbortController();
      const abort = (/** @type {string} */ reason) => () => stop.abort(reason);
      const closed = abort("closed");
      signal.addEventListener("abort", closed, { once: true });
      let stallTimer = clock.later(abort("stalled"), STALL_MS);
      const timeout = clock.later(abort("slow"), REQUEST_MS);
      try {
        let first = 0;
        const onProgress = () => {
          first ||= clock.now();
          clock.cancel(stallTimer);
          stallTimer = clock.later(abort("stalled"), STALL_MS);
        };
        const bytes = await this.readOnce(
          offset,
          size,
          { reload: this.reload, signal: stop.signal, onProgress },
          false,
        );
        this.measured = bytes.length;
        this.loader.recordThroughput(bytes.length, clock.now() - (first || clock.now()));
        return bytes;
      } catch (error) {
        const isProblem = error instanceof Problem;
        if (signal.aborted || isProblem || tried >= MAX_TRIES)
          throw isProblem ? error : new Problem("sps.segment.missing", { reason: String(error).slice(0, 120) });
      } finally {
        clock.cancel(stallTimer);
        clock.cancel(timeout);
        signal.removeEventListener("abort", closed);
      }
      await new Promise((resolve) =>
        clock.later(() => resolve(undefined), FIRST_BACKOFF_MS * 2 ** tried * (0.5 + clock.random())),
      );
    }
  }

  /**
   * Reads bytes of the file with one attempt.
   * @private
   * @param {number} offset @param {number} size @param {FetchOptions} options
   * @param {boolean} [claim] more reads of the file are expected
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async readOnce(offset, size, options, claim = true) {
    if (!this.onDisk) return this.file.read(offset, offset + size, options, claim);
    const pieces = [];
    for (let at = offset; at < offset + size; at += PAGE_CHUNK) {
      const wanted = Math.min(PAGE_CHUNK, offset + size - at);
      const piece = fromBase64(await this.readPage(at, wanted));
      options.onProgress(piece.length);
      pieces.push(piece);
      if (piece.length < wanted) break;
    }
    return join(...pieces);
  }
}
