/**
 * Joins seeks in quick succession to one: each seek is an action, which the terms may count.
 */

const DELAY_MS = 350;

/** Delays a seek until no other one follows, or sends the first of a succession at once. */
export class SeekJoiner {
  /** @type {{ms: number, timer: ReturnType<typeof setTimeout>} | null} */
  #pending = null;
  /** Runs for the delay after a seek that was sent at once. @type {ReturnType<typeof setTimeout> | null} */
  #sent = null;

  /** @param {(ms: number) => void} send */
  constructor(send) {
    this.send = send;
  }

  /** Target of the pending seek, ms; null without one. */
  get targetMs() {
    return this.#pending?.ms ?? null;
  }

  /** Seeks after the delay, in place of a pending seek. @param {number} ms */
  request(ms) {
    clearTimeout(this.#pending?.timer);
    const timer = setTimeout(() => {
      this.#pending = null;
      this.send(ms);
    }, DELAY_MS);
    this.#pending = { ms, timer };
  }

  /** Seeks at once, unless it follows another seek within the delay. @param {number} ms */
  requestNow(ms) {
    if (this.#pending || this.#sent) return this.request(ms);
    this.#sent = setTimeout(() => (this.#sent = null), DELAY_MS);
    this.send(ms);
  }
}
