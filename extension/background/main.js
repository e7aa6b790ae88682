/**
 * Routing, and nothing else: pages, players and the wallet's screens on one side, the engine on the other, the host
 * behind.
 */

import { api, inOnePage, originOf } from "../shared/compat.js";
import { Problem } from "../shared/problem.js";
import { pair } from "../shared/link.js";
import { ApprovalWindow, siteOf } from "./approval.js";
import { Allowance, TabAllowances, roomFor, roomForSite } from "./token_bucket.js";
import { Frames } from "./frames.js";
import { Native } from "./native.js";
import { Pages, placeOf, siteAround } from "./page_files.js";
import { allowed, kindOf, tellable } from "./privileges.js";
import { Remembered } from "./stream_registry.js";

// Content scripts use no storage; Firefox has no such switch (docs/threat-model.md).
/** @type {any} */ (api.storage.local)
  .setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" })
  ?.catch((/** @type {unknown} */ error) => console.error(error));

/** @typedef {import("./privileges.js").Kind} Kind */
/** @typedef {{port: chrome.runtime.Port, kind: Kind, stream: string | null}} Client */
/**
 * @typedef {{origin: string, site: string, inside: boolean, src: string, page: number, element: number, tab: number,
 *   frame: number, last: {position_ms: number, playing: boolean} | null}} Stream
 */

/** @type {Map<number, Client>} */
const clients = new Map();
const SOUNDING = new Set(["starting", "playing", "seeking", "waiting"]);
/** @type {Map<string, Stream>} */
const streams = new Map();
/** @type {{postMessage: (message: any) => void} | null} */
let engine = null;
/** @type {any[]} */
const held = [];
let count = 0;
/** @type {Promise<void> | null} */
let making = null;
/** An engine has gone without being asked to. */
let died = false;

const pages = new Pages((id, body) => toEngine({ type: "answer", id, ...body }));
const frames = new Frames();
const tabs = new TabAllowances();
const remembered = new Remembered();
const approval = new ApprovalWindow(() => toEngine({ type: "dismissed" }));
/** Page for what a player asks of a person: never a frame of a page. */
const decisions = new ApprovalWindow(() => {}, "popup/popup.html");
const native = new Native((event) => toEngine({ type: "event", event }));

/** Messages wait while the engine's document is made. @param {any} message */
function toEngine(message) {
  if (engine) engine.postMessage(message);
  else {
    held.push(message);
    ensureEngine();
  }
}

function ensureEngine() {
  if (inOnePage) return;
  making ??= makeEngine().finally(() => {
    making = null;
  });
}

async function makeEngine() {
  if (await api.offscreen.hasDocument()) return;
  await api.offscreen.createDocument({
    url: "engine/offscreen.html",
    reasons: [/** @type {any} */ ("AUDIO_PLAYBACK"), /** @type {any} */ ("WORKERS")],
    justification: "Plays the music of the page, and runs the wallet's Python in a Worker.",
  });
}

/** @param {{postMessage: (message: any) => void}} port */
function attachEngine(port) {
  engine = port;
  // An engine that starts anew knows nothing: what is shown, where it was, and who listens.
  const again = died;
  died = false;
  if (again) {
    for (const [token, { origin, site, inside, src, page, element, last }] of streams)
      port.postMessage({ type: "show", stream: token, src, origin, site, inside, page, element, last });
    for (const [id, { kind, stream }] of clients)
      if (kind !== "page") port.postMessage({ type: "opened", port: id, kind, stream });
  }
  // Of what was said meanwhile, an engine that starts anew is told what people and pages asked: the rest it has just
  // heard.
  for (const message of held)
    if (!again || message.type === "from" || message.type === "command") port.postMessage(message);
  held.length = 0;
}

/** @param {any} message */
function fromEngine(message) {
  if (!allowed("engine", message) || message.type === "awake") return;
  if (message.type === "badge") return void showBadge(message.count);
  if (message.type === "to") return deliver(message.port, message.message);
  if (message.type === "read") {
    const stream = streams.get(message.stream);
    return pages.ask(message, stream, stream && clients.get(stream.page)?.port);
  }
  const answer = (/** @type {any} */ body) => toEngine({ type: "answer", id: message.id, ...body });
  const work =
    message.type === "approve"
      ? message.open
        ? approval.show()
        : approval.hide()
      : message.type === "native"
        ? ask(message.request)
        : storage(message);
  work.then(
    (result) => answer({ ok: true, result }),
    (error) => answer({ ok: false, error: Problem.of(error).toJSON() }),
  );
}

/** The toolbar's button says how much waits for a decision. @param {number} count */
async function showBadge(count) {
  await Promise.all([
    api.action.setBadgeText({ text: count ? String(count) : "" }),
    api.action.setBadgeBackgroundColor({ color: "#8a5a00" }),
  ]).catch(() => undefined);
}

/** An offscreen document has no storage of its own. @param {{get?: string[], set?: Record<string, unknown>}} message */
async function storage({ get, set }) {
  if (set) await api.storage.local.set(set);
  return get ? api.storage.local.get(get) : {};
}

/** @param {Record<string, any>} request */
async function ask(request) {
  if (request["op"] === "status") {
    await native.open().catch(() => undefined);
    return native.status;
  }
  if (request["op"] !== "open") return native.request(request);
  // Origin and site are the background's word: neither page nor engine can set them.
  const stream = streams.get(String(request["stream"]));
  if (!stream) throw new Problem("host.stream.unknown");
  return native.request({ ...request, origin: stream.origin, site: stream.site });
}

/** @param {number} port @param {any} message */
function deliver(port, message) {
  const client = clients.get(port);
  if (!client) return;
  if (client.kind === "page" && message?.type === "state") note(port, message);
  if (tellable(client.kind, message)) client.port.postMessage(message);
  else
    console.error(
      "not of the table TOLD:",
      client.kind,
      Object.keys(message ?? {}).join(),
      Object.keys(message?.state ?? {}).join(),
    );
}

/** Where the music was, should the engine go. @param {number} page @param {any} message */
function note(page, { element, state }) {
  for (const stream of streams.values()) {
    if (stream.page !== page || stream.element !== element) continue;
    stream.last = { position_ms: state.position_ms, playing: SOUNDING.has(state.state) };
  }
}

/** @param {chrome.runtime.Port} port */
function accept(port) {
  const sender = port.sender;
  const kind = sender ? kindOf(port.name, sender, api.runtime.id) : null;
  if (!sender || !kind) return port.disconnect();
  if (kind === "engine") {
    attachEngine(port);
    port.onMessage.addListener(fromEngine);
    port.onDisconnect.addListener(() => {
      if (engine !== port) return;
      engine = null;
      died = true;
      // Requests of sites and screens are lost with it: they hear that the wallet is gone, and ask anew.
      for (const [id, client] of clients)
        if (client.kind === "provider" || client.kind === "approval" || client.kind === "wallet") {
          clients.delete(id);
          client.port.disconnect();
        }
      if (clients.size) ensureEngine();
    });
    return;
  }
  // A stream is played in the one frame that its page's content script made and gave the key to, whoever else opens the
  // same page of the extension.
  const key = port.name.slice("player:".length);
  const stream = kind === "player" ? frames.enter(key, sender) : null;
  const site = kind === "provider" ? siteOf(sender) : null;
  // While an engine is missing there is nobody who would answer.
  if (kind === "provider" && (!site || died)) return port.disconnect();
  if (kind === "player" && stream === null) return port.disconnect();
  const id = ++count;
  clients.set(id, { port, kind, stream });
  const allowance = new Allowance();
  port.onMessage.addListener((message) => {
    const own = allowance.take();
    // A page may have any number of frames, each with a port of its own.
    const heard = own === "yes" && (kind === "page" || kind === "provider") ? tabs.take(sender.tab?.id ?? -1) : own;
    // Each request of a site is settled, whatever it asks besides.
    if (heard !== "yes")
      return heard === "tell" || kind === "provider" ? refuse(port, message, "message.flood") : undefined;
    if (!allowed(kind, message)) return refuse(port, message, "message.denied");
    if (kind === "page") remembered.ready.then(() => clients.has(id) && fromPage(id, port, sender, message));
    else if (stream !== null && message.type === "height") tellHeight(stream, message.height);
    else {
      if (kind === "player" && message.type === "open") void decisions.show();
      toEngine({ type: "from", port: id, kind, stream, message });
    }
  });
  port.onDisconnect.addListener(() => {
    clients.delete(id);
    if (kind === "player") frames.leave(key, sender);
    if (kind === "page") for (const [token, { page }] of streams) if (page === id) forget(token);
    toEngine({ type: "closed", port: id });
  });
  if (kind !== "page") toEngine({ type: "opened", port: id, kind, stream, ...(site ? { site } : {}) });
  const place = kind === "player" ? streams.get(stream ?? "") : undefined;
  if (place) clients.get(place.page)?.port.postMessage({ type: "there", element: place.element });
}

/** @param {chrome.runtime.Port} port @param {any} message @param {string} code */
function refuse(port, message, code) {
  const id = typeof message?.id === "number" ? message.id : undefined;
  const error = new Problem(code).toJSON();
  port.postMessage({ type: "problem", id, ok: false, ...error, error });
}

/**
 * Passes the height of a player on, the one thing that a frame asks of its page.
 * @param {string} token
 * @param {number} height
 */
function tellHeight(token, height) {
  const stream = streams.get(token);
  if (stream) clients.get(stream.page)?.port.postMessage({ type: "height", element: stream.element, height });
}

/**
 * @param {number} id
 * @param {chrome.runtime.Port} port
 * @param {chrome.runtime.MessageSender} sender
 * @param {any} message
 */
function fromPage(id, port, sender, message) {
  const known = [...streams].find(([, s]) => s.page === id && s.element === message.element);
  if (message.type === "show") {
    if (known) forget(known[0]);
    const place = placeOf(message, sender, originOf(sender));
    if (!place) return;
    const tab = sender.tab?.id ?? -1;
    const site = siteAround(sender, place.origin);
    // The browser tells of the outermost page, the content script of those between.
    const inside = message.inside === true || site !== place.origin;
    if (!roomFor(streams.values(), id, tab) || !roomForSite(streams.values(), site))
      return refuse(port, message, "message.flood");
    const frame = sender.frameId ?? 0;
    const entry = { ...place, site, tab, frame, document: sender.documentId ?? "", element: message.element };
    const token = remembered.take(entry) ?? crypto.randomUUID();
    remembered.keep(token, entry);
    streams.set(token, { ...place, site, inside, page: id, element: message.element, tab, frame, last: null });
    const after = [...streams].find(([, s]) => s.page === id && s.element === message.after)?.[0] ?? null;
    const list = { index: message.index ?? 0, count: message.count ?? 1, after, crossfade_s: message.crossfade ?? 0 };
    toEngine({
      type: "show",
      stream: token,
      src: place.src,
      origin: place.origin,
      site,
      inside,
      page: id,
      element: message.element,
      list,
    });
    port.postMessage({
      type: "shown",
      element: message.element,
      stream: token,
      url: api.runtime.getURL("player/player.html"),
    });
  } else if (message.type === "bytes") pages.hear(id, message);
  else if (known && message.type === "framed") frames.show(message.key, known[0], known[1].tab);
  else if (known && message.type === "hide") forget(known[0]);
  else if (known)
    toEngine({
      type: "command",
      stream: known[0],
      command: message.command,
      value: message.value,
      n: message.n ?? 0,
      active: message.active === true,
    });
}

/** @param {string} token */
function forget(token) {
  streams.delete(token);
  frames.forget(token);
  remembered.drop(token);
  toEngine({ type: "hide", stream: token });
}

api.runtime.onConnect.addListener(accept);
api.runtime.onInstalled.addListener(({ reason }) => {
  if (reason === "install") api.tabs.create({ url: api.runtime.getURL("onboarding/onboarding.html") });
});
if (inOnePage) {
  pair.background.onmessage = ({ data }) => fromEngine(data);
  attachEngine(pair.background);
}
// The open port keeps this worker alive while music plays; without a host there is nothing to keep.
native.open().catch(() => undefined);
