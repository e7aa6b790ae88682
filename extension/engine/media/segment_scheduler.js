/**
 * Keeps the sound fed: cipher text, key, clear text, buffer, segment after segment, a little ahead of the music.
 */

import { fromBase64 } from "../bytes.js";
import { unseal } from "../playback/key_ring.js";
import { retry } from "../../shared/retry.js";

const AHEAD_MS = 12_000;
/**
 * After a jump so much is fetched at first: whoever looks for a place hears little of the others, and keys are for what
 * is heard.
 */
const JUMPED_MS = 4_000;
const LOOK_MS = 200;
const KEY_WAIT_MS = 1000;
/** With less sound than this left, the music waits for the next key. */
const DRY_MS = 500;
/** Keys of so many segments before and after the music are kept. */
const NEAR = 32;

/**
 * @typedef {object} Parts what one opened song is made of
 * @property {import("./sps_source.js").Source} source
 * @property {import("../playback/key_ring.js").KeyRing} ring
 * @property {import("./track_audio.js").Sound} sound
 * @property {any} info of the host
 * @property {import("../playback/key_ring.js").Address} address
 */

export class Feed {
  /** @type {number} counts the loops; only the newest goes on */
  turn = 0;
  /** @type {boolean} another song may follow on the same deck */
  held = false;
  /** @type {boolean} all that is left of the song is in the buffer */
  complete = false;
  /** @type {import("./mark_check.js").MarkCheck | null} */
  check = null;
  /** @type {number | null} where a preview or a part of the song ends, ms */
  untilMs = null;
  /** @type {number | null} where the latest jump went, ms; null: there was none */
  jumpedMs = null;
  /** @type {boolean} it has been fed before */
  begun = false;
  /** @type {{segment: number, promise: Promise<Uint8Array<ArrayBuffer>>} | null} */
  early = null;

  /**
   * @param {Parts} parts
   * @param {(segment: number) => Promise<number | null>} renew asks the host for the keys from a segment on; ms after
   *   which to ask again
   * @param {(error: unknown) => void} failed
   * @param {(is: boolean) => void} [stalled]
   */
  constructor(parts, renew, failed, stalled = () => undefined) {
    this.parts = parts;
    this.renew = renew;
    this.failed = failed;
    this.stalled = stalled;
  }

  /** Have the cipher text under way while the host decides. @param {number} segment */
  fetchAhead(segment) {
    const promise = this.cipherText(segment);
    promise.catch(() => undefined);
    this.early = { segment, promise };
  }

  /** Feed from a position on. @param {number} position ms @param {number} segment that holds it */
  start(position, segment) {
    const { sound } = this.parts;
    const held = sound.holds(position);
    if (!sound.joining && Math.abs(sound.positionMs - position) > 20) sound.seek(position);
    const turn = ++this.turn;
    if (this.begun && !held) this.jumpedMs = position;
    this.begun = true;
    this.complete = false;
    this.run(held ? this.segmentAfter(sound.aheadMs) : this.lead(segment, position), turn).catch((error) => {
      if (turn === this.turn) this.failed(error);
    });
  }

  /**
   * Where to begin decoding so that a segment sounds right: Opus needs the one before it.
   * @param {number} segment
   * @param {number} position ms
   */
  lead(segment, position) {
    const { info, sound } = this.parts;
    return info.codec === "opus" && segment > 0 && this.untilMs === null && !sound.holds(position)
      ? segment - 1
      : segment;
  }

  stop() {
    this.turn++;
  }

  /**
   * Lead of the feed over the music: little after a jump, and more with what is heard there.
   * @param {number} position ms
   */
  aheadMs(position) {
    return this.jumpedMs === null ? AHEAD_MS : Math.min(AHEAD_MS, Math.max(JUMPED_MS, position - this.jumpedMs));
  }

  /**
   * Number of segments from one on that are worth a key after a jump, which another one may follow; null: as many as
   * may come.
   * @param {string} action
   * @param {number} segment
   * @param {number} position ms
   */
  worth(action, segment, position) {
    const aheadMs = action === "seek" ? JUMPED_MS : this.aheadMs(position);
    if (aheadMs === AHEAD_MS) return null;
    const { segments } = this.parts.info;
    const after = segments.findIndex((/** @type {any[]} */ [, , start]) => start >= position + aheadMs);
    return Math.max(1, (after < 0 ? segments.length : after) - segment);
  }

  /** The segment that sounds at a position. @param {number} ms */
  segmentAt(ms) {
    const found = this.parts.info.segments.findIndex((/** @type {any[]} */ [, , start, length]) => start + length > ms);
    return found < 0 ? this.parts.info.segments.length - 1 : found;
  }

  /** The first segment from a position on whose key is not here. @param {number} ms */
  firstMissing(ms) {
    const { ring } = this.parts;
    for (let i = this.segmentAfter(ms), { end } = this; i < end; i++) if (!ring.keys.has(i)) return i;
    return null;
  }

  /** @private @param {number} ms up to which sound is there */
  segmentAfter(ms) {
    const { segments } = this.parts.info;
    const found = segments.findIndex((/** @type {any[]} */ [, , start, length]) => start + length > ms + 50);
    return found < 0 ? this.end : found;
  }

  /** The first segment that may not sound any more. */
  get end() {
    const { segments } = this.parts.info;
    const found =
      this.untilMs === null
        ? -1
        : segments.findIndex((/** @type {any[]} */ [, , start]) => start >= /** @type {number} */ (this.untilMs));
    return found < 0 ? segments.length : found;
  }

  /** @private @param {number} first @param {number} turn */
  async run(first, turn) {
    const { info, sound, ring, address } = this.parts;
    for (let index = first; index < this.end; index++) {
      while (info.segments[index][2] - sound.positionMs > this.aheadMs(sound.positionMs)) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        if (turn !== this.turn) return;
      }
      sound.evict();
      ring.trim(Math.min(index, this.segmentAt(sound.positionMs)) - NEAR, index + NEAR);
      const how = { isWanted: () => turn === this.turn, onStalled: this.stalled };
      const early = this.early?.segment === index ? this.early.promise : null;
      const cipher = early
        ? early.catch(() => retry(() => this.cipherText(index), how))
        : retry(() => this.cipherText(index), how);
      cipher.catch(() => undefined);
      const [sealed, key] = await Promise.all([cipher, retry(() => this.keyFor(index, turn), how)]);
      if (turn !== this.turn || !key) return;
      const clear = await unseal(key, sealed, address, index);
      if (turn !== this.turn) return;
      this.check?.see(index, clear);
      await sound.append(clear);
    }
    if (turn !== this.turn) return;
    // A deck that has been ended does not go on with another song in every browser.
    if (!this.held) await sound.finish();
    this.complete = turn === this.turn;
  }

  /** @private @param {number} segment */
  cipherText(segment) {
    const [offset, size, , , sha256] = this.parts.info.segments[segment];
    return this.parts.source.part(offset, size, fromBase64(sha256));
  }

  /** @private @param {number} index @param {number} turn @returns {Promise<CryptoKey | undefined>} */
  async keyFor(index, turn) {
    const { ring, sound } = this.parts;
    for (;;) {
      const key = ring.keys.get(index);
      if (key || turn !== this.turn) return key;
      const laterMs = await this.renew(index);
      if (ring.keys.has(index)) continue;
      // Keys come no faster than the music: ask again when it has gone on; where nothing is left of it, when the server
      // said.
      const dry = sound.aheadMs - sound.positionMs < DRY_MS;
      await new Promise((resolve) => setTimeout(resolve, dry && laterMs !== null ? laterMs : KEY_WAIT_MS));
    }
  }
}
