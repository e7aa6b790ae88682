/**
 * Elapsed time, including the time that the computer slept.
 */

/** Difference above which a wall clock that was set back does not count. */
const SET_BACK_MS = 60_000;

/**
 * A time by the wall clock and by the monotonic clock, which may pause during sleep, in ms.
 * @typedef {{wall: number, steady: number}} Moment
 */

/** The present time. @returns {Moment} */
export const moment = () => ({ wall: Date.now(), steady: performance.now() });

/**
 * Milliseconds since a moment, by the clock that advanced further; Infinity where the wall clock was set back.
 * @param {Moment} from
 */
export function since({ wall, steady }) {
  const passed = Date.now() - wall;
  return passed < -SET_BACK_MS ? Infinity : Math.max(passed, performance.now() - steady);
}
