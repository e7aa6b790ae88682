/**
 * The song's file: on a web server as one file, as a page that carries it or in parts; or on this computer's disk, read
 * by its page.
 */

import { Problem } from "../../shared/problem.js";
import { mayReach } from "./address_class.js";
import { fromBase64, join, same } from "../bytes.js";
import { MirrorLoader, getPart, partUrl } from "./mirror_loader.js";
import { HttpFile } from "./http_file.js";
import { find, isPage, restore } from "./polyglot.js";

const MAGIC = Uint8Array.of(0x89, 0x53, 0x50, 0x53, 0x0d, 0x0a, 0x1a, 0x0a);
const PREFIX = MAGIC.length + 4;
const MAX_HEADER = 4 << 20;
const FIRST = 400_000;
const TRIES = 4;
const WAIT_MS = 250;
const PIECE = 384 << 10;
/** One reading of a song's beginning takes at most so long, however steadily it comes. */
const MOST_MS = 120_000;
/** Nothing came for so long: it is asked for again. */
const SILENT_MS = 15_000;

/** @typedef {import("./polyglot.js").Place} Place */
/** @typedef {import("./mirror_loader.js").How} How */

export class SpsSource {
  /** @private @type {Promise<Uint8Array<ArrayBuffer>> | null} */
  read = null;
  /** @type {Uint8Array<ArrayBuffer>} the song's first bytes */
  head = new Uint8Array(0);
  /** @type {Promise<void> | null} ends when the header's places are known */
  told = null;
  /** @type {Place | null} where the song lies, in a page that carries it */
  place = null;

  /**
   * @param {string} url http, https, or file for a page that reads itself
   * @param {(offset: number, size: number) => Promise<string>} [readPage] bytes of that page's song, base64
   * @param {import("./mirror_loader.js").Clock} [clock]
   * @param {boolean} [anew] a second reading
   * @param {import("./http_file.js").Whose} [whose] the file's own by default
   */
  constructor(
    url,
    readPage = () => Promise.reject(new Problem("sps.segment.missing")),
    clock,
    anew = false,
    whose = { page: url, site: url },
  ) {
    this.url = url;
    this.whose = whose;
    this.readPage = readPage;
    this.anew = anew;
    this.stop = new AbortController();
    this.file = new HttpFile(url, this.stop.signal, whose);
    this.delivery = new MirrorLoader(this.stop.signal, clock);
    this.delivery.add(url, ({ offset, size }, how) => this.song(offset, size, how));
  }

  /** The header's COSE bytes. One request brings what the first second needs. */
  header() {
    this.read ??= this.readHeader();
    return this.read;
  }

  /**
   * The same file read again, where its header is another one now: a song may be made anew under its name.
   * @returns {Promise<SpsSource | null>} null: nothing has changed, as far as can be known
   */
  async renewed() {
    if (this.onDisk || this.anew) return null;
    const source = new SpsSource(this.url, this.readPage, this.delivery.clock, true, this.whose);
    try {
      const [before, after] = await Promise.all([this.header().catch(() => new Uint8Array(0)), source.header()]);
      if (!same(before, after)) return source;
    } catch {
      // Without a second reading the first one stands.
    }
    source.close();
    return null;
  }

  /** @private */
  async readHeader() {
    let start = await this.range(0, FIRST);
    if (!this.onDisk && isPage(start)) {
      this.place = find(start);
      start = restore(this.place, start.slice(this.place.offset, this.place.offset + this.place.size), 0);
    }
    this.head = start;
    if (!same(start.subarray(0, MAGIC.length), MAGIC.subarray(0, start.length))) throw new Problem("sps.magic");
    if (start.length < PREFIX) throw new Problem("sps.truncated");
    const length = new DataView(start.buffer).getUint32(MAGIC.length);
    if (length === 0 || length > MAX_HEADER) throw new Problem("sps.header.malformed");
    const end = PREFIX + length;
    if (start.length < end && start.length >= FIRST - (this.place?.offset ?? 0))
      this.head = await this.song(0, end + FIRST);
    if (this.head.length < end) throw new Problem("sps.truncated");
    // A file that ends with its header is the exploded packaging's: the parts lie beside it.
    if (this.head.length === end && this.measured === end && !this.place && !this.onDisk) {
      this.delivery.places = [];
      this.folder(new URL("./", this.file.location).href);
    }
    return this.head.slice(PREFIX, end);
  }

  /**
   * Where else the song may be had, as its signed header says: folders of parts, and files.
   * @param {string[] | Promise<string[]>} urls that somebody may still be reading
   */
  deliver(urls) {
    this.told = Promise.resolve(urls).then(
      (all) => {
        for (const url of all) {
          if (!mayReach(url, this.whose.page)) continue;
          if (url.endsWith("/")) this.folder(url);
          else this.mirror(url);
        }
      },
      () => undefined,
    );
  }

  /** What the connection gave lately, kbit/s. */
  get kbps() {
    return this.delivery.kbps;
  }

  /**
   * A part of the song whose SHA-256 the signed header names.
   * @param {number} offset
   * @param {number} size
   * @param {Uint8Array} sha256
   */
  async part(offset, size, sha256) {
    if (offset + size <= this.head.length) {
      const bytes = this.head.slice(offset, offset + size);
      if (same(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), sha256)) return bytes;
    }
    const { told } = this;
    const before = this.delivery.places.length;
    const part = this.delivery.part({ offset, size, sha256 });
    if (!told) return part;
    return part.catch(async (error) => {
      // The other places may have become known only now.
      await told;
      if (this.told === told) this.told = null;
      if (this.stop.signal.aborted || this.delivery.places.length === before) throw error;
      return this.delivery.part({ offset, size, sha256 });
    });
  }

  /** Ends every transfer, and gives back what was read. */
  close() {
    this.stop.abort();
    this.head = new Uint8Array(0);
    this.read = null;
  }

  /** @private */
  get onDisk() {
    return this.url.startsWith("file:");
  }

  /** @private @param {string} url ends in "/" */
  folder(url) {
    this.delivery.add(url, ({ size, sha256 }, how) => getPart(partUrl(url, sha256), size, how, this.whose.page));
  }

  /** @private @param {string} url of the single file */
  mirror(url) {
    if (this.delivery.has(url)) return;
    const file = new HttpFile(url, this.stop.signal, this.whose);
    this.delivery.add(url, ({ offset, size }, how) => file.read(offset, offset + size, how));
  }

  /** @private bytes of the song, wherever it lies @param {number} offset @param {number} size @param {How} [how] */
  async song(offset, size, how) {
    const { place } = this;
    const end = Math.min(offset + size, place?.size ?? Infinity);
    if (place && end <= offset) return new Uint8Array(0);
    const base = place?.offset ?? 0;
    const bytes = how
      ? await this.once(base + offset, end - offset, how)
      : await this.range(base + offset, end - offset);
    return place ? restore(place, bytes, offset) : bytes;
  }

  /**
   * @private before any hash is known
   * @param {number} offset
   * @param {number} size
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async range(offset, size) {
    const { signal } = this.stop;
    const { clock } = this.delivery;
    for (let tried = 1; ; tried++) {
      const stop = new AbortController();
      const give = (/** @type {string} */ reason) => () => stop.abort(reason);
      const closed = give("closed");
      signal.addEventListener("abort", closed, { once: true });
      let stalled = clock.later(give("stalled"), SILENT_MS);
      const late = clock.later(give("slow"), MOST_MS);
      try {
        let first = 0;
        const alive = () => {
          first ||= clock.now();
          clock.cancel(stalled);
          stalled = clock.later(give("stalled"), SILENT_MS);
        };
        const bytes = await this.once(offset, size, { anew: this.anew, signal: stop.signal, alive }, false);
        this.measured = bytes.length;
        this.delivery.measure(bytes.length, clock.now() - (first || clock.now()));
        return bytes;
      } catch (error) {
        const problem = error instanceof Problem;
        if (signal.aborted || problem || tried >= TRIES)
          throw problem ? error : new Problem("sps.segment.missing", { reason: String(error).slice(0, 120) });
      } finally {
        clock.cancel(stalled);
        clock.cancel(late);
        signal.removeEventListener("abort", closed);
      }
      await new Promise((resolve) =>
        clock.later(() => resolve(undefined), WAIT_MS * 2 ** tried * (0.5 + clock.random())),
      );
    }
  }

  /**
   * @private
   * @param {number} offset @param {number} size @param {How} how
   * @param {boolean} [claim] more of the file will be read
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async once(offset, size, how, claim = true) {
    if (!this.onDisk) return this.file.read(offset, offset + size, how, claim);
    const pieces = [];
    for (let at = offset; at < offset + size; at += PIECE) {
      const wanted = Math.min(PIECE, offset + size - at);
      const piece = fromBase64(await this.readPage(at, wanted));
      how.alive(piece.length);
      pieces.push(piece);
      if (piece.length < wanted) break;
    }
    return join(...pieces);
  }
}
