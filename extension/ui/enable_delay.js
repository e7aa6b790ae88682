/**
 * Delay before buttons that decide are enabled: a press that was meant for a page, over which a window of the extension
 * appeared, decides nothing.
 */

/** The delay in ms, as in the approval window (approve.js). */
const ENABLE_DELAY_MS = 800;

/**
 * Disables until the window has been visible and undisturbed for the delay, and again after each change of focus,
 * visibility or size.
 * @param {(isDisabled: boolean) => void} setDisabled
 * @returns {() => void} restarts the delay, after the content has changed
 */
export function enableDelay(setDisabled) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const restart = () => {
    clearTimeout(timer);
    setDisabled(true);
    if (document.visibilityState !== "visible") return;
    timer = setTimeout(() => setDisabled(false), ENABLE_DELAY_MS);
  };
  for (const name of ["focus", "blur", "resize"]) addEventListener(name, restart);
  document.addEventListener("visibilitychange", restart);
  restart();
  return restart;
}

/**
 * Makes a part of a page inert during the delay, and restores its focus afterwards.
 * @param {HTMLElement} root
 */
export function inertDuringDelay(root) {
  /** @type {Element | null} */
  let focused = null;
  enableDelay((isDisabled) => {
    if (isDisabled && root.contains(document.activeElement)) focused = document.activeElement;
    root.inert = isDisabled;
    if (isDisabled) return;
    /** @type {HTMLElement | null} */ (focused)?.focus({ preventScroll: true });
    focused = null;
  });
}

/** Ignores the repeats of a held key, except in a field. */
export function ignoreKeyRepeats() {
  addEventListener(
    "keydown",
    (event) => {
      const isPress = event.key === "Enter" || event.key === " ";
      const isField = /** @type {Element} */ (event.target).matches?.("input, textarea");
      if (event.repeat && isPress && !isField) event.preventDefault();
    },
    true,
  );
}
