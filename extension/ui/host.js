/**
 * The commands that install, upgrade or repair the host on this computer.
 */

/** The browser, as `gomaa host install` names it. @returns {"firefox" | "edge" | "chrome" | "chromium"} */
export function browserName() {
  const brands =
    /** @type {{userAgentData?: {brands?: {brand: string}[]}}} */ (
      /** @type {unknown} */ (navigator)
    ).userAgentData?.brands?.map(({ brand }) => brand) ?? [];
  if (/Firefox\//.test(navigator.userAgent)) return "firefox";
  if (brands.includes("Microsoft Edge")) return "edge";
  return brands.includes("Google Chrome") ? "chrome" : "chromium";
}

/** The operating system's name. @returns {string} such as "Linux" */
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

/** The browser's name for sentences. @returns {string} */
export function browserTitle() {
  return { firefox: "Firefox", edge: "Microsoft Edge", chrome: "Google Chrome", chromium: "Chromium" }[browserName()];
}

/** Goal of commands: install ("command"), upgrade or repair. @typedef {"command" | "upgrade" | "repair"} HostRemedy */

/** Remedies by code. @type {Readonly<Record<string, HostRemedy>>} */
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

/** The remedy for a code. @param {string} code @returns {HostRemedy | null} */
export const hostRemedy = (code) => REMEDIES[code] ?? null;

/**
 * The commands to run.
 * @param {string} commands those of the background, one per line, or ""; a single one is the install command
 * @param {HostRemedy} remedy
 * @returns {string[]} in order
 */
export function hostCommands(commands, remedy) {
  if (remedy === "repair") return ["gomaa host repair"];
  const lines = commands
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  if (lines.length > 1) return lines;
  const install = lines[0] || `gomaa host install --browser ${browserName()}`;
  return remedy === "upgrade" ? ["pipx upgrade gomaa", install] : ["pipx install gomaa", install];
}
