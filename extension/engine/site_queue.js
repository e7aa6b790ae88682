/**
 * Work of which each site has so much at once, and the rest waits for its own site's.
 */

export class Turns {
  /** @private @type {Map<string, {running: number, waiting: (() => void)[]}>} */
  sites = new Map();

  /** @param {number} most at once */
  constructor(most) {
    this.most = most;
  }

  /**
   * @template T
   * @param {string} site
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async run(site, work) {
    const lane = this.sites.get(site) ?? { running: 0, waiting: [] };
    this.sites.set(site, lane);
    if (lane.running >= this.most) await new Promise((resolve) => lane.waiting.push(() => resolve(undefined)));
    else lane.running++;
    try {
      return await work();
    } finally {
      // Who waits takes this place.
      const next = lane.waiting.shift();
      if (next) next();
      else if (--lane.running === 0) this.sites.delete(site);
    }
  }
}
