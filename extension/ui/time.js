/**
 * Times and durations as text, in the reader's language.
 */

/**
 * Formats a position in a song.
 * @param {number} ms
 * @returns {string} such as "2:18" or "1:02:05"
 */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor((Number.isFinite(ms) ? ms : 0) / 1000));
  const pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

/**
 * Formats a time of day, with the date where it is not today.
 * @param {number} timeS Unix seconds
 * @param {string} language
 * @param {number} [nowMs]
 * @returns {string}
 */
export function moment(timeS, language, nowMs = Date.now()) {
  const date = new Date(timeS * 1000);
  const now = new Date(nowMs);
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (date.toDateString() === now.toDateString()) return new Intl.DateTimeFormat(language, options).format(date);
  options.month = "short";
  options.day = "numeric";
  if (date.getFullYear() !== now.getFullYear()) options.year = "numeric";
  return new Intl.DateTimeFormat(language, options).format(date);
}

/**
 * Whole seconds that are left, rounded up and never negative.
 * @param {number} ms
 * @returns {number}
 */
export function secondsLeft(ms) {
  return Number.isFinite(ms) ? Math.max(0, Math.ceil(ms / 1000)) : 0;
}
