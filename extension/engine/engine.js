/**
 * The engine: every stream of every tab, and the wallet, in one document that nobody sees.
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

const MOVE_TRIES = 6;
const MOVE_WAIT_MS = 700;
const ORPHANS_MS = 15_000;

/** @type {Map<string, Stream>} */
const streams = new Map();
/** @type {Set<number>} */
const screens = new Set();
/** Decisions that the toolbar's button was told of. */
let shown = -1;

/** The toolbar's button tells how much waits for a decision; the screens look again. */
function asks() {
  const count = wallet.questions().length + [...streams.values()].filter(({ waitsToMove }) => waitsToMove).length;
  if (count !== shown) badge(count);
  shown = count;
  for (const port of screens) tell(port, { event: "decisions" });
}

wallet.setUp({
  changed() {
    asks();
    for (const port of screens) tell(port, { event: "changed" });
    for (const stream of streams.values()) stream.walletChanged().catch(() => undefined);
    provider.changed();
  },
  playing() {
    for (const stream of streams.values()) {
      const told = stream.playing();
      if (told) return told;
    }
    return null;
  },
  decisions() {
    const all = [...streams.values()];
    const named = (/** @type {any} */ song, /** @type {any} */ place) => ({
      title: song?.title ?? "",
      artist: song?.artist ?? "",
      origin: place.origin,
    });
    return {
      takeovers: all
        .filter(({ waitsToMove }) => waitsToMove)
        .map(({ song, place }) => ({ stream: place.stream, ...named(song, place) })),
      // Only songs whose player asked for this window: what a page merely shows is no question.
      costs: all
        .filter(({ opened, payment }) => opened && payment.costs)
        .map(({ song, place, info, facts, payment }) => ({
          ...named(song, place),
          interval_s: info?.interval_s ?? null,
          facts,
          ...payment.summary(0),
        })),
    };
  },
  asks,
  takeOver(token) {
    const stream = streams.get(token);
    if (stream?.waitsToMove) moveTo(stream).catch((error) => stream.fail(error));
  },
  async halt(origin) {
    for (const stream of streams.values())
      if (stream.isActive && (stream.place.origin === origin || stream.place.site === origin))
        await stream.onMessage({ type: "pause" }).catch(() => undefined);
  },
});

/** @type {Record<string, (message: any) => void>} */
const HEAR = {
  show(place) {
    const known = streams.get(place.stream);
    if (known?.adopt(place)) return;
    known?.close();
    const stream = new Stream(place);
    streams.set(place.stream, stream);
    const { after, crossfade_s } = place.list ?? {};
    const before = after && streams.get(after);
    if (!before) return;
    before.next?.close();
    before.next = new TrackHandover(before, stream, crossfade_s, () => before.changeTrack(1, true));
  },
  /** The background was restarted: its ports have other numbers now, and the pages show their players again. */
  lost() {
    screens.clear();
    shown = -1;
    provider.lost();
    for (const stream of streams.values()) stream.orphan();
    setTimeout(() => {
      for (const [token, stream] of streams) if (stream.isOrphan) HEAR["hide"]?.({ stream: token });
    }, ORPHANS_MS);
  },
  hide({ stream }) {
    streams.get(stream)?.close();
    streams.delete(stream);
    asks();
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
      const known = streams.get(stream);
      known?.onMessage(message).catch((error) => known.fail(error));
      return;
    }
    if (kind === "provider") return void provider.hear(port, message);
    (kind === "approval" ? provider.handle(message) : wallet.handle(message)).then(
      (result) => tell(port, { id: message.id, ok: true, result }),
      (error) => tell(port, { id: message.id, ok: false, error: Problem.of(error).toJSON() }),
    );
  },
  command({ stream, command, value, n, active }) {
    const known = streams.get(stream);
    if (!known) return;
    /** @type {import("./playback/activation_rules.js").Surface} */
    const surface = active ? "activated" : "page";
    const may = () => command !== "play" || known.gate.allows(surface);
    known.pageCommands
      .execute(n ?? 0, may, (allowed) => (allowed ? obey(known, command, value, surface) : undefined))
      .catch((error) => known.fail(error))
      .finally(() => publishState(known));
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
 * What a page's script wishes.
 * @param {Stream} stream
 * @param {string} command
 * @param {any} value
 * @param {import("./playback/activation_rules.js").Surface} surface
 */
async function obey(stream, command, value, surface) {
  if (command === "play") return stream.play(surface);
  const refusal = command === "seek" || command === "rate" ? stream.gate.refusal(command, surface) : null;
  if (refusal) return stream.notify(refusal);
  if (command === "seek") return stream.onMessage({ type: "seek", position_ms: Number(value) || 0 });
  if (command === "volume" || command === "rate") return stream.onMessage({ type: command, value: Number(value) || 0 });
  if (command === "muted") return stream.onMessage({ type: "mute", value: Boolean(value) });
  if (command === "pitch") return stream.onMessage({ type: "pitch", value: Boolean(value) });
  return stream.onMessage({ type: command });
}

/** The other tab's music pauses, and this one begins. @param {Stream} stream */
async function moveTo(stream) {
  // The song that the window showed: a press for it starts no other one that the page has put in its place.
  const header = stream.loader.opening["header"];
  for (const other of streams.values())
    if (other !== stream && other.isActive) await other.onMessage({ type: "pause" });
  // The pause reaches the security server a moment after the host has it.
  for (let tried = 0; tried < MOVE_TRIES; tried++) {
    if (tried > 0) await new Promise((resolve) => setTimeout(resolve, MOVE_WAIT_MS));
    await stream.retry();
    await stream.play(stream.loader.opening["header"] === header ? "own" : downgrade("own"));
    if (!stream.waitsToMove) return;
  }
}

start((message) => HEAR[message.type]?.(message));
wallet.load().then(asks, () => undefined);
