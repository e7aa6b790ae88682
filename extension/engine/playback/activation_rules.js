/**
 * Activation rules: which surface may begin an action, by what the action costs the listener. Pure functions.
 *
 * A page cannot consent: without an allowance, a page or a press in its frame starts free music only.
 */

/** Cost of an action: nothing, a use that the terms limit, money. @typedef {"free" | "limited" | "costs"} Cost */
/**
 * Surface of a request. `page`: the page's script without user activation; `activated`: the page's script, with the
 * user activation that the browser reports; `frame`: the player's frame without a press of a person; `press`: a trusted
 * press in the frame, or the system's media keys; `own`: a press in a window of the extension.
 * @typedef {"page" | "activated" | "frame" | "press" | "own"} Surface
 */
/**
 * The parts of the terms that the rules read (docs/policy.md). `counts`: limits by action.
 * @typedef {{permissions?: string[], counts?: Record<string, {unit?: string}>, metered_s?: number, ttl_s?: number,
 *   devices?: number}} Policy
 */

/**
 * True if an action of a cost may begin on a surface. One that costs money needs an allowance as well.
 * @type {Readonly<Record<Cost, Readonly<Record<Surface, boolean>>>>}
 */
export const MAY = {
  free: { page: false, activated: true, frame: false, press: true, own: true },
  limited: { page: false, activated: false, frame: false, press: true, own: true },
  costs: { page: false, activated: false, frame: false, press: true, own: true },
};

const BEGINS = new Set(["play", "preview"]);
/** Actions that make a play sound, or sound longer. */
const SOUNDS = new Set([...BEGINS, "resume", "seek"]);
/** Units of a count of plays that increase during a play. */
const RUNNING = new Set(["second", "segment"]);

/**
 * True if the terms limit the number or the length of uses of an action.
 * @param {Policy | undefined} policy of the song, as in its header
 * @param {string} action
 */
export function isLimited(policy, action) {
  if (!policy) return false;
  const counts = policy.counts ?? {};
  const has = (/** @type {"metered_s" | "ttl_s" | "devices"} */ name) => typeof policy[name] === "number";
  if (counts[action]) return true;
  if (SOUNDS.has(action) && (has("metered_s") || RUNNING.has(counts["play"]?.unit ?? ""))) return true;
  return BEGINS.has(action) && (has("ttl_s") || has("devices"));
}

/**
 * Cost of an action for the listener.
 * @param {Policy | undefined} policy of the song
 * @param {string} action
 * @param {boolean} costs the listener pays for the play
 * @returns {Cost}
 */
export function costOf(policy, action, costs) {
  if (costs && SOUNDS.has(action)) return "costs";
  return isLimited(policy, action) ? "limited" : "free";
}

/**
 * True if an action may begin.
 * @param {Cost} cost
 * @param {Surface} surface
 * @param {boolean} allowance the listener has set a budget in the extension, which covers the play
 */
export function mayBegin(cost, surface, allowance) {
  return MAY[cost][surface] === true && (cost !== "costs" || allowance);
}

/**
 * Surface of a press for a song that may have been replaced since: the press counts as the page's script.
 * @param {Surface} surface
 * @returns {Surface}
 */
export function downgrade(surface) {
  return surface === "page" || surface === "frame" ? surface : "activated";
}

/** True if a value names a surface. @param {unknown} surface @returns {surface is Surface} */
export function isSurface(surface) {
  return typeof surface === "string" && Object.hasOwn(MAY.free, surface);
}
