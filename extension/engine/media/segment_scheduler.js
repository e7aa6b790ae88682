/**
 * Loads, decrypts and appends one segment after the other, a little ahead of the music.
 */

import { fromBase64 } from "../bytes.js";
import { unseal } from "../playback/key_ring.js";
import { retry } from "../../shared/retry.js";

const AHEAD_MS = 12_000;
/** Lead after a seek: more seeks are likely, and keys are metered. */
const AFTER_SEEK_MS = 4_000;
const POLL_MS = 200;
const KEY_WAIT_MS = 1000;
/** With less sound buffered than this, the music is about to wait for a key. */
const UNDERRUN_MS = 500;
/** Segments before and after the music whose keys are kept. */
const KEPT_KEYS = 32;

/**
 * @typedef {object} Parts of an opened song
 * @property {import("./sps_source.js").SpsSource} source
 * @property {import("../playback/key_ring.js").KeyRing} ring
 * @property {import("./track_audio.js").TrackAudio} sound
 * @property {any} info of the host
 * @property {import("../playback/key_ring.js").Address} address
 */

export class SegmentScheduler {
  /** @type {number} of the loop; an older loop ends */
  generation = 0;
  /** @type {boolean} another track may follow in the same buffer */
  isContinued = false;
  /** @type {boolean} the rest of the song is in the buffer */
  isComplete = false;
  /** @type {import("./mark_check.js").MarkCheck | null} */
  markCheck = null;
  /** @type {number | null} end of a preview or extract, ms */
  endMs = null;
  /** @type {number | null} target of the latest seek, ms */
  seekedMs = null;
  /** @type {boolean} a loop was started before */
  isStarted = false;
  /** @type {{segment: number, promise: Promise<Uint8Array<ArrayBuffer>>} | null} */
  prefetched = null;

  /**
   * @param {Parts} parts
   * @param {(segment: number) => Promise<number | null>} renew asks the host for the keys from a segment on; ms after
   *   which to ask again
   * @param {(error: unknown) => void} onError
   * @param {(is: boolean) => void} [onStall]
   */
  constructor(parts, renew, onError, onStall = () => undefined) {
    this.parts = parts;
    this.renew = renew;
    this.onError = onError;
    this.onStall = onStall;
  }

  /** Loads the sealed segment while the host decides. @param {number} segment */
  prefetch(segment) {
    const promise = this.cipherText(segment);
    promise.catch(() => undefined);
    this.prefetched = { segment, promise };
  }

  /** Starts at a position. @param {number} position ms @param {number} segment of the position */
  start(position, segment) {
    const { sound } = this.parts;
    const isBuffered = sound.isBuffered(position);
    if (!sound.isJoining && Math.abs(sound.positionMs - position) > 20) sound.seek(position);
    const generation = ++this.generation;
    if (this.isStarted && !isBuffered) this.seekedMs = position;
    this.isStarted = true;
    this.isComplete = false;
    this.run(isBuffered ? this.segmentAfter(sound.aheadMs) : this.firstToDecode(segment, position), generation).catch(
      (error) => {
        if (generation === this.generation) this.onError(error);
      },
    );
  }

  /**
   * First segment to decode for a position: Opus converges over the segment before (RFC 7845 section 4.6).
   * @param {number} segment
   * @param {number} position ms
   */
  firstToDecode(segment, position) {
    const { info, sound } = this.parts;
    return info.codec === "opus" && segment > 0 && this.endMs === null && !sound.isBuffered(position)
      ? segment - 1
      : segment;
  }

  stop() {
    this.generation++;
  }

  /**
   * Lead over the music: short after a seek, and longer with what is played from there.
   * @param {number} position ms
   */
  targetAheadMs(position) {
    return this.seekedMs === null ? AHEAD_MS : Math.min(AHEAD_MS, Math.max(AFTER_SEEK_MS, position - this.seekedMs));
  }

  /**
   * Number of segments to request keys for; null: as many as the host gives.
   * @param {string} action
   * @param {number} segment
   * @param {number} position ms
   */
  keyCount(action, segment, position) {
    const aheadMs = action === "seek" ? AFTER_SEEK_MS : this.targetAheadMs(position);
    if (aheadMs === AHEAD_MS) return null;
    const { segments } = this.parts.info;
    const after = segments.findIndex((/** @type {any[]} */ [, , start]) => start >= position + aheadMs);
    return Math.max(1, (after < 0 ? segments.length : after) - segment);
  }

  /** Segment at a position. @param {number} ms */
  segmentAt(ms) {
    const index = this.parts.info.segments.findIndex((/** @type {any[]} */ [, , start, length]) => start + length > ms);
    return index < 0 ? this.parts.info.segments.length - 1 : index;
  }

  /** First segment from a position on whose key is missing. @param {number} ms */
  firstMissing(ms) {
    const { ring } = this.parts;
    for (let i = this.segmentAfter(ms), { end } = this; i < end; i++) if (!ring.keys.has(i)) return i;
    return null;
  }

  /** @private @param {number} ms end of the buffered sound */
  segmentAfter(ms) {
    const { segments } = this.parts.info;
    const index = segments.findIndex((/** @type {any[]} */ [, , start, length]) => start + length > ms + 50);
    return index < 0 ? this.end : index;
  }

  /** First segment after the part that may sound. */
  get end() {
    const { segments } = this.parts.info;
    const index =
      this.endMs === null
        ? -1
        : segments.findIndex((/** @type {any[]} */ [, , start]) => start >= /** @type {number} */ (this.endMs));
    return index < 0 ? segments.length : index;
  }

  /** @private @param {number} first @param {number} generation */
  async run(first, generation) {
    const { info, sound, ring, address } = this.parts;
    for (let index = first; index < this.end; index++) {
      while (info.segments[index][2] - sound.positionMs > this.targetAheadMs(sound.positionMs)) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        if (generation !== this.generation) return;
      }
      sound.evict();
      ring.trim(Math.min(index, this.segmentAt(sound.positionMs)) - KEPT_KEYS, index + KEPT_KEYS);
      const options = { isWanted: () => generation === this.generation, onStall: this.onStall };
      const prefetched = this.prefetched?.segment === index ? this.prefetched.promise : null;
      const cipher = prefetched
        ? prefetched.catch(() => retry(() => this.cipherText(index), options))
        : retry(() => this.cipherText(index), options);
      cipher.catch(() => undefined);
      const [sealed, key] = await Promise.all([cipher, retry(() => this.keyFor(index, generation), options)]);
      if (generation !== this.generation || !key) return;
      const clear = await unseal(key, sealed, address, index);
      if (generation !== this.generation) return;
      this.markCheck?.onSegment(index, clear);
      await sound.append(clear);
    }
    if (generation !== this.generation) return;
    // Not every browser appends to an ended MediaSource.
    if (!this.isContinued) await sound.finish();
    this.isComplete = generation === this.generation;
  }

  /** @private @param {number} segment */
  cipherText(segment) {
    const [offset, size, , , sha256] = this.parts.info.segments[segment];
    return this.parts.source.part(offset, size, fromBase64(sha256));
  }

  /** @private @param {number} index @param {number} generation @returns {Promise<CryptoKey | undefined>} */
  async keyFor(index, generation) {
    const { ring, sound } = this.parts;
    for (;;) {
      const key = ring.keys.get(index);
      if (key || generation !== this.generation) return key;
      const retryMs = await this.renew(index);
      if (ring.keys.has(index)) continue;
      // Keys come at the pace of the music: the next request is due when it has moved on, or on an underrun when the
      // server said.
      const isUnderrun = sound.aheadMs - sound.positionMs < UNDERRUN_MS;
      await new Promise((resolve) => setTimeout(resolve, isUnderrun && retryMs !== null ? retryMs : KEY_WAIT_MS));
    }
  }
}
