/**
 * What a page's script wishes of a stream, in its order: a pause right after a play must not overtake it while that is
 * being allowed.
 */

export class CommandQueue {
  /** @type {boolean} a wish is being asked about */
  isAsking = false;
  /** @type {number} up to this number every wish is done with */
  done = 0;
  /** @type {number | null} the last one that was not allowed */
  denied = null;
  /** @type {Promise<unknown>} */
  #gate = Promise.resolve();
  /** @type {Set<number>} */
  #open = new Set();
  #last = 0;

  /** What was allowed before there was a song is not, now that there is one. */
  deny() {
    this.denied = this.done;
  }

  /**
   * @param {number} number of the wish; they rise
   * @param {() => boolean | Promise<boolean>} allow asked when those before are allowed or not
   * @param {(may: boolean) => unknown} act begun in order; nobody waits for its end
   */
  async execute(number, allow, act) {
    this.#last = Math.max(this.#last, number);
    this.#open.add(number);
    const gate = this.#gate.then(async () => {
      const answer = allow();
      if (answer === true) return true;
      this.isAsking = true;
      try {
        return await answer;
      } finally {
        this.isAsking = false;
      }
    });
    this.#gate = gate.catch(() => undefined);
    try {
      const may = await gate;
      if (!may) this.denied = number;
      await act(may);
    } finally {
      this.#open.delete(number);
      this.done = this.#open.size ? Math.min(...this.#open) - 1 : this.#last;
    }
  }
}
