/**
 * Queue of a page's commands: a pause right after a play does not overtake it while the play is being allowed.
 */

export class CommandQueue {
  /** @type {boolean} a command waits for its permission */
  isAsking = false;
  /** @type {number} every command up to this number is executed */
  done = 0;
  /** @type {number | null} the latest command that was not allowed */
  denied = null;
  /** @type {Promise<unknown>} */
  #gate = Promise.resolve();
  /** @type {Set<number>} */
  #open = new Set();
  #last = 0;

  /** A command that was allowed before the song was loaded is not, now that its cost is known. */
  deny() {
    this.denied = this.done;
  }

  /**
   * Executes a command after those before it are allowed or denied.
   * @param {number} number of the command, ascending
   * @param {() => boolean | Promise<boolean>} allow
   * @param {(isAllowed: boolean) => unknown} act started in order; later commands do not wait for its end
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
      const isAllowed = await gate;
      if (!isAllowed) this.denied = number;
      await act(isAllowed);
    } finally {
      this.#open.delete(number);
      this.done = this.#open.size ? Math.min(...this.#open) - 1 : this.#last;
    }
  }
}
