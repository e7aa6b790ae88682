/**
 * Activation rules: which surface may begin an action, by what the action costs the listener. Pure functions.
 *
 * Nothing in a page consents or costs: without an allowance a page or a press in its frame begins free music only.
 */

/**
 * @typedef {"free" | "limited" | "costs"} Cost cost of an action: nothing, a use that the terms limit,
 *   money
 */
/**
 * Surface an action was asked on. `page`: the page's script, where nobody has touched that page; `activated`: the
 * page's script, with the page's user activation as
 * the browser reports it; `frame`: something in the player's frame other than a person's press; `press`: a trusted
 * press in the frame, or the system's media keys;
 * `own`: a press in a window of the extension.
 * @typedef {"page" | "activated" | "frame" | "press" | "own"} Surface
 */

/**
 * @type {Readonly<Record<Cost, Readonly<Record<Surface, boolean>>>>} what costs needs an allowance besides, wherever
 *   it is asked
 */
export const MAY = {
  free: { page: false, activated: true, frame: false, press: true, own: true },
  limited: { page: false, activated: false, frame: false, press: true, own: true },
  costs: { page: false, activated: false, frame: false, press: true, own: true },
};

const BEGINS = new Set(["play", "preview"]);
/** Actions after which music sounds that would not have: a jump back makes a play longer. */
const SOUNDS = new Set([...BEGINS, "resume", "seek"]);
/** Units of a count of plays that run on with the music. */
const RUNNING = new Set(["second", "segment"]);

/**
 * Whether the terms limit the number or the length of uses of an action.
 * @param {any} policy of the song, as in its header
 * @param {string} action
 */
export function isLimited(policy, action) {
  if (!policy) return false;
  const counts = policy.counts ?? {};
  const has = (/** @type {string} */ name) => typeof policy[name] === "number";
  if (counts[action]) return true;
  if (SOUNDS.has(action) && (has("metered_s") || RUNNING.has(counts.play?.unit))) return true;
  return BEGINS.has(action) && (has("ttl_s") || has("devices"));
}

/**
 * What an action takes from the listener.
 * @param {any} policy of the song
 * @param {string} action
 * @param {boolean} costs it is of a play that the listener pays
 * @returns {Cost}
 */
export function costOf(policy, action, costs) {
  if (costs && SOUNDS.has(action)) return "costs";
  return isLimited(policy, action) ? "limited" : "free";
}

/**
 * Whether an action may begin.
 * @param {Cost} cost
 * @param {Surface} surface
 * @param {boolean} allowance the listener has set a budget in the extension, and it covers this
 */
export function mayBegin(cost, surface, allowance) {
  return MAY[cost][surface] === true && (cost !== "costs" || allowance);
}

/**
 * Surface of a press for a song that may have been replaced since: no more than the page's script may begin.
 * @param {Surface} surface
 * @returns {Surface}
 */
export function downgrade(surface) {
  return surface === "page" || surface === "frame" ? surface : "activated";
}

/** @param {unknown} surface @returns {surface is Surface} */
export function isSurface(surface) {
  return typeof surface === "string" && Object.hasOwn(MAY.free, surface);
}
