/**
 * Sound of one track: decrypted segments in, its own clock out. A track may follow another in the same buffer without a
 * gap.
 */

import { MediaSourceBuffer } from "./media_source_buffer.js";

export class TrackAudio {
  mediaBuffer = new MediaSourceBuffer();
  /** @type {number} start of the track in the buffer, seconds */
  startS = 0;
  /** @type {number} */
  durationMs = 0;
  /** @type {boolean} the track before still sounds */
  isJoining = false;
  /** @type {boolean} it fades out after its stream is closed */
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

  /** Event of the buffer. @param {string} name */
  onBufferEvent(name) {
    if (this.isJoining && name !== "error") {
      // Before its start the track before sounds.
      if (this.audio.currentTime < this.startS) return;
      this.isJoining = false;
      this.onEvent("playing");
    }
    if (name !== "timeupdate") this.onEvent(name);
  }

  /** @param {string} mime @param {number} durationMs @param {Uint8Array<ArrayBuffer>} init */
  async prepare(mime, durationMs, init) {
    this.durationMs = durationMs;
    this.initSegment = { mime, init };
    await this.mediaBuffer.prepare(mime, durationMs / 1000, init);
  }

  /** Appends this track to another one's buffer, which has its last sample. @param {TrackAudio} before */
  async follow(before) {
    if (!this.initSegment) throw new Error("not prepared");
    const { mediaBuffer } = before;
    const startS = await mediaBuffer.appendTrack(this.initSegment.mime, this.durationMs / 1000, this.initSegment.init);
    this.mediaBuffer.close();
    this.mediaBuffer = mediaBuffer;
    this.startS = startS;
    this.isJoining = true;
    mediaBuffer.current = this;
  }

  /** @param {BufferSource} bytes */
  append(bytes) {
    return this.mediaBuffer.append(bytes);
  }

  evict() {
    this.mediaBuffer.evict();
  }

  /** Ends the stream: no more segments follow. */
  finish() {
    return this.mediaBuffer.finish();
  }

  /** Seeks. @param {number} ms */
  seek(ms) {
    this.isJoining = false;
    this.audio.currentTime = this.startS + ms / 1000;
  }

  /** Whether a position and 0.2 s after it are buffered. @param {number} ms */
  isBuffered(ms) {
    const { buffered } = this.audio;
    const at = this.startS + ms / 1000;
    for (let i = 0; i < buffered.length; i++)
      if (at >= buffered.start(i) - 0.01 && at + 0.2 < buffered.end(i)) return true;
    return false;
  }

  /** End of the buffered range that sounds, ms. */
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

  get positionMs() {
    return Math.max(0, this.ms(this.audio.currentTime));
  }

  /** @private @param {number} seconds in the buffer */
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
