/**
 * Draws the popup's screens and keeps focus and scroll position.
 */

import { fill } from "../ui/dom.js";

/** Draws a screen into an element, where it has changed. */
export class ScreenRenderer {
  /** Name and state of the screen that is drawn. */
  #drawn = "";

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /** True if something is drawn. */
  get isDrawn() {
    return this.#drawn !== "";
  }

  /** Draws the next screen also where nothing has changed. */
  reset() {
    this.#drawn = "";
  }

  /**
   * Draws a screen.
   * @param {string} screen
   * @param {object} options
   * @param {string} options.state changes with what the screen shows; "" for a screen that is drawn once and keeps what
   *   was typed
   * @param {boolean} options.focusInput whether the first field gets the focus
   * @param {() => Node[]} draw
   * @returns {boolean} false where nothing has changed
   */
  render(screen, { state, focusInput }, draw) {
    const key = state ? `${screen} ${state}` : screen;
    if (key === this.#drawn) return false;
    const isSameScreen = this.#drawn.split(" ")[0] === screen;
    const top = isSameScreen ? (this.root.querySelector("main")?.scrollTop ?? 0) : 0;
    const focused = isSameScreen ? document.activeElement?.getAttribute("data-key") : null;
    this.#drawn = key;
    fill(this.root, draw());
    const main = this.root.querySelector("main");
    if (main) main.scrollTop = top;
    const target = focused ? this.root.querySelector(`[data-key="${focused}"]`) : null;
    if (focused) /** @type {HTMLElement | null} */ (target)?.focus({ preventScroll: true });
    else if (focusInput) this.root.querySelector("input")?.focus();
    return true;
  }
}
