/**
 * Joins seeks in quick succession to one: the terms count seeks.
 */

const DELAY_MS = 350;

/** Delays a seek until no other one follows. */
export class SeekJoiner {
  /** @type {{ms: number, timer: ReturnType<typeof setTimeout>} | null} */
  #pending = null;

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
}
