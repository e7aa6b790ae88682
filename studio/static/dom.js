// DOM helpers of the page, and formatting of lengths and sizes.

/** An element of the page. @param {string} id @returns {any} */
export const $ = (id) => document.getElementById(id);

/** Set an element's text; never markup. @param {string} id @param {string} words */
export function text(id, words) {
  $(id).textContent = words;
}

/** Set a progress meter. @param {string} id @param {number} share 0 to 1 */
export function meter(id, share) {
  const whole = Math.round(Math.min(1, Math.max(0, share)) * 100);
  $(id).style.setProperty("--v", `${whole}%`);
  $(id).setAttribute("aria-valuenow", String(whole));
}

/** A length as minutes and seconds. @param {number} seconds */
export function length(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** A size in kB or MB. @param {number} bytes */
export const megabytes = (bytes) =>
  bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
