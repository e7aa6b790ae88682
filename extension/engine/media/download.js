/**
 * A response with more of a file than was requested, kept while it arrives to serve later reads.
 */

/** Most bytes held; beyond it those before the last read are dropped, and the transfer waits where there are none. */
export const MOST_HELD = 64 << 20;

/** Most bytes held while nothing but the file's beginning is read; beyond it the transfer ends. */
export const MOST_UNCLAIMED = 8 << 20;

/** Most bytes held by all transfers of one site; each has an equal part. */
export const MOST_OF_SITE = 128 << 20;

/** @type {Map<string, number>} transfers by site */
const transfers = new Map();

/** @typedef {ReadableStreamDefaultReader<Uint8Array>} Reader */

export class Download {
  /** @type {Uint8Array[]} */
  chunks = [];
  /** @type {"open" | "ended" | "failed"} */
  state = "open";
  /** @private more reads follow */
  claimed = false;
  /** @private start of the latest read */
  last = 0;
  /** @private @type {Set<{first: number}>} reads under way */
  reads = new Set();
  /** @private @type {Set<() => void>} */
  waiting = new Set();
  /** @private */
  retired = false;
  /** @private */
  left = false;

  /**
   * @param {Reader} reader
   * @param {number} start offset in the file of the first byte
   * @param {import("./http_file.js").Version} version of the file
   * @param {() => void} stop ends the transfer
   * @param {string} [site] whose share of memory it uses
   */
  constructor(reader, start, version, stop, site = "") {
    this.site = site;
    transfers.set(site, (transfers.get(site) ?? 0) + 1);
    this.reader = reader;
    this.base = start;
    this.end = start;
    this.version = version;
    this.stop = stop;
    this.pump().catch(() => this.finish("failed"));
  }

  /** Whether a byte is held or may still arrive. @param {number} at offset in the file */
  covers(at) {
    return at >= this.base && (at < this.end || this.state === "open");
  }

  /**
   * Bytes [first, end) of the file, fewer where the transfer ends earlier.
   * @param {number} first covered
   * @param {number} end
   * @param {{signal: AbortSignal, onProgress: (bytes: number) => void}} options
   * @param {boolean} claim more will be read
   * @returns {Promise<Uint8Array[]>}
   */
  async read(first, end, { signal, onProgress }, claim) {
    const read = { first };
    this.claimed ||= claim;
    this.reads.add(read);
    this.last = first;
    this.wake();
    try {
      for (let seen = this.end; this.end < end && this.state === "open"; seen = this.end) {
        await this.more(signal);
        if (this.end > seen) onProgress(this.end - seen);
      }
      return first >= this.base ? this.slice(first, end) : [];
    } finally {
      this.reads.delete(read);
      if (this.retired) this.retire();
    }
  }

  /** Ends the transfer once nobody reads from it. */
  retire() {
    this.retired = true;
    if (this.reads.size === 0) this.close();
  }

  close() {
    this.leave();
    if (this.state === "open") this.finish("failed");
    this.stop();
    this.chunks = [];
    this.base = this.end;
  }

  /** @private Its part of the site's memory is for the others now. */
  leave() {
    if (this.left) return;
    this.left = true;
    const others = (transfers.get(this.site) ?? 1) - 1;
    if (others > 0) transfers.set(this.site, others);
    else transfers.delete(this.site);
  }

  /** @private bytes */
  get most() {
    return Math.min(
      this.claimed ? MOST_HELD : MOST_UNCLAIMED,
      Math.floor(MOST_OF_SITE / (transfers.get(this.site) ?? 1)),
    );
  }

  /** @private */
  async pump() {
    for (;;) {
      const { done, value } = await this.reader.read();
      if (this.state !== "open") return;
      if (done) return this.finish("ended");
      this.chunks.push(value);
      this.end += value.length;
      this.wake();
      while (this.end - this.base > this.most && !this.letGo()) {
        if (!this.claimed && this.reads.size === 0) return this.close();
        if (this.state !== "open") return;
        await new Promise((resolve) => this.waiting.add(() => resolve(undefined)));
      }
    }
  }

  /** @private the oldest chunk, when no read needs it @returns {boolean} */
  letGo() {
    const oldest = this.chunks[0]?.length ?? 0;
    const needed = Math.min(this.last, ...[...this.reads].map(({ first }) => first));
    if (oldest === 0 || this.base + oldest > needed) return false;
    this.chunks.shift();
    this.base += oldest;
    return true;
  }

  /** @private @param {"ended" | "failed"} state */
  finish(state) {
    if (this.state === "open") this.state = state;
    this.wake();
  }

  /** @private */
  wake() {
    for (const resume of [...this.waiting]) {
      this.waiting.delete(resume);
      resume();
    }
  }

  /** @private resolves with the next bytes, the end or a move of the floor @param {AbortSignal} signal */
  more(signal) {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.waiting.delete(done);
        signal.removeEventListener("abort", done);
        if (signal.aborted) reject(new Error(String(signal.reason)));
        else resolve(undefined);
      };
      if (signal.aborted) return done();
      this.waiting.add(done);
      signal.addEventListener("abort", done);
      return undefined;
    });
  }

  /** @private @param {number} first @param {number} end @returns {Uint8Array[]} */
  slice(first, end) {
    const out = [];
    let at = this.base;
    for (const chunk of this.chunks) {
      if (at + chunk.length > first && at < end)
        out.push(chunk.subarray(Math.max(0, first - at), Math.min(chunk.length, end - at)));
      at += chunk.length;
      if (at >= end) break;
    }
    return out;
  }
}
