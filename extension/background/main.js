/**
 * Routes messages between pages, players and wallet screens on one side, and the engine and the native host on the
 * other.
 */

import { api, inOnePage, originOf } from "../shared/compat.js";
import { Problem } from "../shared/problem.js";
import { pair } from "../shared/link.js";
import { ApprovalWindow, siteOf } from "./approval.js";
import { EngineLink } from "./engine_link.js";
import { PlayerFrames } from "./frames.js";
import { Native } from "./native.js";
import { PageFiles, placeOf, siteAround } from "./page_files.js";
import { allowed, kindOf, tellable } from "./privileges.js";
import { StreamRegistry } from "./stream_registry.js";
import { TabBuckets, TokenBucket, hasRoomForPage, hasRoomForSite } from "./token_bucket.js";

// Content scripts use no storage; Firefox has no such switch (docs/threat-model.md).
/** @type {any} */ (api.storage.local)
  .setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" })
  ?.catch((/** @type {unknown} */ error) => console.error(error));

/** @typedef {import("./privileges.js").Kind} Kind */
/** @typedef {import("./engine_link.js").Message} Message */
/** @typedef {{port: chrome.runtime.Port, kind: Kind, stream: string | null}} Client */
/**
 * `last`: where the music was, for an engine that starts again.
 * @typedef {{origin: string, site: string, inside: boolean, src: string, page: number, element: number, tab: number,
 *   frame: number, last: {position_ms: number, playing: boolean} | null}} ShownStream
 */

const SOUNDING = new Set(["starting", "playing", "seeking", "waiting"]);
const BADGE_COLOUR = "#8a5a00";

/** Open ports by number. @type {Map<number, Client>} */
const clients = new Map();
/** Shown streams by token. @type {Map<string, ShownStream>} */
const streams = new Map();
let lastClient = 0;

const engine = new EngineLink(engineState);
const pageFiles = new PageFiles((id, body) => engine.send({ type: "answer", id, ...body }));
const frames = new PlayerFrames();
const tabs = new TabBuckets();
const registry = new StreamRegistry();
const approval = new ApprovalWindow(() => engine.send({ type: "dismissed" }));
/** The popup in a window of its own, for what a player asks of a person. */
const decisions = new ApprovalWindow(() => {}, "popup/popup.html");
const native = new Native((event) => engine.send({ type: "event", event }));

/** Messages that tell an engine which starts again what is shown, where it was, and which ports are open. */
function engineState() {
  /** @type {Message[]} */
  const messages = [];
  for (const [token, { origin, site, inside, src, page, element, last }] of streams)
    messages.push({ type: "show", stream: token, src, origin, site, inside, page, element, last });
  for (const [id, { kind, stream }] of clients)
    if (kind !== "page") messages.push({ type: "opened", port: id, kind, stream });
  return messages;
}

/** Handles a message of the engine. @param {any} message */
function fromEngine(message) {
  if (!allowed("engine", message) || message.type === "awake") return;
  if (message.type === "badge") return void showBadge(message.count);
  if (message.type === "to") return deliver(message.port, message.message);
  if (message.type === "read") {
    const stream = streams.get(message.stream);
    return pageFiles.read(message, stream, stream && clients.get(stream.page)?.port);
  }
  const respond = (/** @type {object} */ body) => engine.send({ type: "answer", id: message.id, ...body });
  perform(message).then(
    (result) => respond({ ok: true, result }),
    (error) => respond({ ok: false, error: Problem.of(error).toJSON() }),
  );
}

/** Performs a request of the engine. @param {any} message @returns {Promise<any>} */
function perform(message) {
  if (message.type === "approve") return message.open ? approval.show() : approval.hide();
  return message.type === "native" ? requestNative(message.request) : storage(message);
}

/** Shows the number of pending decisions on the toolbar button. @param {number} count */
async function showBadge(count) {
  await Promise.all([
    api.action.setBadgeText({ text: count ? String(count) : "" }),
    api.action.setBadgeBackgroundColor({ color: BADGE_COLOUR }),
  ]).catch(() => undefined);
}

/**
 * Reads or writes local storage for the engine: an offscreen document has no storage API.
 * @param {{get?: string[], set?: Record<string, unknown>}} message
 */
async function storage({ get, set }) {
  if (set) await api.storage.local.set(set);
  return get ? api.storage.local.get(get) : {};
}

/** @typedef {import("./native.js").HostRequest} HostRequest */

/** Sends a request of the engine to the native host, which checks it. @param {Record<string, any>} request */
async function requestNative(request) {
  if (request["op"] === "status") {
    await native.open().catch(() => undefined);
    return native.status;
  }
  if (request["op"] !== "open") return native.request(/** @type {HostRequest} */ (request));
  // Origin and site are set here: neither a page nor the engine may name them.
  const stream = streams.get(String(request["stream"]));
  if (!stream) throw new Problem("host.stream.unknown");
  return native.request(/** @type {HostRequest} */ ({ ...request, origin: stream.origin, site: stream.site }));
}

/** Delivers a message of the engine to a port that may get it. @param {number} port @param {any} message */
function deliver(port, message) {
  const client = clients.get(port);
  if (!client) return;
  if (client.kind === "page" && message?.type === "state") recordPosition(port, message);
  if (tellable(client.kind, message)) client.port.postMessage(message);
  else
    console.error(
      "not of the table TOLD:",
      client.kind,
      Object.keys(message ?? {}).join(),
      Object.keys(message?.state ?? {}).join(),
    );
}

/** Keeps where the music is, for an engine that starts again. @param {number} page @param {any} message */
function recordPosition(page, { element, state }) {
  for (const stream of streams.values()) {
    if (stream.page !== page || stream.element !== element) continue;
    stream.last = { position_ms: state.position_ms, playing: SOUNDING.has(state.state) };
  }
}

/** Accepts a port by its sender. @param {chrome.runtime.Port} port */
function accept(port) {
  const sender = port.sender;
  const kind = sender ? kindOf(port.name, sender, api.runtime.id) : null;
  if (!sender || !kind) return port.disconnect();
  if (kind === "engine") return acceptEngine(port);
  // Only the frame that the page's content script has made and given the key gets the stream, whoever else opens the
  // player's document.
  const key = port.name.slice("player:".length);
  const stream = kind === "player" ? frames.enter(key, sender) : null;
  const site = kind === "provider" ? siteOf(sender) : null;
  // Without an engine there are no responses.
  if (kind === "provider" && (!site || engine.isLost)) return port.disconnect();
  if (kind === "player" && stream === null) return port.disconnect();
  const id = ++lastClient;
  clients.set(id, { port, kind, stream });
  const bucket = new TokenBucket();
  port.onMessage.addListener((message) => {
    const limit = exceeded(bucket, kind, sender);
    // Every request of a provider gets a response, also above the limit.
    if (limit) return limit.isFirstRefusal || kind === "provider" ? refuse(port, message, "message.flood") : undefined;
    if (!allowed(kind, message)) return refuse(port, message, "message.denied");
    if (kind === "page") registry.ready.then(() => clients.has(id) && fromPage(id, port, sender, message));
    else if (stream !== null && message.type === "height") sendHeight(stream, message.height);
    else {
      if (kind === "player" && message.type === "open") void decisions.show();
      engine.send({ type: "from", port: id, kind, stream, message });
    }
  });
  port.onDisconnect.addListener(() => {
    clients.delete(id);
    if (kind === "player") frames.leave(key, sender);
    if (kind === "page") for (const [token, { page }] of streams) if (page === id) hide(token);
    engine.send({ type: "closed", port: id });
  });
  if (kind !== "page") engine.send({ type: "opened", port: id, kind, stream, ...(site ? { site } : {}) });
  const shown = kind === "player" ? streams.get(stream ?? "") : undefined;
  if (shown) clients.get(shown.page)?.port.postMessage({ type: "there", element: shown.element });
}

/** @param {chrome.runtime.Port} port */
function acceptEngine(port) {
  engine.attach(port);
  port.onMessage.addListener(fromEngine);
  port.onDisconnect.addListener(() => {
    if (!engine.detach(port)) return;
    // Pending requests of sites and screens are lost: with their ports closed they send them again.
    for (const [id, client] of clients)
      if (client.kind === "provider" || client.kind === "approval" || client.kind === "wallet") {
        clients.delete(id);
        client.port.disconnect();
      }
    if (clients.size) engine.start();
  });
}

/**
 * Takes a token for a message. A page may have any number of frames, each with a port: they share the tab's bucket too.
 * @param {TokenBucket} own
 * @param {Kind} kind
 * @param {chrome.runtime.MessageSender} sender
 * @returns {TokenBucket | null} the bucket that was empty
 */
function exceeded(own, kind, sender) {
  if (!own.take()) return own;
  if (kind !== "page" && kind !== "provider") return null;
  const shared = tabs.of(sender.tab?.id ?? -1);
  return shared.take() ? null : shared;
}

/** Responds with an error. @param {chrome.runtime.Port} port @param {any} message @param {string} code */
function refuse(port, message, code) {
  const id = typeof message?.id === "number" ? message.id : undefined;
  const error = new Problem(code).toJSON();
  port.postMessage({ type: "problem", id, ok: false, ...error, error });
}

/**
 * Tells the page the height of a player: the only thing that a frame asks of its page.
 * @param {string} token
 * @param {number} height px
 */
function sendHeight(token, height) {
  const stream = streams.get(token);
  if (stream) clients.get(stream.page)?.port.postMessage({ type: "height", element: stream.element, height });
}

/**
 * Handles a message of a page's content script.
 * @param {number} id
 * @param {chrome.runtime.Port} port
 * @param {chrome.runtime.MessageSender} sender
 * @param {any} message
 */
function fromPage(id, port, sender, message) {
  const token = tokenOf(id, message.element);
  const stream = streams.get(token ?? "");
  if (message.type === "show") {
    if (token) hide(token);
    show(id, port, sender, message);
  } else if (message.type === "bytes") pageFiles.onBytes(id, message);
  else if (!token || !stream) return;
  else if (message.type === "framed") frames.register(message.key, token, stream.tab);
  else if (message.type === "hide") hide(token);
  else
    engine.send({
      type: "command",
      stream: token,
      command: message.command,
      value: message.value,
      n: message.n ?? 0,
      active: message.active === true,
    });
}

/** The stream of an element. @param {number} page @param {number} element @returns {string | null} */
const tokenOf = (page, element) =>
  [...streams].find(([, stream]) => stream.page === page && stream.element === element)?.[0] ?? null;

/**
 * Registers the stream of an element, and tells the engine and the page of it.
 * @param {number} id
 * @param {chrome.runtime.Port} port
 * @param {chrome.runtime.MessageSender} sender
 * @param {any} message
 */
function show(id, port, sender, message) {
  const place = placeOf(message, sender, originOf(sender));
  if (!place) return;
  const tab = sender.tab?.id ?? -1;
  const site = siteAround(sender, place.origin);
  // The browser reports the top-level page, the content script the pages between.
  const inside = message.inside === true || site !== place.origin;
  if (!hasRoomForPage(streams.values(), id, tab) || !hasRoomForSite(streams.values(), site))
    return refuse(port, message, "message.flood");
  const { element } = message;
  const frame = sender.frameId ?? 0;
  const entry = { ...place, site, tab, frame, document: sender.documentId ?? "", element };
  const token = registry.reclaim(entry) ?? crypto.randomUUID();
  registry.add(token, entry);
  streams.set(token, { ...place, site, inside, page: id, element, tab, frame, last: null });
  const after = tokenOf(id, message.after);
  const list = { index: message.index ?? 0, count: message.count ?? 1, after, crossfade_s: message.crossfade ?? 0 };
  engine.send({ type: "show", stream: token, ...place, site, inside, page: id, element, list });
  port.postMessage({ type: "shown", element, stream: token, url: api.runtime.getURL("player/player.html") });
}

/** Removes a stream that is not shown any more. @param {string} token */
function hide(token) {
  streams.delete(token);
  frames.forget(token);
  registry.remove(token);
  engine.send({ type: "hide", stream: token });
}

api.runtime.onConnect.addListener(accept);
api.runtime.onInstalled.addListener(({ reason }) => {
  if (reason === "install") api.tabs.create({ url: api.runtime.getURL("onboarding/onboarding.html") });
});
if (inOnePage) {
  pair.background.onmessage = ({ data }) => fromEngine(data);
  engine.attach(pair.background);
}
// The open port keeps this worker alive while music plays; without a host there is nothing to keep alive.
native.open().catch(() => undefined);
