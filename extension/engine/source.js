/**
 * The file on its web server: read by ranges, checked, tried again.
 */

import { Problem } from "../shared/problem.js";
import { same } from "./bytes.js";

const MAGIC = Uint8Array.of(0x89, 0x53, 0x50, 0x53, 0x0d, 0x0a, 0x1a, 0x0a);
const PREFIX = MAGIC.length + 4;
const MAX_HEADER = 4 << 20;
const FIRST = 400_000;
const TRIES = 4;
const WAIT_MS = 250;

export class Source {
  /** @param {string} url */
  constructor(url) {
    this.url = url;
    /** @type {Uint8Array<ArrayBuffer>} the file's first bytes */
    this.head = new Uint8Array(0);
    this.stop = new AbortController();
  }

  /** The header's COSE bytes. One request brings what the first second needs. */
  async header() {
    this.head = await this.range(0, FIRST);
    if (!same(this.head.subarray(0, MAGIC.length), MAGIC.subarray(0, this.head.length))) throw new Problem("sps.magic");
    if (this.head.length < PREFIX) throw new Problem("sps.truncated");
    const length = new DataView(this.head.buffer).getUint32(MAGIC.length);
    if (length === 0 || length > MAX_HEADER) throw new Problem("sps.header.malformed");
    const end = PREFIX + length;
    if (this.head.length < end && this.head.length >= FIRST) this.head = await this.range(0, end + FIRST);
    if (this.head.length < end) throw new Problem("sps.truncated");
    return this.head.slice(PREFIX, end);
  }

  /**
   * A part of the file whose SHA-256 the signed header names.
   * @param {number} offset
   * @param {number} size
   * @param {Uint8Array} sha256
   */
  async part(offset, size, sha256) {
    for (let tried = 0; ; tried++) {
      const bytes = tried === 0 && offset + size <= this.head.length ? this.head.slice(offset, offset + size) : await this.range(offset, size, tried > 0);
      const whole = bytes.length >= size;
      if (whole && same(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), sha256)) return bytes;
      // A cache may have spoilt it: ask once more, past every cache, before blaming the file.
      if (tried > 0) throw whole ? new Problem("sps.segment.hash", { offset }) : new Problem("sps.truncated", { offset, size, got: bytes.length });
    }
  }

  /** @param {number} offset @param {number} size @param {boolean} [anew] not from a cache @returns {Promise<Uint8Array<ArrayBuffer>>} */
  async range(offset, size, anew = false) {
    for (let tried = 1; ; tried++) {
      try {
        return await this.once(offset, size, anew);
      } catch (error) {
        const problem = error instanceof Problem;
        if (this.stop.signal.aborted || problem || tried >= TRIES) throw problem ? error : new Problem("sps.segment.missing", { reason: String(error).slice(0, 120) });
      }
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS * 2 ** tried * (0.5 + Math.random())));
    }
  }

  /** @private @param {number} offset @param {number} size @param {boolean} anew @returns {Promise<Uint8Array<ArrayBuffer>>} */
  async once(offset, size, anew) {
    const answer = await fetch(this.url, { cache: anew ? "reload" : "default", headers: { Range: `bytes=${offset}-${offset + size - 1}` }, credentials: "omit", signal: this.stop.signal });
    if (answer.status === 206) return new Uint8Array(await answer.arrayBuffer());
    if (answer.status === 416) return new Uint8Array(0);
    if (answer.status === 404 || answer.status === 410) throw new Problem("sps.segment.missing", { status: answer.status });
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    // A server without ranges sends everything: take what was asked for.
    return new Uint8Array(await answer.arrayBuffer()).slice(offset, offset + size);
  }

  close() {
    this.stop.abort();
  }
}
