/**
 * One audio element with Media Source: decrypted segments in, sound out.
 */

import { Problem } from "../shared/problem.js";

const BEHIND_S = 20;
const AHEAD_S = 60;

export class Sound {
  /** @param {(name: string) => void} onEvent playing, waiting, ended, seeked */
  constructor(onEvent) {
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.source = new MediaSource();
    /** @type {SourceBuffer | null} */
    this.buffer = null;
    /** @type {Promise<unknown>} */
    this.queue = Promise.resolve();
    const url = URL.createObjectURL(this.source);
    this.opened = new Promise((resolve) => this.source.addEventListener("sourceopen", resolve, { once: true }));
    this.audio.src = url;
    this.opened.then(() => URL.revokeObjectURL(url));
    for (const name of ["playing", "waiting", "ended", "seeked"]) this.audio.addEventListener(name, () => onEvent(name));
    this.audio.addEventListener("error", () => {
      this.broken = new Problem("media.decode", { reason: this.audio.error?.message ?? "" });
      onEvent("error");
    });
    /** @type {Problem | null} */
    this.broken = null;
  }

  /** @param {string} mime @param {number} durationMs @param {Uint8Array<ArrayBuffer>} init */
  async prepare(mime, durationMs, init) {
    if (!MediaSource.isTypeSupported(mime)) throw new Problem("media.unsupported", { mime });
    await this.opened;
    this.buffer = this.source.addSourceBuffer(mime);
    this.source.duration = durationMs / 1000;
    // Codecs with frames of their own length end a little late.
    this.buffer.appendWindowEnd = durationMs / 1000 + 0.001;
    await this.append(init);
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

  /** Drop what lies far behind, and far ahead where a jump back has left it: memory stays flat however long somebody listens. */
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

  /** @private One operation on the buffer at a time. @param {() => void} act */
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

  /** Whether a position is buffered with a little after it. @param {number} ms */
  holds(ms) {
    const { buffered } = this.audio;
    for (let i = 0; i < buffered.length; i++) if (ms / 1000 >= buffered.start(i) - 0.01 && ms / 1000 + 0.2 < buffered.end(i)) return true;
    return false;
  }

  /** Milliseconds up to which the sound is there without a gap. */
  get aheadMs() {
    const { buffered, currentTime } = this.audio;
    for (let i = 0; i < buffered.length; i++) if (currentTime >= buffered.start(i) - 0.05 && currentTime <= buffered.end(i)) return Math.round(buffered.end(i) * 1000);
    return this.positionMs;
  }

  get positionMs() {
    return Math.round(this.audio.currentTime * 1000);
  }

  /** Silence now, and forget what was decoded. */
  close() {
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
  }
}
