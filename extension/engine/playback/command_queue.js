/**
 * Queue of a page's commands, which keeps their order while the permission of one is pending: a pause does not overtake
 * the play before it.
 */

export class CommandQueue {
  /** A command waits for its permission. */
  isAsking = false;
  /** Every command up to this number is executed. */
  done = 0;
  /** The latest command that was not allowed. @type {number | null} */
  denied = null;
  /** Permission of the latest command. @type {Promise<unknown>} */
  #gate = Promise.resolve();
  /** Commands that are not executed yet. @type {Set<number>} */
  #open = new Set();
  #last = 0;

  /** Denies the latest command, which was allowed before the song was loaded and its cost was known. */
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
      const permission = allow();
      if (permission === true) return true;
      this.isAsking = true;
      try {
        const isAllowed = await permission;
        // Before the question ends: a state between the two would tell the page that its play was aborted.
        if (!isAllowed) this.denied = number;
        return isAllowed;
      } finally {
        this.isAsking = false;
      }
    });
    this.#gate = gate.catch(() => undefined);
    try {
      const isAllowed = await gate;
      await act(isAllowed);
    } finally {
      this.#open.delete(number);
      this.done = this.#open.size ? Math.min(...this.#open) - 1 : this.#last;
    }
  }
}
