/**
 * A player's frame cannot see what its page does with it. The content script of that page looks for it; in Firefox, which does not tell a frame
 * whether it is covered, those of the pages around that page do, too.
 */

import { api, inOnePage } from "../shared/compat.js";

const ANSWER_MS = 1500;
const MOST_DEEP = 16;
const NOBODY = { covered: "nobody answered", still_ms: 0 };

/** @typedef {{covered: string | null, still_ms: number}} Seen what is in the way, and how long the frame has stood still */

/** @typedef {{postMessage: (message: any) => void}} Port */
/** @typedef {{port: Port, page: number, element: number, tab: number, frame: number}} Place of the page that shows the player */

export class Looks {
  count = 0;
  /** @type {Map<number, {page: number, element: number, done: (seen: Seen) => void}>} */ waiting = new Map();

  /** @param {Place} place @returns {Promise<Seen>} */
  async look(place) {
    const here = await within(new Promise((resolve) => {
      const id = ++this.count;
      this.waiting.set(id, { page: place.page, element: place.element, done: (seen) => {
        this.waiting.delete(id);
        resolve(seen);
      } });
      setTimeout(() => this.waiting.get(id)?.done(NOBODY), ANSWER_MS);
      place.port.postMessage({ type: "look", element: place.element, id });
    }));
    if (here.covered !== null || !inOnePage) return here;
    let { frame } = place;
    let still_ms = here.still_ms;
    for (let depth = 0; frame !== 0; depth++) {
      if (depth === MOST_DEEP) return NOBODY;
      const seen = await within(api.tabs.sendMessage(place.tab, { type: "look", frame }).catch(() => NOBODY));
      if (typeof seen?.around !== "number" || typeof seen.still_ms !== "number") return NOBODY;
      if (seen.covered !== null) return { covered: String(seen.covered), still_ms: 0 };
      still_ms = Math.min(still_ms, seen.still_ms);
      frame = seen.around;
    }
    return { covered: null, still_ms };
  }

  /** Only the page that was asked may answer. @param {number} page @param {{element: number, id: number, covered?: string | null, still_ms: number}} message */
  hear(page, { element, id, covered, still_ms }) {
    const asked = this.waiting.get(id);
    if (asked && asked.page === page && asked.element === element) asked.done({ covered: covered ?? null, still_ms });
  }
}

/** @param {Promise<any>} answer @returns {Promise<any>} */
function within(answer) {
  return Promise.race([answer, new Promise((resolve) => setTimeout(() => resolve(NOBODY), ANSWER_MS))]);
}
