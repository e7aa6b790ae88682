/**
 * Latencies of a stream, for developer tools and benchmarks. The lists are bounded.
 */

const MOST = 32;

export class Timings {
  /** @type {number | null} */
  engine_cold_ms = null;
  /** @type {number | null} */
  first_audio_ms = null;
  /** @type {number[]} */
  seek_ms = [];
  /** @type {string[]} */
  marks = [];
  /** @type {{at: number, first: boolean} | null} latest request for sound */
  #requested = null;

  /** @param {Promise<number>} started start-up time of the core, ms */
  constructor(started) {
    started.then(
      (ms) => (this.engine_cold_ms = round(ms)),
      () => undefined,
    );
  }

  /** Sound is requested. @param {boolean} first a play, not a seek */
  onRequest(first) {
    this.#requested = { at: performance.now(), first };
  }

  /** The requested sound starts. */
  onSound() {
    if (!this.#requested) return;
    const { at, first } = this.#requested;
    this.#requested = null;
    const ms = round(performance.now() - at);
    if (first) this.first_audio_ms ??= ms;
    else if (this.seek_ms.length < MOST) this.seek_ms.push(ms);
  }

  /** The watermark of a segment was judged. @param {string} verdict */
  onMark(verdict) {
    if (this.marks.length < MOST) this.marks.push(verdict);
  }
}

/** @param {number} ms */
const round = (ms) => Math.round(ms * 10) / 10;
