/**
 * Rate limits for messages of pages, and limits for the number of their players. Exceeding one is reported once, and
 * affects only the page's own players.
 */

export const MAX_STREAMS_OF_PAGE = 64;
export const MAX_STREAMS_OF_TAB = 128;
/** Of one site in all its tabs: native_host/playback/stream_quota.py has the same number. */
export const MAX_STREAMS_OF_SITE = 128;
const CAPACITY = 300;
const REFILL_PER_S = 60;

/** A token bucket: a burst of `capacity` messages, and `refillPerS` messages a second after that. */
export class TokenBucket {
  /** Number of refusals since the last token was taken. */
  #refusals = 0;

  /** @param {() => number} [now] ms */
  constructor(now = () => performance.now(), capacity = CAPACITY, refillPerS = REFILL_PER_S) {
    this.now = now;
    this.capacity = capacity;
    this.refillPerS = refillPerS;
    this.tokens = capacity;
    this.takenAt = now();
  }

  /** Takes a token. @returns {boolean} false where none is left */
  take() {
    const now = this.now();
    this.tokens = Math.min(this.capacity, this.tokens + ((now - this.takenAt) / 1000) * this.refillPerS);
    this.takenAt = now;
    const isGranted = this.tokens >= 1;
    if (isGranted) this.tokens -= 1;
    this.#refusals = isGranted ? 0 : this.#refusals + 1;
    return isGranted;
  }

  /** True if the last `take` was the first refusal of a series, the one that is reported to the sender. */
  get isFirstRefusal() {
    return this.#refusals === 1;
  }
}

/** Capacity that all documents of a tab share, in buckets of one document. */
const DOCUMENTS_PER_TAB = 4;

/** The buckets that the documents of each tab share. */
export class TabBuckets {
  /** @type {Map<number, TokenBucket>} */
  #tabs = new Map();

  /** @param {() => number} [now] ms */
  constructor(now = () => performance.now()) {
    this.now = now;
  }

  /** The bucket of a tab. @param {number} tab */
  of(tab) {
    const existing = this.#tabs.get(tab);
    if (existing) return existing;
    // Buckets that are full again are dropped.
    for (const [id, { takenAt }] of this.#tabs)
      if (this.now() - takenAt > (CAPACITY / REFILL_PER_S) * 1000) this.#tabs.delete(id);
    const bucket = new TokenBucket(this.now, DOCUMENTS_PER_TAB * CAPACITY, DOCUMENTS_PER_TAB * REFILL_PER_S);
    this.#tabs.set(tab, bucket);
    return bucket;
  }
}

/**
 * True if a site may show one more player.
 * @param {Iterable<{site: string}>} streams that are shown
 * @param {string} site
 */
export function hasRoomForSite(streams, site) {
  let count = 0;
  for (const stream of streams) if (stream.site === site) count++;
  return count < MAX_STREAMS_OF_SITE;
}

/**
 * True if a page and its tab may show one more player.
 * @param {Iterable<{page: number, tab: number}>} streams that are shown
 * @param {number} page @param {number} tab
 */
export function hasRoomForPage(streams, page, tab) {
  let inPage = 0;
  let inTab = 0;
  for (const stream of streams) {
    if (stream.page === page) inPage++;
    if (stream.tab === tab) inTab++;
  }
  return inPage < MAX_STREAMS_OF_PAGE && inTab < MAX_STREAMS_OF_TAB;
}
