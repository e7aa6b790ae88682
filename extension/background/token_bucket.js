/**
 * How much one page may ask of the extension. A page that asks for more is told so once, and only its own players
 * suffer.
 */

export const MOST_SHOWN = 64;
export const MOST_IN_TAB = 128;
/** Of one site, in all its tabs: native_host/playback/stream_quota.py has the same number. */
export const MOST_OF_SITE = 128;
const BURST = 300;
const PER_S = 60;

/** So many messages at once, and so many a second after that. */
export class Allowance {
  /** @param {() => number} [now] ms */
  constructor(now = () => performance.now(), burst = BURST, perS = PER_S) {
    this.now = now;
    this.burst = burst;
    this.perS = perS;
    this.left = burst;
    this.at = now();
    this.told = false;
  }

  /** @returns {"yes" | "no" | "tell"} whether a message is heard; "tell" for the first one that is not */
  take() {
    const now = this.now();
    this.left = Math.min(this.burst, this.left + ((now - this.at) / 1000) * this.perS);
    this.at = now;
    if (this.left >= 1) {
      this.left -= 1;
      this.told = false;
      return "yes";
    }
    if (this.told) return "no";
    this.told = true;
    return "tell";
  }
}

/** Allowance of all documents of a tab together, in allowances of one. */
const DOCUMENTS = 4;

export class TabAllowances {
  /** @type {Map<number, Allowance>} */
  #tabs = new Map();

  /** @param {() => number} [now] ms */
  constructor(now = () => performance.now()) {
    this.now = now;
  }

  /** @param {number} tab @returns {"yes" | "no" | "tell"} as `Allowance.take` */
  take(tab) {
    const known = this.#tabs.get(tab) ?? new Allowance(this.now, DOCUMENTS * BURST, DOCUMENTS * PER_S);
    // A quiet tab has a whole allowance again.
    if (!this.#tabs.has(tab))
      for (const [id, { at }] of this.#tabs) if (this.now() - at > (BURST / PER_S) * 1000) this.#tabs.delete(id);
    this.#tabs.set(tab, known);
    return known.take();
  }
}

/**
 * Tells whether one more player of a site may be shown.
 * @param {Iterable<{site: string}>} shown
 * @param {string} site
 */
export function roomForSite(shown, site) {
  let count = 0;
  for (const one of shown) if (one.site === site) count++;
  return count < MOST_OF_SITE;
}

/**
 * Whether one more player may be shown.
 * @param {Iterable<{page: number, tab: number}>} shown
 * @param {number} page @param {number} tab
 */
export function roomFor(shown, page, tab) {
  let inPage = 0;
  let inTab = 0;
  for (const one of shown) {
    if (one.page === page) inPage++;
    if (one.tab === tab) inTab++;
  }
  return inPage < MOST_SHOWN && inTab < MOST_IN_TAB;
}
