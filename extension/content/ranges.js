/**
 * In the page's own world: the time ranges of a media element.
 */

(() => {
  /** @typedef {import("./globals.js").TimeRange} TimeRange */

  /** Largest gap between ranges that are joined, seconds. */
  const MAX_GAP_S = 0.05;

  /** A TimeRanges object, seconds. */
  class Ranges {
    #list;

    /** @param {TimeRange[]} list */
    constructor(list) {
      this.#list = list;
    }

    get length() {
      return this.#list.length;
    }

    /** @param {number} index */
    start(index) {
      return this.#at(index)[0];
    }

    /** @param {number} index */
    end(index) {
      return this.#at(index)[1];
    }

    /** @param {number} index */
    #at(index) {
      const range = this.#list[index];
      if (!range) throw new DOMException("no such range", "IndexSizeError");
      return range;
    }
  }

  /**
   * Adds a range, and joins ranges that overlap.
   * @param {TimeRange[]} list
   * @param {number} from
   * @param {number} to
   * @returns {TimeRange[]} in order
   */
  function join(list, from, to) {
    /** @type {TimeRange[]} */
    const out = [];
    /** @type {TimeRange} */
    const added = [from, to];
    for (const [start, end] of [...list, added].sort((a, b) => a[0] - b[0])) {
      const last = out.at(-1);
      if (last && start <= last[1] + MAX_GAP_S) last[1] = Math.max(last[1], end);
      else out.push([start, end]);
    }
    return out;
  }

  globalThis.gomaaRanges = { Ranges, join };
})();
//# sourceURL=gomaa-ranges.js
