/**
 * Presses that outlast a redraw: a button that is replaced between the down and the up of a pointer or a key gets no
 * click.
 */

/** A press that ended outside of the window is over after so long, ms. */
const LONGEST_MS = 1_000;

/**
 * Puts a redraw off while something is pressed.
 * @param {() => void} draw
 * @returns {() => boolean} asked before a redraw; true where it has to wait, and `draw` comes after the press
 */
export function pressGuard(draw) {
  let held = false;
  let due = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let ending;
  const release = () => {
    clearTimeout(ending);
    held = false;
    if (due) draw();
    due = false;
  };
  const hold = () => {
    held = true;
    clearTimeout(ending);
    ending = setTimeout(release, LONGEST_MS);
  };
  // The click comes in the same task as the end of the press.
  const end = () => {
    if (!held) return;
    clearTimeout(ending);
    ending = setTimeout(release, 0);
  };
  addEventListener("pointerdown", hold, true);
  addEventListener("keydown", ({ key }) => key === " " && hold(), true);
  for (const name of ["pointerup", "pointercancel", "keyup", "blur"]) addEventListener(name, end, true);
  return () => {
    due ||= held;
    return held;
  };
}
