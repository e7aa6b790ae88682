/**
 * Loads, decrypts and appends segments in order, a few seconds ahead of the position.
 */

import { fromBase64 } from "../bytes.js";
import { unseal } from "../playback/key_ring.js";
import { retry } from "../../shared/retry.js";

/** Lead over the position. */
export const AHEAD_MS = 16_000;
/** Lead after a seek: another seek is likely, and keys are metered. */
const AFTER_SEEK_MS = 4_000;
/** Part of the lead that is played before segments are loaded again: several at once wake the processor less often. */
const REFILL_MS = 6_000;
/** Least and longest time until the lead is compared again: the rate may be doubled meanwhile. */
const MIN_WAIT_MS = 200;
const MAX_WAIT_MS = 3_000;
/** Least time until a missing key is requested again, and the part of the buffered sound that is waited for. */
const KEY_WAIT_MS = 1_000;
const KEY_WAIT_PART = 0.25;
/** Buffered sound below which the decoder is about to wait for a key. */
const UNDERRUN_MS = 500;
/** Distance from a position within which the sound is not moved. */
const SAME_POSITION_MS = 20;
/** Segments before and after the position whose keys stay in the ring. */
const KEY_MARGIN = 32;

/**
 * Part of an opened song that the scheduler uses.
 * @typedef {object} Parts
 * @property {import("./sps_source.js").SpsSource} source
 * @property {import("../playback/key_ring.js").KeyRing} ring
 * @property {import("./track_audio.js").TrackAudio} sound
 * @property {import("../playback/stream.js").OpenedSong} info of the host
 * @property {import("../playback/key_ring.js").SegmentAddress} address
 */

/**
 * Offset, size, start and duration in ms, SHA-256.
 * @typedef {import("../playback/stream.js").OpenedSong["segments"][number]} Segment
 */
/**
 * A sealed segment that is being loaded, or is loaded.
 * @typedef {{segment: number, promise: Promise<Uint8Array<ArrayBuffer>>, stop: AbortController}} SealedLoad
 */

export class SegmentScheduler {
  /** Number of the present loop; older ones end. */
  generation = 0;
  /** Another track may follow in the same buffer. */
  isContinued = false;
  /** The rest of the song is in the buffer. */
  isComplete = false;
  /** @type {import("./mark_check.js").MarkCheck | null} */
  markCheck = null;
  /** End of a preview or extract, ms. @type {number | null} */
  endMs = null;
  /** Target of the latest seek, ms. @type {number | null} */
  seekedMs = null;
  /** A loop was started before. */
  isStarted = false;
  /** Segment that is loaded before its key is there. @type {SealedLoad | null} */
  expected = null;
  /** Segment that the present loop loads. @type {SealedLoad | null} */
  current = null;

  /**
   * @param {Parts} parts
   * @param {(segment: number) => Promise<number | null>} renew requests the keys from a segment on of the host;
   *   resolves with the delay of the next request, ms, or null
   * @param {(error: unknown) => void} onError
   * @param {(isStalled: boolean) => void} [onStall]
   */
  constructor(parts, renew, onError, onStall = () => undefined) {
    this.parts = parts;
    this.renew = renew;
    this.onError = onError;
    this.onStall = onStall;
  }

  /**
   * Loads a sealed segment before its key is there: while the host decides, or before the listener's request. It
   * replaces the one that was loaded so before.
   * @param {number} segment
   */
  prefetch(segment) {
    const { expected, current } = this;
    if (expected?.segment === segment) return;
    if (expected !== current) expected?.stop.abort();
    this.expected = current?.segment === segment ? current : this.load(segment);
  }

  /** Starts at a position. @param {number} position ms @param {number} segment of the position */
  start(position, segment) {
    const { sound } = this.parts;
    const isBuffered = sound.isBuffered(position);
    if (!sound.isJoining && Math.abs(sound.positionMs - position) > SAME_POSITION_MS) sound.seek(position);
    this.stop();
    const { generation } = this;
    if (this.isStarted && !isBuffered) this.seekedMs = position;
    this.isStarted = true;
    this.isComplete = false;
    const first = isBuffered ? this.segmentAfter(sound.aheadMs) : this.firstToDecode(segment, position);
    this.run(first, generation).catch((error) => {
      if (generation === this.generation) this.onError(error);
    });
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

  /**
   * First segment to load for a position, whose sound may be buffered in part.
   * @param {number} segment of the position
   * @param {number} position ms
   * @returns {number | null} null: everything is buffered
   */
  firstToLoad(segment, position) {
    const { sound } = this.parts;
    const isHere = Math.abs(sound.positionMs - position) <= SAME_POSITION_MS && sound.isBuffered(position);
    const first = isHere ? this.segmentAfter(sound.aheadMs) : this.firstToDecode(segment, position);
    return first < this.end ? first : null;
  }

  /**
   * Appends the sound of a position as far as its keys are here, and no further.
   * @param {number} position ms
   * @returns {Promise<boolean>} whether the position can be heard
   */
  async hold(position) {
    const { sound } = this.parts;
    if (Math.abs(sound.positionMs - position) > SAME_POSITION_MS) sound.seek(position);
    this.stop();
    if (!sound.isBuffered(position))
      await this.run(this.firstToDecode(this.segmentAt(position), position), this.generation, true);
    return sound.isBuffered(position);
  }

  /** Ends the loop. Its segment is for the next loop, if that begins there. */
  stop() {
    this.generation++;
    const { expected, current } = this;
    if (expected && expected !== current) current?.stop.abort();
    this.expected = expected ?? current;
    this.current = null;
  }

  /**
   * Lead over the position: short after a seek, and longer with what is played from there.
   * @param {number} position ms
   * @returns {number} ms
   */
  targetAheadMs(position) {
    return this.seekedMs === null ? AHEAD_MS : Math.min(AHEAD_MS, Math.max(AFTER_SEEK_MS, position - this.seekedMs));
  }

  /**
   * Number of segments to request keys for.
   * @param {string} action
   * @param {number} segment
   * @param {number} position ms
   * @returns {number | null} null: as many as the host gives
   */
  keyCount(action, segment, position) {
    const aheadMs = action === "seek" ? AFTER_SEEK_MS : this.targetAheadMs(position);
    if (aheadMs === AHEAD_MS) return null;
    const { segments } = this.parts.info;
    const after = segments.findIndex(([, , start]) => start >= position + aheadMs);
    return Math.max(1, (after < 0 ? segments.length : after) - segment);
  }

  /** Segment at a position. @param {number} ms */
  segmentAt(ms) {
    const index = this.parts.info.segments.findIndex(([, , start, length]) => start + length > ms);
    return index < 0 ? this.parts.info.segments.length - 1 : index;
  }

  /** First segment from a position on whose key is missing. @param {number} ms */
  firstMissing(ms) {
    const { ring } = this.parts;
    for (let i = this.segmentAfter(ms), { end } = this; i < end; i++) if (!ring.keys.has(i)) return i;
    return null;
  }

  /** First segment that ends after a position. @private @param {number} ms */
  segmentAfter(ms) {
    const { segments } = this.parts.info;
    const index = segments.findIndex(([, , start, length]) => start + length > ms + 50);
    return index < 0 ? this.end : index;
  }

  /** First segment after the part that may be played. */
  get end() {
    const { segments } = this.parts.info;
    const index =
      this.endMs === null ? -1 : segments.findIndex(([, , start]) => start >= /** @type {number} */ (this.endMs));
    return index < 0 ? segments.length : index;
  }

  /**
   * Appends the segments from one on.
   * @private
   * @param {number} first @param {number} generation
   * @param {boolean} [isHeld] only those whose keys are here, which are not all
   */
  async run(first, generation, isHeld = false) {
    const { sound, ring, address } = this.parts;
    for (let index = first; index < this.end; index++) {
      if (isHeld && !ring.keys.has(index)) return;
      for (let refillMs = 0; ;) {
        const { positionMs } = sound;
        const targetMs = this.targetAheadMs(positionMs);
        const excessMs = this.segment(index)[2] - positionMs - targetMs + refillMs;
        if (excessMs <= 0) break;
        refillMs = Math.min(REFILL_MS, targetMs / 2);
        const waitMs = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, excessMs / sound.rate));
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        if (generation !== this.generation) return;
      }
      ring.trim(Math.min(index, this.segmentAt(sound.positionMs)) - KEY_MARGIN, index + KEY_MARGIN);
      const options = { isWanted: () => generation === this.generation, onStall: this.onStall };
      const cipher = retry(() => this.take(index), options);
      cipher.catch(() => undefined);
      const [sealed, key] = await Promise.all([cipher, retry(() => this.keyFor(index, generation), options)]);
      if (generation !== this.generation || !key) return;
      this.current = null;
      const clear = await unseal(key, sealed, address, index);
      if (generation !== this.generation) return;
      this.markCheck?.onSegment(index, clear);
      await sound.append(clear);
      // Not before: after a seek the sound waits for the segment.
      sound.evict();
      if (generation !== this.generation) return;
    }
    if (isHeld || generation !== this.generation) return;
    // Some browsers cannot append to an ended MediaSource.
    if (!this.isContinued) await sound.finish();
    this.isComplete = generation === this.generation;
  }

  /** Loads a sealed segment. @private @param {number} segment @returns {SealedLoad} */
  load(segment) {
    const [offset, size, , , sha256] = this.segment(segment);
    const stop = new AbortController();
    const promise = this.parts.source.part(offset, size, fromBase64(sha256), stop.signal);
    const load = { segment, promise, stop };
    promise.catch(() => {
      if (this.expected === load) this.expected = null;
    });
    return load;
  }

  /** The loop's next sealed segment, which may be loaded already. @private @param {number} segment */
  take(segment) {
    if (this.expected?.segment === segment) {
      this.current = this.expected;
      this.expected = null;
    } else this.current = this.load(segment);
    return this.current.promise;
  }

  /** Entry of a segment. @private @param {number} index */
  segment(index) {
    return /** @type {Segment} */ (this.parts.info.segments[index]);
  }

  /**
   * Key of a segment, once the host has released it; undefined where the loop has ended.
   * @private
   * @param {number} index @param {number} generation
   * @returns {Promise<CryptoKey | undefined>}
   */
  async keyFor(index, generation) {
    const { ring, sound } = this.parts;
    for (;;) {
      const key = ring.keys.get(index);
      if (key || generation !== this.generation) return key;
      const retryMs = await this.renew(index);
      if (ring.keys.has(index)) continue;
      // Keys are released at the pace of playback: the next request is due when the position has advanced, or on an
      // underrun at the time that the server has given.
      const leadMs = sound.aheadMs - sound.positionMs;
      const isUnderrun = leadMs < UNDERRUN_MS;
      const laterMs = Math.max(KEY_WAIT_MS, (leadMs * KEY_WAIT_PART) / sound.rate);
      const waitMs = isUnderrun && retryMs !== null ? retryMs : laterMs;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
