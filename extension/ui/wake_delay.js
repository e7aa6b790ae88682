/**
 * Delay before buttons that decide are enabled: a press that was meant for a page, over which a window of the extension
 * appeared, decides nothing.
 */

/** The delay in ms, as in the approval window (approve.js). */
const WAKE_MS = 800;

/**
 * Disables until the window has been visible and undisturbed for the delay, and again after each change of focus,
 * visibility or size.
 * @param {(isAsleep: boolean) => void} setAsleep
 * @returns {() => void} restarts the delay, where the content has changed
 */
export function wakeDelay(setAsleep) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const restart = () => {
    clearTimeout(timer);
    setAsleep(true);
    if (document.visibilityState !== "visible") return;
    timer = setTimeout(() => setAsleep(false), WAKE_MS);
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
export function inertUntilAwake(root) {
  /** @type {Element | null} */
  let focused = null;
  wakeDelay((isAsleep) => {
    if (isAsleep && root.contains(document.activeElement)) focused = document.activeElement;
    root.inert = isAsleep;
    if (isAsleep) return;
    /** @type {HTMLElement | null} */ (focused)?.focus({ preventScroll: true });
    focused = null;
  });
}

/** Ignores the repeats of a key that is held down. */
export function pressOnce() {
  addEventListener(
    "keydown",
    (event) => {
      if (
        event.repeat &&
        (event.key === "Enter" || event.key === " ") &&
        !(/** @type {Element} */ (event.target).matches?.("input, textarea"))
      )
        event.preventDefault();
    },
    true,
  );
}
