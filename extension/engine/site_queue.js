/**
 * Concurrency limit for each site.
 */

/** Runs at most `limit` tasks of each site at once; further tasks wait for those of their own site. */
export class SiteQueue {
  /** @private @type {Map<string, {running: number, waiting: (() => void)[]}>} */
  sites = new Map();

  /** @param {number} limit tasks of one site at once */
  constructor(limit) {
    this.limit = limit;
  }

  /**
   * Runs a task when its site has room.
   * @template T
   * @param {string} site
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  async run(site, task) {
    const queue = this.sites.get(site) ?? { running: 0, waiting: [] };
    this.sites.set(site, queue);
    if (queue.running >= this.limit) await new Promise((resolve) => queue.waiting.push(() => resolve(undefined)));
    else queue.running++;
    try {
      return await task();
    } finally {
      // The next waiting task takes this place.
      const next = queue.waiting.shift();
      if (next) next();
      else if (--queue.running === 0) this.sites.delete(site);
    }
  }
}
