/**
 * Latencies of a stream, for developer tools and benchmarks.
 */

/** @import { TimingReport } from "../../shared/player_messages.d.ts" */

/** Length of each list. */
const MAX_ENTRIES = 32;

/** @implements {TimingReport} */
export class Timings {
  /** @type {number | null} */
  engine_cold_ms = null;
  /** @type {number | null} */
  first_audio_ms = null;
  /** @type {number[]} */
  seek_ms = [];
  /** @type {string[]} */
  marks = [];
  /** Latest request for sound. @type {{at: number, first: boolean} | null} */
  #requested = null;

  /** @param {Promise<number>} started start-up time of the core, ms */
  constructor(started) {
    started.then(
      (ms) => (this.engine_cold_ms = round(ms)),
      () => undefined,
    );
  }

  /** Records a request for sound. @param {boolean} first a play, not a seek */
  onRequest(first) {
    this.#requested = { at: performance.now(), first };
  }

  /** Records the start of the requested sound. */
  onSound() {
    if (!this.#requested) return;
    const { at, first } = this.#requested;
    this.#requested = null;
    const ms = round(performance.now() - at);
    if (first) this.first_audio_ms ??= ms;
    else if (this.seek_ms.length < MAX_ENTRIES) this.seek_ms.push(ms);
  }

  /** Records the verdict over the watermark of a segment. @param {string} verdict */
  onMark(verdict) {
    if (this.marks.length < MAX_ENTRIES) this.marks.push(verdict);
  }
}

/** Rounds to 0.1 ms. @param {number} ms */
const round = (ms) => Math.round(ms * 10) / 10;
