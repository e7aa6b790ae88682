/**
 * One song's sound on a deck: decrypted segments in, its own clock out. A song may follow another one on the same deck
 * without a gap.
 */

import { MediaSourceBuffer } from "./media_source_buffer.js";

export class TrackAudio {
  deck = new MediaSourceBuffer();
  /** @type {number} where on the deck the song starts, seconds */
  startS = 0;
  /** @type {number} */
  durationMs = 0;
  /** @type {boolean} the song before still sounds on this deck */
  joining = false;
  /** @type {boolean} it fades out, whatever becomes of its stream */
  kept = false;
  /** @type {{mime: string, init: Uint8Array<ArrayBuffer>} | null} */
  made = null;

  /** @param {(name: string) => void} onEvent playing, waiting, ended, seeked, error */
  constructor(onEvent) {
    this.onEvent = onEvent;
    this.deck.current = this;
  }

  get audio() {
    return this.deck.audio;
  }

  get broken() {
    return this.deck.broken;
  }

  /** The deck says something of this song. @param {string} name */
  hear(name) {
    if (this.joining && name !== "error") {
      // Until its own first moment what is heard is the song before.
      if (this.audio.currentTime < this.startS) return;
      this.joining = false;
      this.onEvent("playing");
    }
    if (name !== "timeupdate") this.onEvent(name);
  }

  /** @param {string} mime @param {number} durationMs @param {Uint8Array<ArrayBuffer>} init */
  async prepare(mime, durationMs, init) {
    this.durationMs = durationMs;
    this.made = { mime, init };
    await this.deck.prepare(mime, durationMs / 1000, init);
  }

  /** Follow another song, whose last sample is buffered, on its deck. @param {TrackAudio} before */
  async follow(before) {
    if (!this.made) throw new Error("not prepared");
    const { deck } = before;
    const startS = await deck.follow(this.made.mime, this.durationMs / 1000, this.made.init);
    this.deck.close();
    this.deck = deck;
    this.startS = startS;
    this.joining = true;
    deck.current = this;
  }

  /** @param {BufferSource} bytes */
  append(bytes) {
    return this.deck.append(bytes);
  }

  evict() {
    this.deck.evict();
  }

  /** No more segments follow. */
  finish() {
    return this.deck.finish();
  }

  /** Go to a place of the song. @param {number} ms */
  seek(ms) {
    this.joining = false;
    this.audio.currentTime = this.startS + ms / 1000;
  }

  /** Whether a position is buffered with a little after it. @param {number} ms */
  holds(ms) {
    const { buffered } = this.audio;
    const at = this.startS + ms / 1000;
    for (let i = 0; i < buffered.length; i++)
      if (at >= buffered.start(i) - 0.01 && at + 0.2 < buffered.end(i)) return true;
    return false;
  }

  /** Milliseconds up to which the sound is there without a gap. */
  get aheadMs() {
    const { buffered, currentTime } = this.audio;
    for (let i = 0; i < buffered.length; i++)
      if (currentTime >= buffered.start(i) - 0.05 && currentTime <= buffered.end(i)) return this.ms(buffered.end(i));
    return this.positionMs;
  }

  /** @returns {[number, number][]} ms: what is buffered of this song */
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

  /** @private @param {number} seconds of the deck */
  ms(seconds) {
    return Math.round((seconds - this.startS) * 1000);
  }

  /** Silence, where this song is the one that sounds. */
  pause() {
    if (this.deck.current === this && !this.kept) this.audio.pause();
  }

  /** Silence now, and forget what was decoded; unless another song has the deck. */
  close() {
    if (this.deck.current === this && !this.kept) this.deck.close();
  }
}
