/**
 * The messages that each kind of port may send and receive. A message that is not in its sender's rows is refused with
 * message.denied; one that is not in its receiver's rows is not delivered.
 */

/** @typedef {import("../shared/engine_messages.d.ts").Kind} Kind */

/**
 * Message types with their rows: field name to type, "?" where it may be absent; other fields are refused.
 * @typedef {Readonly<Record<string, Readonly<Record<string, string>>>>} Rows
 */

/** Messages that each kind of port may send. @type {Readonly<Record<Kind, Rows>>} */
export const PRIVILEGES = {
  page: {
    show: {
      element: "count",
      src: "string",
      station: "string?",
      index: "count?",
      count: "count?",
      after: "count?",
      crossfade: "number?",
      inside: "boolean?",
    },
    bytes: { element: "count", id: "count", data: "blob?", code: "string?" },
    framed: { element: "count", key: "string" },
    hide: { element: "count" },
    command: { element: "count", command: "string", value: "scalar?", n: "count?", active: "boolean?" },
  },
  player: {
    play: {},
    pause: {},
    seek: { position_ms: "number" },
    prepare_seek: { position_ms: "number" },
    volume: { value: "number" },
    mute: { value: "boolean" },
    rate: { value: "number" },
    track: { by: "number" },
    retry: {},
    open: {},
    height: { height: "number" },
  },
  wallet: {
    "wallet.status": {},
    "wallet.propose": { words: "count?" },
    "wallet.spelling": { words: "string" },
    "wallet.create": { mnemonic: "string", password: "string", replace: "boolean?", fresh: "boolean?" },
    "wallet.unlock": { password: "string" },
    "wallet.lock": {},
    "wallet.words": { password: "string" },
    "wallet.password": { password: "string", fresh: "string" },
    "wallet.autolock": { seconds: "count" },
    "wallet.collect": { choice: "string" },
    "wallet.collect.answer": { station: "string", collect: "boolean" },
    "wallet.decisions": {},
    "wallet.takeover": { stream: "string" },
    "wallet.tracking": { on: "boolean" },
    "wallet.summary": {},
    "wallet.activity": { after: "object?" },
    "wallet.playing": {},
    "wallet.claim": { most_wei: "string?" },
    "wallet.origin": { server: "string", epoch: "count", payee: "string" },
    "wallet.quote": { to: "string", amount: "string", from: "string?" },
    "wallet.replace": { transaction: "string", how: "string" },
    "wallet.send": { quote: "string" },
    "wallet.accounts": {},
    "wallet.account.add": { name: "string" },
    "wallet.account.use": { index: "count" },
    "wallet.account.name": { index: "count", name: "string" },
    "wallet.contacts": {},
    "wallet.contact.save": { address: "string", name: "string" },
    "wallet.contact.remove": { address: "string" },
    "wallet.networks": {},
    "wallet.network": { chain_id: "count" },
    "network.offer": { origin: "string" },
    "network.add": { offer: "string" },
    "wallet.sites": {},
    "wallet.site": { origin: "string", state: "string?", budget: "string?" },
    "wallet.permits": {},
    "wallet.permit.revoke": { origin: "string", top: "string?" },
    "wallet.points": { origin: "string", what: "string" },
    "wallet.listening": {},
    "wallet.listening.quote": { server: "string", payer: "string", amount: "string" },
    "wallet.listening.put": { quote: "string" },
    "wallet.listening.take": { server: "string", payer: "string" },
    "host.status": {},
  },
  engine: {
    native: { id: "count", request: "object" },
    storage: { id: "count", get: "texts?", set: "object?" },
    to: { port: "count", message: "object" },
    read: { id: "count", stream: "string", offset: "count", size: "count" },
    approve: { id: "count", open: "boolean" },
    badge: { count: "count" },
    awake: {},
  },
  provider: {
    request: { id: "count", method: "string", params: "blob" },
  },
  approval: {
    "approval.next": {},
    "approval.done": {},
    "approval.unlock": { password: "string" },
    "approval.answer": { approval: "string", agree: "boolean", account: "string?", looks: "count?" },
  },
};

/**
 * Messages of the engine that each kind of port may receive. A page gets the state of an audio element and no data of
 * the fan.
 * @type {Readonly<Record<"page" | "player" | "provider", Rows>>}
 */
export const DELIVERIES = {
  page: {
    state: { element: "count", stream: "string", state: "object" },
    track: { element: "count", stream: "string", by: "number", joined: "boolean" },
  },
  player: { terms: {}, state: { state: "string" }, problem: { code: "string" } },
  provider: { reply: { id: "count", ok: "boolean", body: "blob" }, event: { name: "string", body: "blob" } },
};

/** Fields of `state` in a page's message "state". @type {Readonly<Record<string, string>>} */
export const PAGE_STATE = {
  state: "string",
  position_ms: "number",
  duration_ms: "number",
  ranges: "ranges",
  volume: "number",
  muted: "boolean",
  rate: "number",
  pitch: "boolean",
  wanted: "boolean",
  stalled: "boolean",
  seekable: "boolean",
  code: "code?",
  denied: "count?",
  done: "count",
};

/** Codes that a page gets for a failure (engine/playback/public_state.js). */
const PAGE_CODES = new Set(["failed", "refused"]);
const COMMANDS = new Set(["play", "pause", "seek", "volume", "muted", "rate", "pitch"]);
const MAX_TEXT_CHARS = 4096;
const MAX_BLOB_CHARS = 1 << 20;
const MAX_ITEMS = 64;

/**
 * The kind of a port, from what the browser reports about its sender.
 * @param {string} name of the port
 * @param {chrome.runtime.MessageSender} sender
 * @param {string} self the extension's id
 * @returns {Kind | null}
 */
export function kindOf(name, sender, self) {
  if (sender.id !== self || !sender.url) return null;
  const url = new URL(sender.url);
  const own = url.protocol === "chrome-extension:" || url.protocol === "moz-extension:";
  if (name === "page")
    return sender.tab && (url.protocol === "http:" || url.protocol === "https:" || url.protocol === "file:")
      ? "page"
      : null;
  if (name === "provider")
    return sender.tab && (url.protocol === "http:" || url.protocol === "https:") ? "provider" : null;
  if (!own) return null;
  // The offscreen document, not the same page in a tab.
  if (name === "engine") return url.pathname === "/engine/offscreen.html" && !sender.tab ? "engine" : null;
  if (name === "wallet")
    return url.pathname === "/popup/popup.html" || url.pathname === "/onboarding/onboarding.html" ? "wallet" : null;
  if (name === "approval") return url.pathname === "/approve/approve.html" ? "approval" : null;
  if (name.startsWith("player:")) return url.pathname === "/player/player.html" ? "player" : null;
  return null;
}

/**
 * True if a sender of this kind may send this message.
 * @param {Kind} kind
 * @param {unknown} message
 * @returns {boolean}
 */
export function maySend(kind, message) {
  if (!isObject(message)) return false;
  const { type } = message;
  if (typeof type !== "string" || !Object.hasOwn(PRIVILEGES[kind], type)) return false;
  const fields = PRIVILEGES[kind][type] ?? {};
  if (type === "command" && !COMMANDS.has(String(message["command"]))) return false;
  if (type === "native" && !isRequest(message["request"])) return false;
  return hasExactly(message, {
    ...fields,
    ...(kind === "wallet" || kind === "approval" ? { id: "count" } : {}),
    type: "string",
  });
}

/**
 * True if the engine may send this to a port of this kind. Wallet screens get responses and events.
 * @param {Kind} kind
 * @param {unknown} message
 * @returns {boolean}
 */
export function mayReceive(kind, message) {
  if (!isObject(message)) return false;
  if (kind === "wallet" || kind === "approval")
    return typeof message["event"] === "string" || (fits(message["id"], "count") && typeof message["ok"] === "boolean");
  const rows = kind === "page" || kind === "player" || kind === "provider" ? DELIVERIES[kind] : null;
  const type = message["type"];
  if (!rows || typeof type !== "string" || !Object.hasOwn(rows, type)) return false;
  const fields = rows[type] ?? {};
  if (kind === "player") return Object.entries(fields).every(([name, fieldType]) => fits(message[name], fieldType));
  if (kind === "provider") return hasExactly(message, { ...fields, type: "string" });
  return (
    hasExactly(message, { ...fields, type: "string" }) &&
    (type !== "state" || (isObject(message["state"]) && hasExactly(message["state"], PAGE_STATE)))
  );
}

/**
 * True if a message has every field of the row and no other.
 * @param {Record<string, unknown>} values
 * @param {Readonly<Record<string, string>>} fields
 */
function hasExactly(values, fields) {
  return (
    Object.keys(values).every((name) => Object.hasOwn(fields, name)) &&
    Object.entries(fields).every(([name, type]) => fits(values[name], type))
  );
}

/** True if this is a request to the native host. @param {unknown} value */
const isRequest = (value) => isObject(value) && typeof value["op"] === "string";

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True if a value has a type of the tables. @param {unknown} value @param {string} type @returns {boolean} */
function fits(value, type) {
  const kind = type.replace("?", "");
  if (value === undefined || value === null) return type.endsWith("?");
  if (kind === "scalar")
    return (
      (typeof value === "string" && value.length <= MAX_TEXT_CHARS) ||
      typeof value === "boolean" ||
      (typeof value === "number" && Number.isFinite(value))
    );
  if (kind === "number") return typeof value === "number" && Number.isFinite(value);
  if (kind === "count") return Number.isSafeInteger(value) && Number(value) >= 0;
  if (kind === "boolean") return typeof value === "boolean";
  if (kind === "blob") return typeof value === "string" && value.length <= MAX_BLOB_CHARS;
  if (kind === "string") return typeof value === "string" && value.length <= MAX_TEXT_CHARS;
  if (kind === "code") return typeof value === "string" && PAGE_CODES.has(value);
  if (kind === "ranges")
    return (
      Array.isArray(value) &&
      value.length <= MAX_ITEMS &&
      value.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every((ms) => fits(ms, "number")))
    );
  if (kind === "texts")
    return Array.isArray(value) && value.length <= MAX_ITEMS && value.every((text) => fits(text, "string"));
  return kind === "object" && isObject(value);
}
