/**
 * The host's commands for this computer, where the background did not say them exactly.
 */

/** @returns {"firefox" | "edge" | "chrome" | "chromium"} */
export function browserName() {
  const brands = /** @type {{userAgentData?: {brands?: {brand: string}[]}}} */ (/** @type {unknown} */ (navigator)).userAgentData?.brands?.map(({ brand }) => brand) ?? [];
  if (/Firefox\//.test(navigator.userAgent)) return "firefox";
  if (brands.includes("Microsoft Edge")) return "edge";
  return brands.includes("Google Chrome") ? "chrome" : "chromium";
}

/** @returns {string} a name for a sentence, such as "Linux" */
export function systemName() {
  const agent = navigator.userAgent;
  return /Windows/.test(agent) ? "Windows" : /Mac OS X|Macintosh/.test(agent) ? "macOS" : /CrOS/.test(agent) ? "ChromeOS" : "Linux";
}

/** @returns {string} */
export function browserTitle() {
  return { firefox: "Firefox", edge: "Microsoft Edge", chrome: "Google Chrome", chromium: "Chromium" }[browserName()];
}

/**
 * @param {string} exactly the command as the background gave it, or ""
 * @param {boolean} upgrade the program is there, but of another version
 * @returns {string[]} to run one after the other
 */
export function hostCommands(exactly, upgrade) {
  const install = exactly || `gomaa host install --browser ${browserName()}`;
  return upgrade ? ["pipx upgrade gomaa", install] : ["pipx install gomaa", install];
}
