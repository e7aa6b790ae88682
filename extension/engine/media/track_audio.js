/**
 * Sound of one track: takes decrypted segments and has a position of its own. A track may follow another in the same
 * buffer without a gap.
 */

import { MediaSourceBuffer } from "./media_source_buffer.js";

export class TrackAudio {
  mediaBuffer = new MediaSourceBuffer();
  /** Start of the track in the buffer, seconds. @type {number} */
  startS = 0;
  /** Duration of the track, ms. @type {number} */
  durationMs = 0;
  /** Ends the reports of progress while the track before it still plays. @type {AbortController | null} */
  #joining = null;
  /** It fades out after its stream is closed. */
  isFadingOut = false;
  /** @type {{mime: string, init: Uint8Array<ArrayBuffer>} | null} */
  initSegment = null;

  /** @param {(name: string) => void} onEvent playing, waiting, ended, seeked, error */
  constructor(onEvent) {
    this.onEvent = onEvent;
    this.mediaBuffer.current = this;
  }

  get audio() {
    return this.mediaBuffer.audio;
  }

  get broken() {
    return this.mediaBuffer.broken;
  }

  /** Handles an event of the buffer. @param {string} name */
  onBufferEvent(name) {
    if (this.isJoining && name !== "error") {
      // Up to its start the track before it plays.
      if (this.audio.currentTime < this.startS) return;
      this.#joined();
      this.onEvent("playing");
    }
    if (name !== "timeupdate") this.onEvent(name);
  }

  /** True while the track before it still plays. */
  get isJoining() {
    return this.#joining !== null;
  }

  #joined() {
    this.#joining?.abort();
    this.#joining = null;
  }

  /** Opens the buffer. @param {string} mime @param {number} durationMs @param {Uint8Array<ArrayBuffer>} init */
  async prepare(mime, durationMs, init) {
    this.durationMs = durationMs;
    this.initSegment = { mime, init };
    await this.mediaBuffer.prepare(mime, durationMs / 1000, init);
  }

  /** Moves this track to the buffer of another one, which is complete. @param {TrackAudio} before */
  async follow(before) {
    if (!this.initSegment) throw new Error("not prepared");
    const { mediaBuffer } = before;
    const startS = await mediaBuffer.appendTrack(this.initSegment.mime, this.durationMs / 1000, this.initSegment.init);
    this.mediaBuffer.close();
    this.mediaBuffer = mediaBuffer;
    this.startS = startS;
    this.#joining = new AbortController();
    mediaBuffer.report("timeupdate", this.#joining.signal);
    mediaBuffer.current = this;
  }

  /** Appends a segment. @param {BufferSource} bytes */
  append(bytes) {
    return this.mediaBuffer.append(bytes);
  }

  /** Removes sound far from the position. */
  evict() {
    this.mediaBuffer.evict();
  }

  /** Ends the stream: no more segments follow. */
  finish() {
    return this.mediaBuffer.finish();
  }

  /** Seeks. @param {number} ms */
  seek(ms) {
    this.#joined();
    this.audio.currentTime = this.startS + ms / 1000;
  }

  /** True if a position and 0.2 s after it are buffered. @param {number} ms */
  isBuffered(ms) {
    const { buffered } = this.audio;
    const at = this.startS + ms / 1000;
    for (let i = 0; i < buffered.length; i++)
      if (at >= buffered.start(i) - 0.01 && at + 0.2 < buffered.end(i)) return true;
    return false;
  }

  /** End of the buffered range at the position, ms. */
  get aheadMs() {
    const { buffered, currentTime } = this.audio;
    for (let i = 0; i < buffered.length; i++)
      if (currentTime >= buffered.start(i) - 0.05 && currentTime <= buffered.end(i)) return this.ms(buffered.end(i));
    return this.positionMs;
  }

  /** @returns {[number, number][]} buffered ranges of this track, ms */
  get ranges() {
    const { buffered } = this.audio;
    /** @type {[number, number][]} */
    const all = Array.from({ length: buffered.length }, (_, i) => [
      Math.max(0, this.ms(buffered.start(i))),
      this.ms(buffered.end(i)),
    ]);
    return all.filter(([from, to]) => to > from);
  }

  /** Milliseconds of music in a millisecond. */
  get rate() {
    return this.audio.playbackRate;
  }

  /** Position in the track, ms. */
  get positionMs() {
    return Math.max(0, this.ms(this.audio.currentTime));
  }

  /** Position in the track of a time in the buffer, ms. @private @param {number} seconds */
  ms(seconds) {
    return Math.round((seconds - this.startS) * 1000);
  }

  /** Pauses, where this track is the current one of its buffer. */
  pause() {
    if (this.mediaBuffer.current === this && !this.isFadingOut) this.audio.pause();
  }

  /** Closes the buffer, unless another track has taken it over. */
  close() {
    if (this.mediaBuffer.current === this && !this.isFadingOut) this.mediaBuffer.close();
  }
}
