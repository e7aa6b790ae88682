/**
 * The host's commands for this computer, where the background did not say them exactly.
 */

/** @returns {"firefox" | "edge" | "chrome" | "chromium"} */
export function browserName() {
  const brands =
    /** @type {{userAgentData?: {brands?: {brand: string}[]}}} */ (
      /** @type {unknown} */ (navigator)
    ).userAgentData?.brands?.map(({ brand }) => brand) ?? [];
  if (/Firefox\//.test(navigator.userAgent)) return "firefox";
  if (brands.includes("Microsoft Edge")) return "edge";
  return brands.includes("Google Chrome") ? "chrome" : "chromium";
}

/** @returns {string} a name for a sentence, such as "Linux" */
export function systemName() {
  const agent = navigator.userAgent;
  return /Windows/.test(agent)
    ? "Windows"
    : /Mac OS X|Macintosh/.test(agent)
      ? "macOS"
      : /CrOS/.test(agent)
        ? "ChromeOS"
        : "Linux";
}

/** @returns {string} */
export function browserTitle() {
  return { firefox: "Firefox", edge: "Microsoft Edge", chrome: "Google Chrome", chromium: "Chromium" }[browserName()];
}

/** @typedef {"command" | "upgrade" | "repair"} HostRemedy */

/** @type {Readonly<Record<string, HostRemedy>>} what commands help with a code */
const REMEDIES = {
  "host.missing": "command",
  "host.version": "upgrade",
  "host.answer": "upgrade",
  "host.message.unknown": "upgrade",
  "host.message.schema": "upgrade",
  "host.ledger.version": "upgrade",
  "server.protocol": "upgrade",
  "host.ledger.damaged": "repair",
  "host.device.key": "repair",
  "host.folder.denied": "repair",
};

/** @param {string} code @returns {HostRemedy | null} */
export const hostRemedy = (code) => REMEDIES[code] ?? null;

/**
 * @param {string} exactly the commands as the background gave them, one a line, or "". One alone is the install
 *   command.
 * @param {HostRemedy} remedy
 * @returns {string[]} to run one after the other
 */
export function hostCommands(exactly, remedy) {
  if (remedy === "repair") return ["gomaa host repair"];
  const lines = exactly
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  if (lines.length > 1) return lines;
  const install = lines[0] || `gomaa host install --browser ${browserName()}`;
  return remedy === "upgrade" ? ["pipx upgrade gomaa", install] : ["pipx install gomaa", install];
}
