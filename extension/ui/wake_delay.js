/**
 * Sleep of what decides: a press that was meant for a page, under which a window of the extension appeared, decides
 * nothing.
 */

/** As long as the answers of the window for sites sleep (approve.js), ms. */
const WAKE_MS = 800;

/**
 * Asleep from now on, until the window has been seen undisturbed for a moment; and again whenever it was away, appears
 * or changes its size.
 * @param {(is: boolean) => void} asleep
 * @returns {() => void} begins the sleep anew, where what is shown has changed
 */
export function sleeper(asleep) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waking;
  const sleep = () => {
    clearTimeout(waking);
    asleep(true);
    if (document.visibilityState !== "visible") return;
    waking = setTimeout(() => asleep(false), WAKE_MS);
  };
  for (const name of ["focus", "blur", "resize"]) addEventListener(name, sleep);
  document.addEventListener("visibilitychange", sleep);
  sleep();
  return sleep;
}

/**
 * The part of a page that does not answer while it sleeps; what had the focus has it again.
 * @param {HTMLElement} root
 */
export function sleepy(root) {
  /** @type {Element | null} */
  let had = null;
  sleeper((is) => {
    if (is && root.contains(document.activeElement)) had = document.activeElement;
    root.inert = is;
    if (is) return;
    /** @type {HTMLElement | null} */ (had)?.focus({ preventScroll: true });
    had = null;
  });
}

/** A key that is held presses once. */
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
