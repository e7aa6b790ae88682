/**
 * Streams of elements, persisted while the service worker is stopped: an element whose playback continued keeps its
 * stream.
 *
 * The entries are in the session storage: in memory, inaccessible to pages, cleared with the browser session.
 */

import { api } from "../shared/compat.js";

const KEY = "streams";
const MAX_ENTRIES = 64;

/**
 * @typedef {{origin: string, site: string, src: string, tab: number, frame: number, document: string, element: number}}
 *   Entry
 */
/**
 * @typedef {{get: (key: string) => Promise<Record<string, unknown>>, set: (values: Record<string, unknown>) =>
 *   Promise<void>}} StorageArea
 */

/** Stream tokens by element, persisted for the browser session. */
export class StreamRegistry {
  /** @type {Map<string, Entry>} */
  entries = new Map();
  /** Tokens of an earlier service worker that no element has reclaimed. @type {Set<string>} */
  unclaimed = new Set();

  /** @param {StorageArea | undefined} [area] */
  constructor(area = api.storage.session) {
    this.area = area;
    /** @type {Promise<void>} */
    this.ready = Promise.resolve(area?.get(KEY)).then(
      (stored) => {
        for (const [token, entry] of /** @type {[string, Entry][]} */ (stored?.[KEY] ?? [])) {
          this.entries.set(token, entry);
          this.unclaimed.add(token);
        }
      },
      () => undefined,
    );
  }

  /** The stream that this element had before; each is returned once. @param {Entry} entry @returns {string | null} */
  reclaim(entry) {
    for (const token of this.unclaimed) {
      const stored = /** @type {Record<string, unknown>} */ (this.entries.get(token) ?? {});
      if (!entry.document || !Object.entries(entry).every(([name, value]) => stored[name] === value)) continue;
      this.unclaimed.delete(token);
      return token;
    }
    return null;
  }

  /** Adds or replaces the entry of a stream. @param {string} token @param {Entry} entry */
  add(token, entry) {
    this.entries.set(token, entry);
    if (this.entries.size > MAX_ENTRIES) this.evict();
    this.save();
  }

  /** Drops the oldest entry of the site with most entries, so that one site cannot displace another's. @private */
  evict() {
    /** @type {Map<string, string[]>} */
    const sites = new Map();
    for (const [token, { site }] of this.entries) sites.set(site, [...(sites.get(site) ?? []), token]);
    const [oldest] = [...sites.values()].reduce((a, b) => (b.length > a.length ? b : a));
    if (oldest) this.entries.delete(oldest);
  }

  /** Removes a stream. @param {string} token */
  remove(token) {
    this.unclaimed.delete(token);
    if (this.entries.delete(token)) this.save();
  }

  /** @private */
  save() {
    this.area?.set({ [KEY]: [...this.entries] }).catch(() => undefined);
  }
}
