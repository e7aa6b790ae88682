/**
 * Against clicks that a page has stolen: what consents or costs acts only once the player has stood in view, uncovered and unmoved, for a while.
 *
 * Chromium tells a frame whether it is seen (IntersectionObserver with visibility). Firefox does not: there the content script of the page looks
 * what lies over it. In both it says how long the frame has stood still, and what its surroundings do to its looks.
 */

const ARM_MS = 500;
const LOOK_MS = 400;
const SOON_MS = 120;
const NOTE_MS = 1500;
const SAID_MS = 6000;
const LEAST_SHOWN = 0.75;
/** So much of a card with long terms in a low window is enough, CSS pixels: no card without them is higher by more than a third. */
const ENOUGH_PX = 400;
const STEPS = 40;
const ANSWER_MS = 2000;

/** @typedef {{isVisible?: boolean, intersectionRatio: number, intersectionRect: {height: number}}} Entry */

export class Guard {
  #told = typeof IntersectionObserverEntry !== "undefined" && "isVisible" in IntersectionObserverEntry.prototype;
  /** @type {(id: number) => void} */ #ask;
  /** @type {(armed: boolean, blocked: "covered" | "partly" | null) => void} */ #changed;
  /** @type {() => void} */ #bring;
  #inView = false;
  #hidden = this.#told;
  #covered = true;
  #movedAt = Infinity;
  #lookedAt = -Infinity;
  /** @type {Promise<void> | null} */ #looking = null;
  #clearSince = Infinity;
  #blockedSince = performance.now();
  #focusedAt = -Infinity;
  #refusedAt = -Infinity;
  #partly = false;
  #id = 0;
  /** @type {Map<number, () => void>} */ #waiting = new Map();
  #last = "";

  /**
   * @param {HTMLElement} card what must be in view
   * @param {(id: number) => void} ask the page's content script to look
   * @param {(armed: boolean, blocked: "covered" | "partly" | null) => void} changed
   * @param {() => void} bring the whole player into view, which was pressed where only a part of it was
   */
  constructor(card, ask, changed, bring) {
    this.#ask = ask;
    this.#changed = changed;
    this.#bring = bring;
    const options = /** @type {any} */ ({ threshold: Array.from({ length: STEPS + 1 }, (_, step) => step / STEPS), ...(this.#told ? { trackVisibility: true, delay: 100 } : {}) });
    new IntersectionObserver((entries) => {
      const last = /** @type {Entry} */ (/** @type {unknown} */ (entries.at(-1)));
      this.#inView = last.intersectionRatio >= LEAST_SHOWN || last.intersectionRect.height >= ENOUGH_PX;
      this.#hidden = this.#told && !last.isVisible;
      this.#judge();
    }, options).observe(card);
    addEventListener("focus", () => { this.#focusedAt = performance.now(); });
    document.addEventListener("visibilitychange", () => this.#judge());
    setInterval(() => this.#judge(), 100);
    // Asked as the button goes down, answered before it comes up: no press waits for it.
    addEventListener("pointerdown", (event) => {
      this.#looking = this.#look();
      if (event.isTrusted && !this.armed && sleeping(event)) this.#answer(false);
    }, { capture: true });
  }

  /** Whether a press would act now. */
  get armed() {
    return this.#lookedAt - this.#clearSince >= ARM_MS;
  }

  /** @param {Event} event the person's @returns {Promise<boolean>} whether it may act */
  async may(event) {
    document.body.dataset["press"] = "asked";
    this.#judge();
    if (!event.isTrusted || !this.armed) return this.#answer(false);
    const byKey = event instanceof KeyboardEvent || (event instanceof MouseEvent && event.detail === 0);
    // The page can move the focus into the frame while the person types.
    if (byKey && performance.now() - this.#focusedAt < ARM_MS) return this.#answer(false);
    const looking = event.type === "click" && !byKey ? this.#looking : null;
    this.#looking = null;
    await (looking ?? this.#look());
    return this.#answer(this.armed);
  }

  /** A press that did nothing is said. @param {boolean} may */
  #answer(may) {
    document.body.dataset["press"] = may ? "taken" : "refused";
    this.#refusedAt = may ? -Infinity : performance.now();
    this.#partly = !may && !this.#inView;
    if (this.#partly) this.#bring();
    this.#judge();
    return may;
  }

  /** @param {{id: number, covered: string | null, still_ms: number}} answer of the content script */
  seen({ id, covered, still_ms }) {
    this.#covered = covered !== null;
    this.#movedAt = performance.now() - still_ms;
    this.#lookedAt = performance.now();
    this.#waiting.get(id)?.();
  }

  /** @returns {Promise<void>} */
  #look() {
    const id = ++this.#id;
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(id);
        clearTimeout(timer);
        this.#judge();
        resolve();
      };
      const timer = setTimeout(() => {
        this.#covered = true;
        done();
      }, ANSWER_MS);
      this.#waiting.set(id, done);
      this.#ask(id);
    });
  }

  #judge() {
    const now = performance.now();
    const covered = this.#hidden || this.#covered;
    const clear = this.#inView && !covered && !document.hidden;
    if (!clear) this.#clearSince = Infinity;
    else this.#clearSince = Math.max(this.#clearSince === Infinity ? now : this.#clearSince, this.#movedAt);
    if (clear) this.#blockedSince = Infinity;
    else if (this.#blockedSince === Infinity) this.#blockedSince = now;
    if (!document.hidden && this.#inView && this.#waiting.size === 0 && now - this.#lookedAt >= (this.armed ? LOOK_MS : SOON_MS)) this.#look();
    const lasting = this.#inView && covered && now - this.#blockedSince >= NOTE_MS;
    const blocked = now - this.#refusedAt < SAID_MS ? (this.#partly ? "partly" : "covered") : lasting ? "covered" : null;
    const told = `${this.armed} ${blocked}`;
    if (told === this.#last) return;
    this.#last = told;
    this.#changed(this.armed, blocked);
  }
}

/**
 * A button that sleeps lets presses through to what is behind it: a person who presses it all the same is told why.
 * @param {PointerEvent} event
 */
function sleeping({ clientX: x, clientY: y }) {
  return [...document.querySelectorAll('button[data-guarded]:not([data-guarded="off"]):disabled')].some((button) => {
    const { left, top, right, bottom } = button.getBoundingClientRect();
    return left <= x && x <= right && top <= y && y <= bottom;
  });
}
