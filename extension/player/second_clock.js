/**
 * Wakes the player where a shown second changes: at most once a second, and never while nobody can see it.
 */

/** Least time between two wake-ups, ms: somewhat less than a second, since timers are late by different times. */
const MIN_PERIOD_MS = 900;
/** Delay by which a wake-up is surely after the change. */
const MARGIN_MS = 10;
const SECOND_MS = 1000;

/**
 * A document and an element of it, as far as the clock uses them.
 * @typedef {Pick<Document, "visibilityState" | "addEventListener">} VisibleDocument
 * @typedef {new (callback: (entries: Pick<IntersectionObserverEntry, "isIntersecting">[]) => void) =>
 *   {observe: (element: Element) => void}} Observer
 */

export class SecondClock {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Time of the last wake-up, ms. */
  #wokenAt = -Infinity;
  /** The element is in the viewport. */
  #isOnScreen = false;

  /**
   * @param {object} options
   * @param {() => void} options.wake draws the present time
   * @param {() => {untilMs: number, rate: number} | null} options.next time until the next wake-up, at a
   *   rate; null while it stands
   * @param {Element} options.element that shows it
   * @param {VisibleDocument} [options.page]
   * @param {Observer} [options.Observer]
   * @param {() => number} [options.now] ms
   */
  constructor({
    wake,
    next,
    element,
    page = document,
    Observer = IntersectionObserver,
    now = () => performance.now(),
  }) {
    this.wake = wake;
    this.next = next;
    this.page = page;
    this.now = now;
    page.addEventListener("visibilitychange", () => this.#onVisibility());
    new Observer((entries) => {
      this.#isOnScreen = entries.at(-1)?.isIntersecting ?? false;
      this.#onVisibility();
    }).observe(element);
  }

  /** True if the element can be seen. */
  get isVisible() {
    return this.#isOnScreen && this.page.visibilityState === "visible";
  }

  /** Sets the timer for the next change, after the state has changed. */
  schedule() {
    clearTimeout(this.#timer);
    const next = this.isVisible ? this.next() : null;
    if (!next) return;
    let delay = next.untilMs / next.rate + MARGIN_MS;
    while (this.now() + delay < this.#wokenAt + MIN_PERIOD_MS) delay += SECOND_MS / next.rate;
    this.#timer = setTimeout(() => {
      this.#wokenAt = this.now();
      this.wake();
      this.schedule();
    }, delay);
  }

  #onVisibility() {
    if (this.isVisible) this.wake();
    this.schedule();
  }
}
