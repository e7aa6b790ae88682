/**
 * In the page's own world: the pending promises of HTMLMediaElement.play.
 */

(() => {
  /**
   * Queues a microtask: promises are settled after the calling script. Bound early, since the page may replace the
   * browser's function.
   * @type {(work: () => void) => void}
   */
  const later = queueMicrotask.bind(globalThis);

  /** Promises that are settled together, in their order. */
  class PlayPromises {
    /** @type {{resolve: () => void, reject: (error: DOMException) => void}[]} */
    #pending = [];

    /** Number of pending promises. */
    get size() {
      return this.#pending.length;
    }

    /** @returns {Promise<void>} */
    add() {
      return new Promise((resolve, reject) => this.#pending.push({ resolve, reject }));
    }

    resolveAll() {
      for (const { resolve } of this.#pending.splice(0)) later(resolve);
    }

    /** @param {string} name of the DOMException @param {string} message */
    rejectAll(name, message) {
      for (const { reject } of this.#pending.splice(0)) later(() => reject(new DOMException(message, name)));
    }
  }

  globalThis.gomaaPlayPromises = { PlayPromises };
})();
//# sourceURL=gomaa-promises.js
