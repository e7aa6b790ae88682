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
 * @param {string} exactly the commands as the background gave them, one a line, or "". One alone is the install command.
 * @param {boolean} upgrade the program is there, but of another version
 * @returns {string[]} to run one after the other
 */
export function hostCommands(exactly, upgrade) {
  const lines = exactly.split("\n").map((line) => line.trim()).filter(Boolean);
  if (lines.length > 1) return lines;
  const install = lines[0] || `gomaa host install --browser ${browserName()}`;
  return upgrade ? ["pipx upgrade gomaa", install] : ["pipx install gomaa", install];
}
