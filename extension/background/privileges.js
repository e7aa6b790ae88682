/**
 * Who may say what. A message that is not in its sender's row is refused with message.denied.
 */

/** @typedef {"page" | "player" | "wallet" | "engine"} Kind */

/** @type {Readonly<Record<Kind, Readonly<Record<string, Record<string, string>>>>>} field name to type, "?" where it may be absent */
export const PRIVILEGES = {
  page: {
    show: { element: "number", src: "string", station: "string?" },
    bytes: { element: "number", id: "number", data: "blob?", code: "string?" },
    hide: { element: "number" },
    command: { element: "number", command: "string", value: "any?" },
  },
  player: {
    play: {},
    pause: {},
    seek: { position_ms: "number" },
    volume: { value: "number" },
    mute: { value: "boolean" },
    rewards: { on: "boolean" },
    retry: {},
  },
  wallet: {
    "wallet.status": {},
    "wallet.propose": { words: "number?" },
    "wallet.create": { mnemonic: "string", password: "string", replace: "boolean?" },
    "wallet.unlock": { password: "string" },
    "wallet.lock": {},
    "wallet.words": { password: "string" },
    "wallet.password": { password: "string", fresh: "string" },
    "wallet.autolock": { seconds: "number" },
    "wallet.rewards": { on: "boolean" },
    "wallet.summary": {},
    "wallet.playing": {},
    "wallet.claim": {},
    "wallet.origin": { server: "string", epoch: "number", payee: "string" },
    "wallet.quote": { to: "string", amount: "string" },
    "wallet.send": { quote: "string" },
    "wallet.accounts": {},
    "wallet.account.add": { name: "string" },
    "wallet.account.use": { index: "number" },
    "wallet.account.name": { index: "number", name: "string" },
    "wallet.contacts": {},
    "wallet.contact.save": { address: "string", name: "string" },
    "wallet.contact.remove": { address: "string" },
    "wallet.networks": {},
    "wallet.network": { chain_id: "number" },
    "wallet.sites": {},
    "wallet.site": { origin: "string", state: "string?", budget: "string?" },
    "host.status": {},
  },
  engine: {
    native: { id: "number", request: "object" },
    storage: { id: "number", get: "object?", set: "object?" },
    to: { port: "number", message: "object" },
    read: { id: "number", stream: "string", offset: "number", size: "number" },
  },
};

const COMMANDS = new Set(["play", "pause", "seek", "volume", "muted"]);
const MOST_TEXT = 4096;
const MOST_BLOB = 1 << 20;

/**
 * Who is at the other end of a port, from what the browser says of it and never from what it says of itself.
 * @param {string} name of the port
 * @param {chrome.runtime.MessageSender} sender
 * @param {string} self the extension's id
 * @returns {Kind | null}
 */
export function kindOf(name, sender, self) {
  if (sender.id !== self || !sender.url) return null;
  const url = new URL(sender.url);
  const own = url.protocol === "chrome-extension:" || url.protocol === "moz-extension:";
  if (name === "page") return sender.tab && (url.protocol === "http:" || url.protocol === "https:" || url.protocol === "file:") ? "page" : null;
  if (!own) return null;
  if (name === "engine") return url.pathname === "/engine/offscreen.html" ? "engine" : null;
  if (name === "wallet") return url.pathname === "/popup/popup.html" || url.pathname === "/onboarding/onboarding.html" ? "wallet" : null;
  if (name.startsWith("player:")) return url.pathname === "/player/player.html" ? "player" : null;
  return null;
}

/**
 * Whether a sender of this kind may send this message.
 * @param {Kind} kind
 * @param {unknown} message
 * @returns {boolean}
 */
export function allowed(kind, message) {
  if (typeof message !== "object" || message === null || Array.isArray(message)) return false;
  const { type } = /** @type {{type?: unknown}} */ (message);
  if (typeof type !== "string" || !Object.hasOwn(PRIVILEGES[kind], type)) return false;
  const fields = /** @type {Record<string, string>} */ (PRIVILEGES[kind][type]);
  const values = /** @type {Record<string, unknown>} */ (message);
  if (kind === "wallet" && typeof values["id"] !== "number") return false;
  if (type === "command" && !COMMANDS.has(String(values["command"]))) return false;
  return Object.entries(fields).every(([name, kinds]) => fits(values[name], kinds));
}

/** @param {unknown} value @param {string} kinds */
function fits(value, kinds) {
  const kind = kinds.replace("?", "");
  if (value === undefined || value === null) return kinds.endsWith("?");
  if (kind === "any") return ["string", "number", "boolean"].includes(typeof value);
  if (kind === "number") return typeof value === "number" && Number.isFinite(value);
  if (kind === "blob") return typeof value === "string" && value.length <= MOST_BLOB;
  if (kind === "string") return typeof value === "string" && value.length <= MOST_TEXT;
  return typeof value === kind;
}
