/**
 * One audio element with Media Source, and the songs that sound on it one after the other without a gap.
 */

import { Problem } from "../../shared/problem.js";

const BEHIND_S = 20;
const AHEAD_S = 60;

/** @typedef {{hear: (name: string) => void, startS: number}} Listener */

export class MediaSourceBuffer {
  /** @type {SourceBuffer | null} */
  buffer = null;
  /** @type {Problem | null} */
  broken = null;
  /** @type {Listener | null} whose song it is now */
  current = null;
  mime = "";
  /** @type {Promise<unknown>} */
  queue = Promise.resolve();

  constructor() {
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.source = new MediaSource();
    const url = URL.createObjectURL(this.source);
    this.opened = new Promise((resolve) => this.source.addEventListener("sourceopen", resolve, { once: true }));
    this.audio.src = url;
    this.opened.then(() => URL.revokeObjectURL(url));
    for (const name of ["playing", "waiting", "ended", "seeked", "timeupdate"])
      this.audio.addEventListener(name, () => this.current?.hear(name));
    this.audio.addEventListener("error", () => {
      this.broken = new Problem("media.decode", { reason: this.audio.error?.message ?? "" });
      this.current?.hear("error");
    });
  }

  /** @param {string} mime @param {number} endS where the song ends @param {Uint8Array<ArrayBuffer>} init */
  async prepare(mime, endS, init) {
    if (!MediaSource.isTypeSupported(mime)) throw new Problem("media.unsupported", { mime });
    await this.opened;
    this.buffer = this.source.addSourceBuffer(mime);
    this.mime = mime;
    this.source.duration = endS;
    // Codecs with frames of their own length end a little late.
    this.buffer.appendWindowEnd = endS + 0.001;
    await this.append(init);
  }

  /**
   * Another song follows what is buffered, from its very end on.
   * @param {string} mime
   * @param {number} durationS
   * @param {Uint8Array<ArrayBuffer>} init
   * @returns {Promise<number>} where it starts, seconds
   */
  async follow(mime, durationS, init) {
    const { buffered } = this.audio;
    const startS = buffered.length ? buffered.end(buffered.length - 1) : this.audio.currentTime;
    await this.turn(() => {
      const { buffer } = this;
      if (!buffer) return;
      if (mime !== this.mime) buffer.changeType(mime);
      this.mime = mime;
      buffer.appendWindowEnd = Infinity;
      buffer.timestampOffset = startS;
      // A source that was ended opens again with what is appended.
      buffer.appendBuffer(init);
    });
    await this.turn(() => {
      if (this.source.readyState === "open") this.source.duration = startS + durationS;
      if (this.buffer) this.buffer.appendWindowEnd = startS + durationS + 0.001;
    });
    return startS;
  }

  /** @param {BufferSource} bytes */
  async append(bytes) {
    const add = () => this.turn(() => this.buffer?.appendBuffer(bytes));
    try {
      await add();
    } catch (error) {
      if (/** @type {any} */ (error)?.name !== "QuotaExceededError") throw error;
      // The browser's buffer is full of what was heard already.
      await this.turn(() => this.buffer?.remove(0, Math.max(0.1, this.audio.currentTime - 2)));
      await add();
    }
  }

  /**
   * Drop what lies far behind, and far ahead where a jump back has left it: memory stays flat however long somebody
   * listens.
   */
  evict() {
    const { buffered, currentTime } = this.audio;
    if (!buffered.length) return;
    const [low, high] = [currentTime - BEHIND_S, currentTime + AHEAD_S];
    if (buffered.start(0) < low - 10) this.turn(() => this.buffer?.remove(0, low)).catch(() => undefined);
    const last = buffered.end(buffered.length - 1);
    if (last > high + 1) this.turn(() => this.buffer?.remove(high, last + 1)).catch(() => undefined);
  }

  /** No more segments follow. */
  finish() {
    return this.turn(() => {
      if (this.source.readyState === "open") this.source.endOfStream();
    });
  }

  /** One operation on the buffer at a time. @param {() => void} act */
  turn(act) {
    const run = async () => {
      if (this.broken) throw this.broken;
      const { buffer } = this;
      if (!buffer) return;
      const heard = new AbortController();
      const done = new Promise((resolve, reject) => {
        buffer.addEventListener("updateend", resolve, { signal: heard.signal });
        buffer.addEventListener("error", () => reject(new Problem("media.decode")), { signal: heard.signal });
      });
      done.catch(() => undefined);
      try {
        act();
        if (buffer.updating) await done;
      } finally {
        heard.abort();
      }
    };
    const result = this.queue.then(run);
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** Silence now, and forget what was decoded. */
  close() {
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
  }
}
