/**
 * Routes messages between pages, players and wallet screens on one side, and the engine and the native host on the
 * other.
 */

import { api, inOnePage, originOf } from "../shared/compat.js";
import { Problem } from "../shared/problem.js";
import { pair } from "../shared/link.js";
import { ApprovalWindow, siteOf } from "./approval.js";
import { EngineLink } from "./engine_link.js";
import { EngineRequests } from "./engine_requests.js";
import { PlayerFrames } from "./frames.js";
import { Native } from "./native.js";
import { PageFiles } from "./page_files.js";
import { kindOf, mayReceive, maySend } from "./privileges.js";
import { ShownStreams } from "./shown_streams.js";
import { StreamRegistry } from "./stream_registry.js";
import { TabBuckets, TokenBucket } from "./token_bucket.js";

/** @typedef {import("../shared/engine_messages.d.ts").DeliveredMessage} DeliveredMessage */
/** @typedef {import("../shared/engine_messages.d.ts").EngineMessage} EngineMessage */
/** @typedef {import("../shared/engine_messages.d.ts").EngineRequest} EngineRequest */
/** @typedef {import("../shared/engine_messages.d.ts").Kind} Kind */
/** @typedef {import("../shared/engine_messages.d.ts").PortMessage} PortMessage */
/** @typedef {import("../shared/page_messages.d.ts").PageMessage} PageMessage */
/** @typedef {import("../shared/page_messages.d.ts").PageRequest} PageRequest */
/** @typedef {import("../shared/page_messages.d.ts").ShowRequest} ShowRequest */
/** @typedef {{port: chrome.runtime.Port, kind: Kind, stream: string | null}} Client */

const BADGE_COLOUR = "#8a5a00";

// Content scripts use no storage; Firefox has no such switch (docs/threat-model.md).
const { local } = api.storage;
local.setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" })?.catch((error) => console.error(error));

/** Open ports by number. @type {Map<number, Client>} */
const clients = new Map();
let lastClient = 0;

const engine = new EngineLink(restoreMessages);
const frames = new PlayerFrames();
const registry = new StreamRegistry();
const streams = new ShownStreams(engine, frames, registry);
const pageFiles = new PageFiles((response) => engine.send(response));
const tabs = new TabBuckets();
const approval = new ApprovalWindow(() => engine.send({ type: "dismissed" }));
/** The popup in a window of its own, for decisions that a player opens. */
const decisions = new ApprovalWindow(() => {}, "popup/popup.html");
const native = new Native((event) => engine.send({ type: "event", event }));
const requests = new EngineRequests({ engine, native, streams, approval, storage: local });

/** Messages that restore the streams and ports in a restarted engine. */
function restoreMessages() {
  /** @type {EngineMessage[]} */
  const messages = streams.restoreMessages();
  for (const [id, { kind, stream }] of clients)
    if (kind !== "page") messages.push({ type: "opened", port: id, kind, stream });
  return messages;
}

/** Handles a message of the engine. @param {unknown} data */
function onEngineMessage(data) {
  if (!maySend("engine", data)) return;
  const message = /** @type {EngineRequest} */ (data);
  switch (message.type) {
    case "awake":
      return;
    case "badge":
      return void showBadge(message.count);
    case "to":
      return deliver(message.port, message.message);
    case "read": {
      const stream = streams.get(message.stream);
      return pageFiles.read(message, stream, stream && clients.get(stream.page)?.port);
    }
    default:
      void requests.onRequest(message);
  }
}

/** Shows the number of pending decisions on the toolbar button. @param {number} count */
async function showBadge(count) {
  await Promise.all([
    api.action.setBadgeText({ text: count ? String(count) : "" }),
    api.action.setBadgeBackgroundColor({ color: BADGE_COLOUR }),
  ]).catch(() => undefined);
}

/** Delivers a message of the engine to a port that may get it. @param {number} id @param {DeliveredMessage} message */
function deliver(id, message) {
  const client = clients.get(id);
  if (!client) return;
  if (!mayReceive(client.kind, message))
    return console.error("not in the table DELIVERIES:", client.kind, Object.keys(message).join());
  if (client.kind === "page" && "type" in message && message.type === "state" && "element" in message)
    streams.recordState(id, message);
  client.port.postMessage(message);
}

/** Accepts a port by its sender. @param {chrome.runtime.Port} port */
function accept(port) {
  const sender = port.sender;
  const kind = sender ? kindOf(port.name, sender, api.runtime.id) : null;
  if (!sender || !kind) return port.disconnect();
  if (kind === "engine") return acceptEngine(port);
  // Any page can open the player's document. Only the frame of the content script has a key, and gets the stream.
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
    if (!maySend(kind, message)) return refuse(port, message, "message.denied");
    if (kind === "page") registry.ready.then(() => clients.has(id) && onPageMessage(id, port, sender, message));
    else if (stream !== null && message.type === "height") sendHeight(stream, message.height);
    else {
      if (kind === "player" && message.type === "open") void decisions.show();
      engine.send(/** @type {PortMessage} */ ({ type: "from", port: id, kind, stream, message }));
    }
  });
  port.onDisconnect.addListener(() => {
    clients.delete(id);
    if (kind === "player") frames.leave(key, sender);
    if (kind === "page") streams.hidePage(id);
    engine.send({ type: "closed", port: id });
  });
  if (kind !== "page") engine.send({ type: "opened", port: id, kind, stream, ...(site ? { site } : {}) });
  const shown = kind === "player" ? streams.get(stream ?? "") : undefined;
  if (shown) postToPage(shown.page, { type: "there", element: shown.element });
}

/** @param {chrome.runtime.Port} port */
function acceptEngine(port) {
  engine.attach(port);
  port.onMessage.addListener(onEngineMessage);
  port.onDisconnect.addListener(() => {
    if (!engine.detach(port)) return;
    streams.onEngineLost();
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

/** Responds with an error. @param {chrome.runtime.Port} port @param {unknown} message @param {string} code */
function refuse(port, message, code) {
  const { id } = /** @type {{id?: unknown}} */ (message ?? {});
  const error = new Problem(code).toJSON();
  /** @type {import("../shared/page_messages.d.ts").ProblemMessage} */
  const response = { type: "problem", id: typeof id === "number" ? id : undefined, ok: false, ...error, error };
  port.postMessage(response);
}

/** @param {number} page @param {PageMessage} message */
const postToPage = (page, message) => clients.get(page)?.port.postMessage(message);

/** Sends the height of a player to its page. @param {string} token @param {number} height px */
function sendHeight(token, height) {
  const stream = streams.get(token);
  if (stream) postToPage(stream.page, { type: "height", element: stream.element, height });
}

/**
 * Handles a message of a page's content script.
 * @param {number} id
 * @param {chrome.runtime.Port} port
 * @param {chrome.runtime.MessageSender} sender
 * @param {PageRequest} message
 */
function onPageMessage(id, port, sender, message) {
  if (message.type === "show") return show(id, port, sender, message);
  if (message.type === "bytes") return pageFiles.onBytes(id, message);
  const token = streams.tokenOf(id, message.element);
  const stream = streams.get(token ?? "");
  if (!token || !stream) return;
  if (message.type === "framed") frames.register(message.key, token, stream.tab);
  else if (message.type === "hide") streams.hide(token);
  else {
    const { command, value, n = 0, active } = message;
    engine.send({ type: "command", stream: token, command, value, n, active: active === true });
  }
}

/**
 * Shows the stream of an element.
 * @param {number} id
 * @param {chrome.runtime.Port} port
 * @param {chrome.runtime.MessageSender} sender
 * @param {ShowRequest} request
 */
function show(id, port, sender, request) {
  try {
    const stream = streams.show(id, sender, originOf(sender), request);
    const url = api.runtime.getURL("player/player.html");
    if (stream !== null) postToPage(id, { type: "shown", element: request.element, stream, url });
  } catch (error) {
    refuse(port, request, Problem.of(error).code);
  }
}

api.runtime.onConnect.addListener(accept);
api.runtime.onInstalled.addListener(({ reason }) => {
  if (reason === "install") api.tabs.create({ url: api.runtime.getURL("onboarding/onboarding.html") });
});
if (inOnePage) {
  pair.background.onmessage = ({ data }) => onEngineMessage(data);
  engine.attach(pair.background);
}
// The open port keeps this worker alive while music plays; without a host there is nothing to keep alive.
native.open().catch(() => undefined);
