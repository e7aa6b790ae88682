/**
 * In the page's own world, before surface.js: the ranges and errors of a media element.
 */

(() => {
  /** A TimeRanges, seconds. */
  class Ranges {
    #list;

    /** @param {[number, number][]} list */
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
   * @param {[number, number][]} list
   * @param {number} from
   * @param {number} to the ranges with one more, joined and in order
   */
  function joined(list, from, to) {
    /** @type {[number, number][]} */
    const out = [];
    for (const [start, end] of [...list, /** @type {[number, number]} */ ([from, to])].sort((a, b) => a[0] - b[0])) {
      const last = out.at(-1);
      if (last && start <= last[1] + 0.05) last[1] = Math.max(last[1], end);
      else out.push([start, end]);
    }
    return out;
  }

  /** @type {any} */ (globalThis).gomaaRanges = { Ranges, joined };
})();
//# sourceURL=gomaa-ranges.js
