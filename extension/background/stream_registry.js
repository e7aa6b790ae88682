/**
 * Which element has which stream, past the end of a service worker: the music that went on meanwhile is found again.
 *
 * Kept in the session's storage: in memory, out of reach of pages, gone with the browser.
 */

import { api } from "../shared/compat.js";

const KEY = "streams";
const MOST = 64;

/**
 * @typedef {{origin: string, site: string, src: string, tab: number, frame: number, document: string, element: number}}
 *   Entry
 */

export class Remembered {
  /** @type {Map<string, Entry>} */
  entries = new Map();
  /** @type {Set<string>} what nobody has asked for since the start */
  open = new Set();

  /**
   * @param {{get: (key: string) => Promise<Record<string, any>>, set: (values: Record<string, any>) => Promise<void>}}
   *   [area]
   */
  constructor(area = /** @type {any} */ (api.storage.session)) {
    this.area = area;
    /** @type {Promise<void>} */
    this.ready = Promise.resolve(area?.get(KEY)).then(
      (kept) => {
        for (const [token, entry] of kept?.[KEY] ?? []) {
          this.entries.set(token, entry);
          this.open.add(token);
        }
      },
      () => undefined,
    );
  }

  /** The stream that this very element had before, once. @param {Entry} entry @returns {string | null} */
  take(entry) {
    for (const token of this.open) {
      const known = /** @type {Record<string, unknown>} */ (this.entries.get(token) ?? {});
      if (!entry.document || !Object.entries(entry).every(([name, value]) => known[name] === value)) continue;
      this.open.delete(token);
      return token;
    }
    return null;
  }

  /** @param {string} token @param {Entry} entry */
  keep(token, entry) {
    this.entries.set(token, entry);
    if (this.entries.size > MOST) this.evict();
    this.save();
  }

  /** The oldest of the site that has most: many players of one site do not displace another's. @private */
  evict() {
    /** @type {Map<string, string[]>} */
    const sites = new Map();
    for (const [token, { site }] of this.entries) sites.set(site, [...(sites.get(site) ?? []), token]);
    const [oldest] = [...sites.values()].reduce((a, b) => (b.length > a.length ? b : a));
    if (oldest) this.entries.delete(oldest);
  }

  /** @param {string} token */
  drop(token) {
    this.open.delete(token);
    if (this.entries.delete(token)) this.save();
  }

  /** @private */
  save() {
    this.area?.set({ [KEY]: [...this.entries] }).catch(() => undefined);
  }
}
