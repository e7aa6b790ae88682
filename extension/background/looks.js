/**
 * A player's frame cannot see what lies over it where the browser does not tell (Firefox has no IntersectionObserver with visibility). The
 * content script of its page looks for it, and those of the pages around that page look for them.
 */

import { api } from "../shared/compat.js";

const ANSWER_MS = 1500;
const MOST_DEEP = 16;
const NOBODY = "nobody answered";

/** @typedef {{postMessage: (message: any) => void}} Port */
/** @typedef {{port: Port, page: number, element: number, tab: number, frame: number}} Place of the page that shows the player */

export class Looks {
  count = 0;
  /** @type {Map<number, {page: number, element: number, done: (covered: string | null) => void}>} */ waiting = new Map();

  /** @param {Place} place @returns {Promise<string | null>} what is in the way */
  async look(place) {
    const here = await within(new Promise((resolve) => {
      const id = ++this.count;
      this.waiting.set(id, { page: place.page, element: place.element, done: (covered) => {
        this.waiting.delete(id);
        resolve(covered);
      } });
      setTimeout(() => this.waiting.get(id)?.done(NOBODY), ANSWER_MS);
      place.port.postMessage({ type: "look", element: place.element, id });
    }));
    if (here !== null) return here;
    let { frame } = place;
    for (let depth = 0; frame !== 0; depth++) {
      if (depth === MOST_DEEP) return NOBODY;
      const answer = await within(api.tabs.sendMessage(place.tab, { type: "look", frame }).catch(() => NOBODY));
      if (typeof answer?.around !== "number" || answer.covered !== null) return typeof answer?.covered === "string" ? answer.covered : NOBODY;
      frame = answer.around;
    }
    return null;
  }

  /** Only the page that was asked may answer. @param {number} page @param {{element: number, id: number, covered?: string | null}} message */
  hear(page, { element, id, covered }) {
    const asked = this.waiting.get(id);
    if (asked && asked.page === page && asked.element === element) asked.done(covered ?? null);
  }
}

/** @param {Promise<any>} answer @returns {Promise<any>} */
function within(answer) {
  return Promise.race([answer, new Promise((resolve) => setTimeout(() => resolve(NOBODY), ANSWER_MS))]);
}
