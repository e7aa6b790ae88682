/**
 * The engine: the streams of all tabs and the wallet, in one hidden document.
 */

import { Problem } from "../shared/problem.js";
import { badge, start, tell } from "./link.js";
import { warm } from "./wallet_core.js";
import { TrackHandover } from "./playback/track_handover.js";
import * as approvals from "./provider/approvals.js";
import * as provider from "./provider/provider.js";
import { downgrade } from "./playback/activation_rules.js";
import { Stream } from "./playback/stream.js";
import { publishState } from "./playback/state_publisher.js";
import * as wallet from "./wallet.js";

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
  const count = wallet.questions().length + [...streams.values()].filter(({ waitsToMove }) => waitsToMove).length;
  if (count !== badgeCount) badge(count);
  badgeCount = count;
  for (const port of screens) tell(port, { event: "decisions" });
}

wallet.setUp({
  changed() {
    decisionsChanged();
    for (const port of screens) tell(port, { event: "changed" });
    for (const stream of streams.values()) stream.walletChanged().catch(() => undefined);
    provider.changed();
  },
  playing() {
    for (const stream of streams.values()) {
      const playing = stream.playing();
      if (playing) return playing;
    }
    return null;
  },
  decisions() {
    const all = [...streams.values()];
    const describe = (/** @type {any} */ song, /** @type {any} */ place) => ({
      title: song?.title ?? "",
      artist: song?.artist ?? "",
      origin: place.origin,
    });
    return {
      takeovers: all
        .filter(({ waitsToMove }) => waitsToMove)
        .map(({ song, place }) => ({ stream: place.stream, ...describe(song, place) })),
      // Only songs whose player opened this window: a page must not ask by showing a player.
      costs: all
        .filter(({ opened, payment }) => opened && payment.costs)
        .map(({ song, place, info, facts, payment }) => ({
          ...describe(song, place),
          interval_s: info?.interval_s ?? null,
          facts,
          ...payment.summary(0),
        })),
    };
  },
  asks: decisionsChanged,
  takeOver(token) {
    const stream = streams.get(token);
    if (stream?.waitsToMove) takeOver(stream).catch((error) => stream.fail(error));
  },
  async halt(origin) {
    for (const stream of streams.values())
      if (stream.isActive && (stream.place.origin === origin || stream.place.site === origin))
        await stream.onMessage({ type: "pause" }).catch(() => undefined);
  },
});

/** Handlers of the background's messages by type. @type {Record<string, (message: any) => void>} */
const HANDLERS = {
  show(place) {
    const existing = streams.get(place.stream);
    if (existing?.adopt(place)) return;
    existing?.close();
    const stream = new Stream(place);
    streams.set(place.stream, stream);
    const { after, crossfade_s } = place.list ?? {};
    const before = after && streams.get(after);
    if (!before) return;
    before.next?.close();
    before.next = new TrackHandover(before, stream, crossfade_s, () => before.changeTrack(1, true));
  },
  /** The background was restarted: its ports have other numbers, and the pages show their players again. */
  lost() {
    screens.clear();
    badgeCount = -1;
    provider.lost();
    for (const stream of streams.values()) stream.orphan();
    setTimeout(() => {
      for (const [token, stream] of streams) if (stream.isOrphan) HANDLERS["hide"]?.({ stream: token });
    }, ORPHAN_MS);
  },
  hide({ stream }) {
    streams.get(stream)?.close();
    streams.delete(stream);
    decisionsChanged();
  },
  opened({ port, kind, stream, site }) {
    if (kind === "provider" || kind === "approval") provider.open(port, kind, site);
    else if (kind === "player") streams.get(stream)?.attach(port);
    else screens.add(port);
    if (kind === "wallet" || kind === "approval") warm();
  },
  dismissed() {
    approvals.dismissed();
  },
  closed({ port }) {
    screens.delete(port);
    provider.close(port);
    for (const stream of streams.values()) stream.players.delete(port);
  },
  from({ port, kind, stream, message }) {
    if (kind === "player") {
      const playing = streams.get(stream);
      playing?.onMessage(message).catch((error) => playing.fail(error));
      return;
    }
    if (kind === "provider") return void provider.onRequest(port, message);
    (kind === "approval" ? provider.handle(message) : wallet.handle(message)).then(
      (result) => tell(port, { id: message.id, ok: true, result }),
      (error) => tell(port, { id: message.id, ok: false, error: Problem.of(error).toJSON() }),
    );
  },
  command({ stream: token, command, value, n, active }) {
    const stream = streams.get(token);
    if (!stream) return;
    /** @type {import("./playback/activation_rules.js").Surface} */
    const surface = active ? "activated" : "page";
    const may = () => command !== "play" || stream.gate.allows(surface);
    stream.pageCommands
      .execute(n ?? 0, may, (allowed) => (allowed ? execute(stream, command, value, surface) : undefined))
      .catch((error) => stream.fail(error))
      .finally(() => publishState(stream));
  },
  event({ event }) {
    for (const [token, stream] of streams) {
      if (event.stream && event.stream !== token) continue;
      stream.onHostEvent(event).catch((error) => stream.fail(error));
    }
    if (event.event === "host") provider.changed();
    if (event.event === "receipt") wallet.earned();
    if (event.event === "receipt" || event.event === "host")
      for (const port of screens) tell(port, { event: "changed" });
  },
};

/**
 * Executes a command of a page's script.
 * @param {Stream} stream
 * @param {string} command
 * @param {any} value
 * @param {import("./playback/activation_rules.js").Surface} surface
 */
async function execute(stream, command, value, surface) {
  if (command === "play") return stream.play(surface);
  const refusal = command === "seek" || command === "rate" ? stream.gate.refusal(command, surface) : null;
  if (refusal) return stream.notify(refusal);
  if (command === "seek") return stream.onMessage({ type: "seek", position_ms: Number(value) || 0 });
  if (command === "volume" || command === "rate") return stream.onMessage({ type: command, value: Number(value) || 0 });
  if (command === "muted") return stream.onMessage({ type: "mute", value: Boolean(value) });
  if (command === "pitch") return stream.onMessage({ type: "pitch", value: Boolean(value) });
  return stream.onMessage({ type: command });
}

/** Pauses the music of the other tab and starts this stream. @param {Stream} stream */
async function takeOver(stream) {
  // The press was for the song that the window showed: it starts no song that the page has put in its place.
  const header = stream.loader.opening["header"];
  for (const other of streams.values())
    if (other !== stream && other.isActive) await other.onMessage({ type: "pause" });
  // The pause reaches the security server a moment after the host.
  for (let attempt = 0; attempt < TAKE_OVER_ATTEMPTS; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, TAKE_OVER_RETRY_MS));
    await stream.retry();
    await stream.play(stream.loader.opening["header"] === header ? "own" : downgrade("own"));
    if (!stream.waitsToMove) return;
  }
}

start((message) => HANDLERS[message.type]?.(message));
wallet.load().then(decisionsChanged, () => undefined);
