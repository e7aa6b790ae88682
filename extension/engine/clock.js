/**
 * Time that passed, also while the computer slept.
 */

/** A clock that was set back further says nothing of how much time has passed. */
const SET_BACK_MS = 60_000;

/**
 * @typedef {{wall: number, steady: number}} Moment by the wall clock, and by the one that nobody sets and that may
 *   stand still in sleep
 */

/** @returns {Moment} */
export const moment = () => ({ wall: Date.now(), steady: performance.now() });

/** Milliseconds by the clock that went further; without end where the wall clock was set back. @param {Moment} from */
export function since({ wall, steady }) {
  const passed = Date.now() - wall;
  return passed < -SET_BACK_MS ? Infinity : Math.max(passed, performance.now() - steady);
}
