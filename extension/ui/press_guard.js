/**
 * Delays redraws during a press: a button that is replaced between down and up of a pointer or a key gets no click.
 */

/** Time after which a press counts as ended, where it ended outside of the window. */
const MAX_PRESS_MS = 1_000;

/**
 * Delays redraws while something is pressed.
 * @param {() => void} draw
 * @returns {() => boolean} to be called before a redraw; true where it has to wait: `draw` is called after the press
 */
export function pressGuard(draw) {
  let pressed = false;
  let pending = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const release = () => {
    clearTimeout(timer);
    pressed = false;
    if (pending) draw();
    pending = false;
  };
  const hold = () => {
    pressed = true;
    clearTimeout(timer);
    timer = setTimeout(release, MAX_PRESS_MS);
  };
  // The click comes in the same task as the end of the press.
  const end = () => {
    if (!pressed) return;
    clearTimeout(timer);
    timer = setTimeout(release, 0);
  };
  addEventListener("pointerdown", hold, true);
  addEventListener("keydown", ({ key }) => key === " " && hold(), true);
  for (const name of ["pointerup", "pointercancel", "keyup", "blur"]) addEventListener(name, end, true);
  return () => {
    pending ||= pressed;
    return pressed;
  };
}
