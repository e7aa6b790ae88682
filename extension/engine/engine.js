/**
 * The engine: the streams of all tabs and the wallet, in one hidden document.
 */

import { Problem } from "../shared/problem.js";
import { badge, start, tell } from "./link.js";
import { startCore } from "./wallet_core.js";
import { TrackHandover } from "./playback/track_handover.js";
import * as approvals from "./provider/approvals.js";
import * as provider from "./provider/provider.js";
import { downgrade } from "./playback/activation_rules.js";
import { Stream } from "./playback/stream.js";
import { nowPlaying, publishAgainTo, publishState } from "./playback/state_publisher.js";
import * as wallet from "./wallet.js";

/** @import { PageCommandName, PageCommandValue } from "../shared/page_messages.d.ts" */
/** @import { Event } from "./link.js" */
/** @typedef {import("./playback/activation_rules.js").Surface} Surface */

const TAKE_OVER_ATTEMPTS = 6;
const TAKE_OVER_RETRY_MS = 700;
/** Time after a restart of the background in which pages show their players again. */
const ORPHAN_MS = 15_000;

/** Streams by token. @type {Map<string, Stream>} */
const streams = new Map();
/** Ports of wallet screens. @type {Set<number>} */
const screens = new Set();
/** Number on the toolbar button; -1 before it is set. */
let badgeCount = -1;

/** Updates the number of pending decisions on the toolbar button and in the screens. */
function decisionsChanged() {
  const takeOvers = [...streams.values()].filter((stream) => stream.waitsForTakeOver);
  const count = wallet.pendingQuestions().length + takeOvers.length;
  if (count !== badgeCount) badge(count);
  badgeCount = count;
  for (const port of screens) tell(port, { event: "decisions" });
}

/** Song and site of a stream, for a decision. @param {Stream} stream */
const describe = ({ song, place }) => ({
  title: song?.title ?? "",
  artist: song?.artist ?? "",
  origin: place.origin,
});

wallet.setUp({
  changed() {
    decisionsChanged();
    for (const port of screens) tell(port, { event: "changed" });
    for (const stream of streams.values()) stream.walletChanged().catch(() => undefined);
    provider.changed();
  },
  playing() {
    for (const stream of streams.values()) {
      const playing = nowPlaying(stream);
      if (playing) return playing;
    }
    return null;
  },
  decisions() {
    const all = [...streams.values()];
    return {
      takeovers: all
        .filter(({ waitsForTakeOver }) => waitsForTakeOver)
        .map((stream) => ({ stream: stream.place.stream, ...describe(stream) })),
      // Only songs whose player opened this window: showing a player is no request of a page.
      costs: all.flatMap((stream) => {
        const pay = stream.opened ? stream.payment.summary(0) : null;
        const { info, facts } = stream;
        return pay ? [{ ...describe(stream), interval_s: info?.interval_s ?? null, facts, ...pay }] : [];
      }),
    };
  },
  decisionsChanged,
  takeOver(token) {
    const stream = streams.get(token);
    if (stream?.waitsForTakeOver) takeOver(stream).catch((error) => stream.fail(error));
  },
  async pauseSite(origin) {
    for (const stream of streams.values())
      if (stream.isActive && (stream.place.origin === origin || stream.place.site === origin))
        await stream.onMessage({ type: "pause" }).catch(() => undefined);
  },
});

/** Closes and forgets a stream. @param {string} token */
function hide(token) {
  streams.get(token)?.close();
  streams.delete(token);
  decisionsChanged();
}

/**
 * Handlers of the background's messages by type.
 * @type {{[Type in Event["type"]]: (message: Extract<Event, {type: Type}>) => void}}
 */
const HANDLERS = {
  show(place) {
    const existing = streams.get(place.stream);
    if (existing?.adopt(place)) return;
    existing?.close();
    const stream = new Stream(place);
    streams.set(place.stream, stream);
    const { after = null, crossfade_s = 0 } = place.list ?? {};
    const before = after && streams.get(after);
    if (!before) return;
    before.next?.close();
    before.next = new TrackHandover(before, stream, crossfade_s, () => before.changeTrack(1, true));
  },
  /** After a restart of the background its ports have other numbers, and the pages show their players again. */
  lost() {
    screens.clear();
    badgeCount = -1;
    provider.lost();
    for (const stream of streams.values()) stream.orphan();
    setTimeout(() => {
      for (const [token, stream] of streams) if (stream.isOrphan) hide(token);
    }, ORPHAN_MS);
  },
  hide({ stream }) {
    hide(stream);
  },
  opened({ port, kind, stream, site }) {
    if (kind === "provider") {
      if (site) provider.open(port, site);
    } else if (kind === "approval") provider.openWindow(port);
    else if (kind === "player") streams.get(stream ?? "")?.attach(port);
    else screens.add(port);
    if (kind === "wallet" || kind === "approval") startCore();
  },
  dismissed() {
    approvals.rejectAll();
  },
  closed({ port }) {
    screens.delete(port);
    provider.close(port);
    for (const stream of streams.values()) stream.players.delete(port);
  },
  from(sent) {
    const { port } = sent;
    if (sent.kind === "player") {
      const stream = streams.get(sent.stream);
      if (!stream) return;
      if (sent.message.type === "seek") publishAgainTo(stream, port);
      stream.onMessage(sent.message).catch((error) => stream.fail(error));
      return;
    }
    if (sent.kind === "provider") return void provider.onRequest(port, sent.message);
    const { message } = sent;
    (sent.kind === "approval" ? provider.handle(sent.message) : wallet.handle(sent.message)).then(
      (result) => tell(port, { id: message.id, ok: true, result }),
      (error) => tell(port, { id: message.id, ok: false, error: Problem.of(error).toJSON() }),
    );
  },
  command({ stream: token, command, value, n, active }) {
    const stream = streams.get(token);
    if (!stream) return;
    const surface = active ? "activated" : "page";
    const isAllowed = () => command !== "play" || stream.gate.allows(surface);
    stream.pageCommands
      .execute(n, isAllowed, (allowed) => (allowed ? execute(stream, command, value, surface) : undefined))
      .catch((error) => stream.fail(error))
      .finally(() => publishState(stream));
  },
  event({ event }) {
    const about = "stream" in event ? event.stream : "";
    for (const [token, stream] of streams) {
      if (about && about !== token) continue;
      stream.hostEvents.onEvent(event).catch((error) => stream.fail(error));
    }
    if (event.event === "host") provider.changed();
    if (event.event === "receipt") wallet.onReceipt();
    if (event.event === "receipt" || event.event === "host")
      for (const port of screens) tell(port, { event: "changed" });
  },
};

/**
 * Executes a command of a page's script.
 * @param {Stream} stream
 * @param {PageCommandName} command
 * @param {PageCommandValue | undefined} value
 * @param {Surface} surface
 */
async function execute(stream, command, value, surface) {
  if (command === "play") return stream.play(surface);
  const refusal = command === "seek" || command === "rate" ? stream.gate.refusal(command, surface) : null;
  if (refusal) return stream.notify(refusal);
  switch (command) {
    case "pause":
      return stream.onMessage({ type: "pause" });
    case "seek":
      return stream.onMessage({ type: "seek", position_ms: Number(value) || 0 });
    case "volume":
    case "rate":
      return stream.onMessage({ type: command, value: Number(value) || 0 });
    case "muted":
      return stream.onMessage({ type: "mute", value: Boolean(value) });
    case "pitch":
      return stream.onMessage({ type: "pitch", value: Boolean(value) });
    default:
      return undefined;
  }
}

/** Pauses the stream of the other tab and plays this one. @param {Stream} stream */
async function takeOver(stream) {
  // The press was for the song that the window showed, not for one by which the page has replaced it.
  const { header } = stream.loader.opening;
  for (const other of streams.values())
    if (other !== stream && other.isActive) await other.onMessage({ type: "pause" });
  // The pause reaches the security server a moment after the host.
  for (let attempt = 0; attempt < TAKE_OVER_ATTEMPTS; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, TAKE_OVER_RETRY_MS));
    await stream.retry();
    await stream.play(stream.loader.opening.header === header ? "own" : downgrade("own"));
    if (!stream.waitsForTakeOver) return;
  }
}

start((message) => {
  /** @type {Record<string, (message: never) => void>} */
  const handlers = HANDLERS;
  handlers[message.type]?.(/** @type {never} */ (message));
});
wallet.load().then(decisionsChanged, () => undefined);
