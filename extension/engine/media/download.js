/**
 * A response with more of a file than was requested, buffered while it arrives to serve later reads.
 */

/** Most bytes in the buffer; above it those before the last read are dropped, or the transfer pauses. */
export const MAX_BUFFERED = 64 << 20;

/** Most bytes in the buffer while only the beginning of the file is read; above it the transfer ends. */
export const MAX_UNCLAIMED = 8 << 20;

/** Most bytes in the buffers of all transfers of a site; each transfer has an equal share. */
export const MAX_OF_SITE = 128 << 20;

/** Number of transfers by site. @type {Map<string, number>} */
const transfers = new Map();

/** @typedef {ReadableStreamDefaultReader<Uint8Array>} Reader */

/** The body of one response, with the part of it that is buffered. */
export class Download {
  /** @type {Uint8Array[]} */
  chunks = [];
  /** @type {"open" | "ended" | "failed"} */
  state = "open";
  /** More reads are expected. @private */
  claimed = false;
  /** Start of the latest read. @private */
  last = 0;
  /** Running reads. @private @type {Set<{first: number}>} */
  reads = new Set();
  /** Continuations that wait for the next change. @private @type {Set<() => void>} */
  waiting = new Set();
  /** Ends with the last read. @private */
  retired = false;
  /** The site's memory is released. @private */
  released = false;

  /**
   * @param {Reader} reader
   * @param {number} start offset in the file of the first byte
   * @param {import("./range_client.js").Version} version of the file
   * @param {() => void} stop ends the transfer
   * @param {string} [site] whose memory it uses
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

  /** True if a byte is buffered or may still arrive. @param {number} at offset in the file */
  covers(at) {
    return at >= this.base && (at < this.end || this.state === "open");
  }

  /**
   * Reads the bytes [first, end) of the file, fewer where the transfer ends earlier.
   * @param {number} first an offset that `covers` accepts
   * @param {number} end
   * @param {{signal: AbortSignal, onProgress: (bytes: number) => void}} options
   * @param {boolean} claim more reads are expected
   * @returns {Promise<Uint8Array[]>}
   */
  async read(first, end, { signal, onProgress }, claim) {
    const read = { first };
    this.claimed ||= claim;
    this.reads.add(read);
    this.last = first;
    this.resumeWaiting();
    try {
      for (let seen = this.end; this.end < end && this.state === "open"; seen = this.end) {
        await this.nextChange(signal);
        if (this.end > seen) onProgress(this.end - seen);
      }
      return first >= this.base ? this.slice(first, end) : [];
    } finally {
      this.reads.delete(read);
      if (this.retired) this.retire();
    }
  }

  /** Ends the transfer after the running reads. */
  retire() {
    this.retired = true;
    if (this.reads.size === 0) this.close();
  }

  /** Ends the transfer and drops the buffer. */
  close() {
    this.releaseShare();
    if (this.state === "open") this.finish("failed");
    this.stop();
    this.chunks = [];
    this.base = this.end;
  }

  /** Leaves the share of the site's memory to its other transfers. @private */
  releaseShare() {
    if (this.released) return;
    this.released = true;
    const others = (transfers.get(this.site) ?? 1) - 1;
    if (others > 0) transfers.set(this.site, others);
    else transfers.delete(this.site);
  }

  /** Most bytes in the buffer. @private */
  get maxBuffered() {
    return Math.min(
      this.claimed ? MAX_BUFFERED : MAX_UNCLAIMED,
      Math.floor(MAX_OF_SITE / (transfers.get(this.site) ?? 1)),
    );
  }

  /** Reads the response to its end. @private */
  async pump() {
    for (;;) {
      const { done, value } = await this.reader.read();
      if (this.state !== "open") return;
      if (done) return this.finish("ended");
      this.chunks.push(value);
      this.end += value.length;
      this.resumeWaiting();
      while (this.end - this.base > this.maxBuffered && !this.dropOldest()) {
        if (!this.claimed && this.reads.size === 0) return this.close();
        if (this.state !== "open") return;
        await new Promise((resolve) => this.waiting.add(() => resolve(undefined)));
      }
    }
  }

  /** Drops the oldest chunk, where no read needs it. @private @returns {boolean} whether it did */
  dropOldest() {
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
    this.resumeWaiting();
  }

  /** Runs the continuations that wait. @private */
  resumeWaiting() {
    for (const resume of [...this.waiting]) {
      this.waiting.delete(resume);
      resume();
    }
  }

  /** Resolves at the next change: bytes, the end, or another read. @private @param {AbortSignal} signal */
  nextChange(signal) {
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

  /** Buffered bytes of a range. @private @param {number} first @param {number} end @returns {Uint8Array[]} */
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
