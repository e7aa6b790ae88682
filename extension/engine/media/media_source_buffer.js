/**
 * An audio element with a MediaSource and its SourceBuffer, in which songs follow each other without a gap.
 */

import { Problem } from "../../shared/problem.js";

/** Sound that stays in the buffer before and after the position, seconds. */
const BEHIND_S = 20;
const AHEAD_S = 60;

/** A track in the buffer. @typedef {{onBufferEvent: (name: string) => void, startS: number}} Track */

export class MediaSourceBuffer {
  /** @type {SourceBuffer | null} */
  buffer = null;
  /** The decoder's error, after which nothing can be appended. @type {Problem | null} */
  broken = null;
  /** Receives the events. @type {Track | null} */
  current = null;
  mime = "";
  /** The latest operation on the buffer. @type {Promise<unknown>} */
  queue = Promise.resolve();

  constructor() {
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.source = new MediaSource();
    const url = URL.createObjectURL(this.source);
    this.opened = new Promise((resolve) => this.source.addEventListener("sourceopen", resolve, { once: true }));
    this.audio.src = url;
    this.opened.then(() => URL.revokeObjectURL(url));
    for (const name of ["playing", "waiting", "ended", "seeked"]) this.report(name);
    this.audio.addEventListener("error", () => {
      this.broken = new Problem("media.decode", { reason: this.audio.error?.message ?? "" });
      this.current?.onBufferEvent("error");
    });
  }

  /**
   * Reports an event of the element to the current track.
   * @param {string} name
   * @param {AbortSignal} [signal] ends the reports
   */
  report(name, signal) {
    this.audio.addEventListener(name, () => this.current?.onBufferEvent(name), { signal });
  }

  /**
   * Opens the buffer for its first song.
   * @param {string} mime
   * @param {number} endS duration of the song, seconds
   * @param {Uint8Array<ArrayBuffer>} init
   * @throws {Problem} media.unsupported
   */
  async prepare(mime, endS, init) {
    if (!MediaSource.isTypeSupported(mime)) throw new Problem("media.unsupported", { mime });
    await this.opened;
    this.buffer = this.source.addSourceBuffer(mime);
    this.mime = mime;
    this.source.duration = endS;
    // The last frame of a codec may end later than the song.
    this.buffer.appendWindowEnd = endS + 0.001;
    await this.append(init);
  }

  /**
   * Appends another song at the end of the buffer.
   * @param {string} mime
   * @param {number} durationS
   * @param {Uint8Array<ArrayBuffer>} init
   * @returns {Promise<number>} its start in the buffer, seconds
   */
  async appendTrack(mime, durationS, init) {
    const { buffered } = this.audio;
    const startS = buffered.length ? buffered.end(buffered.length - 1) : this.audio.currentTime;
    await this.enqueue(() => {
      const { buffer } = this;
      if (!buffer) return;
      if (mime !== this.mime) buffer.changeType(mime);
      this.mime = mime;
      buffer.appendWindowEnd = Infinity;
      buffer.timestampOffset = startS;
      // An ended MediaSource opens again with an append.
      buffer.appendBuffer(init);
    });
    await this.enqueue(() => {
      if (this.source.readyState === "open") this.source.duration = startS + durationS;
      if (this.buffer) this.buffer.appendWindowEnd = startS + durationS + 0.001;
    });
    return startS;
  }

  /**
   * Appends a segment; where the buffer is full, after removing the sound that has played.
   * @param {BufferSource} bytes
   */
  async append(bytes) {
    const add = () => this.enqueue(() => this.buffer?.appendBuffer(bytes));
    try {
      await add();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "QuotaExceededError") throw error;
      await this.enqueue(() => this.buffer?.remove(0, Math.max(0.1, this.audio.currentTime - 2)));
      await add();
    }
  }

  /** Removes sound far behind the position, and far ahead of it after a seek back, so that memory is bounded. */
  evict() {
    const { buffered, currentTime } = this.audio;
    if (!buffered.length) return;
    const [low, high] = [currentTime - BEHIND_S, currentTime + AHEAD_S];
    if (buffered.start(0) < low - 10) this.enqueue(() => this.buffer?.remove(0, low)).catch(() => undefined);
    const last = buffered.end(buffered.length - 1);
    if (last > high + 1) this.enqueue(() => this.buffer?.remove(high, last + 1)).catch(() => undefined);
  }

  /** Ends the stream: no more segments follow. */
  finish() {
    return this.enqueue(() => {
      if (this.source.readyState === "open") this.source.endOfStream();
    });
  }

  /** Runs operations on the buffer one at a time. @param {() => void} operation */
  enqueue(operation) {
    const run = async () => {
      if (this.broken) throw this.broken;
      const { buffer } = this;
      if (!buffer) return;
      const listeners = new AbortController();
      const done = new Promise((resolve, reject) => {
        buffer.addEventListener("updateend", resolve, { signal: listeners.signal });
        buffer.addEventListener("error", () => reject(new Problem("media.decode")), { signal: listeners.signal });
      });
      done.catch(() => undefined);
      try {
        operation();
        if (buffer.updating) await done;
      } finally {
        listeners.abort();
      }
    };
    const result = this.queue.then(run);
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** Stops the sound and frees the buffer. */
  close() {
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
  }
}
