/**
 * Publishes the state of a stream to player and page, its terms to the player, and its play to the popup.
 */

import { api } from "../../shared/compat.js";
import { artwork } from "../../ui/artwork.js";
import { native, tell } from "../link.js";
import { MediaSessionController } from "./media_session.js";
import { publicState } from "./public_state.js";
import { StateOutbox } from "./state_outbox.js";
import { passagesOf } from "./ticket.js";
import { closeSong, song as core } from "../song_cores.js";
import * as wallet from "../wallet.js";

/** @import { PlayerStateMessage, TermsMessage } from "../../shared/player_messages.d.ts" */
/** @import { NowPlaying } from "../../shared/wallet_earnings.d.ts" */
/** @typedef {import("./stream.js").Stream} Stream */
/** @typedef {import("../core_operations.d.ts").SongCoreOperations["terms"]["arguments"]} TermsArguments */

/** Edge of the picture, pixels. */
const ARTWORK_SIZE = 256;

/** Pictures of a song for the media session. @param {{content: string}} song @returns {MediaImage[]} */
function artworkOf({ content }) {
  const picture = artwork(content).querySelector("svg");
  picture?.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const src = `data:image/svg+xml,${encodeURIComponent(picture?.outerHTML ?? "")}`;
  return [
    { src, sizes: `${ARTWORK_SIZE}x${ARTWORK_SIZE}`, type: "image/svg+xml" },
    { src: api.runtime.getURL("icons/gomaa-128.png"), sizes: "128x128", type: "image/png" },
  ];
}

const mediaSession = new MediaSessionController(navigator.mediaSession, artworkOf);

/** Longest time for which heard time is extrapolated from the host's latest result. */
export const MAX_EXTRAPOLATION_MS = 12_000;
/** States with the session's position instead of the audio element's. */
const BEFORE_SOUND = new Set(["ready", "starting"]);
const WAITING = new Set(["starting", "seeking", "waiting"]);

/** State of a stream for its player. @param {Stream} stream @returns {PlayerStateMessage} */
export function stateOf(stream) {
  const {
    sound,
    info,
    session,
    session: {
      invocations: { heard, left, pace },
    },
  } = stream;
  const elapsedMs = session.state === "playing" ? performance.now() - heard.at : 0;
  const isHeard = session.state === "playing" && elapsedMs <= MAX_EXTRAPOLATION_MS;
  const heardMs = heard.ms + Math.min(elapsedMs, MAX_EXTRAPOLATION_MS) * stream.settings.rate;
  const interval = (info?.interval_s ?? 30) * 1000;
  const reward = stream.tickets.earns && !stream.tickets.capped ? BigInt(info?.reward_wei ?? 0) : 0n;
  return {
    type: "state",
    state: session.state,
    position_ms: BEFORE_SOUND.has(session.state) ? session.position_ms : (sound?.positionMs ?? session.position_ms),
    duration_ms: info?.duration_ms ?? stream.song?.duration_ms ?? 0,
    volume: stream.settings.volume,
    muted: stream.settings.muted,
    rate: stream.settings.rate,
    list: { index: stream.place.list?.index ?? 0, count: stream.place.list?.count ?? 1 },
    left: { plays: left["play"] ?? null, seeks: left["seek"] ?? null },
    heard_ms: Math.round(heardMs),
    heard_rate: isHeard ? stream.settings.rate : 0,
    pay: stream.payment.summary(Math.floor(heardMs / interval)),
    earned_wei: (BigInt(Math.floor(heardMs / interval)) * reward).toString(),
    next_ms: Math.round(interval - (heardMs % interval)),
    pace: WAITING.has(session.state) ? (pace?.code ?? null) : null,
    timings: stream.timings,
  };
}

/** @type {WeakMap<Stream, StateOutbox>} */
const outboxes = new WeakMap();

/** @param {Stream} stream */
function outboxOf(stream) {
  const existing = outboxes.get(stream);
  if (existing) return existing;
  const outbox = new StateOutbox({
    states() {
      const state = stateOf(stream);
      return { state, page: publicState(stream, state) };
    },
    players: () => stream.players,
    toPage(state) {
      const { page, element, stream: name } = stream.place;
      tell(page, { type: "state", element, stream: name, state });
    },
    toPlayer: tell,
    onSent: (state) => mediaSession.update(stream, state),
  });
  outboxes.set(stream, outbox);
  return outbox;
}

/** Sends the state to page, players and media session, where it has changed. @param {Stream} stream */
export function publishState(stream) {
  outboxOf(stream).publish();
}

/**
 * Sends the state to a player whether or not it has changed: the player shows the target of a seek, which may fail.
 * @param {Stream} stream
 * @param {number} port
 */
export function publishAgainTo(stream, port) {
  outboxOf(stream).forgetPlayer(port);
  publishState(stream);
}

/** Sends the state to another page that shows the stream. @param {Stream} stream */
export function publishToPage(stream) {
  outboxOf(stream).forgetPage();
  publishState(stream);
}

/**
 * Latest terms in words of each stream, with the song and the arguments that they are for.
 * @type {WeakMap<Stream, {song: object, text: string, terms: ReturnType<typeof readTerms>}>}
 */
const latestTerms = new WeakMap();

/** Calls the core. @param {TermsArguments} words */
const readTerms = (words) => core("terms", words);

/**
 * The terms of a stream's song in words, from the core once for the same arguments.
 * @param {Stream} stream
 * @param {object} song
 * @param {TermsArguments} words
 */
function termsOf(stream, song, words) {
  const text = JSON.stringify(words);
  const latest = latestTerms.get(stream);
  if (latest?.song === song && latest.text === text) return latest.terms;
  const terms = readTerms(words);
  latestTerms.set(stream, { song, text, terms });
  terms.catch(() => latestTerms.delete(stream));
  return terms;
}

/**
 * Sends the terms to ports of the player. Without a port nothing is computed: a page that plays has its player's frame
 * after the sound, and each port gets the terms when it opens.
 * @param {Stream} stream
 * @param {Set<number>} ports
 */
export async function publishTerms(stream, ports) {
  const { song, info, place, tickets } = stream;
  if (!song || ports.size === 0) return;
  const walletStatus = wallet.statusAt(info?.station ?? null);
  const terms = await termsOf(stream, song, {
    stream: place.stream,
    usage: info?.usage ?? {},
    context: {
      ...info?.context,
      now_s: info?.now_s ?? Math.floor(Date.now() / 1000),
      domain: info?.station?.domain ?? null,
      wallet: walletStatus.wallet === "open",
    },
    names: { station: info?.station?.name ?? null },
    language: navigator.language,
    bps: info?.bps ?? 0,
    rewards: walletStatus.rewards,
  });
  stream.facts = terms.facts;
  // A locked wallet earns by a session that was signed before.
  const hasSession = walletStatus.wallet === "locked" && info && wallet.runningSession(info);
  const { title, artist, duration_ms, quality, content, owner, server, waveform } = song;
  const station = info?.station ? { name: info.station.name, domain: info.station.domain } : null;
  /** @type {TermsMessage} */
  const message = {
    type: "terms",
    title,
    artist,
    duration_ms,
    quality,
    content,
    owner,
    server: server.address,
    waveform,
    passages: passages.get(stream) ?? null,
    station,
    capped: tickets.capped,
    ...terms,
    ...walletStatus,
    pay: stream.payment.summary(0),
    ...(hasSession ? { wallet: "open" } : {}),
  };
  outboxOf(stream).sendTerms(ports, message);
}

/**
 * Listeners of each passage of a stream's song, once fetched.
 * @type {WeakMap<Stream, number[] | null>}
 */
const passages = new WeakMap();

/**
 * Fetches the passages of a stream's song once, and sends them to its players. They are for looks: without an answer
 * there are none.
 * @param {Stream} stream
 */
async function loadPassages(stream) {
  const { song, info, place } = stream;
  if (!song || !info?.station || passages.has(stream)) return;
  passages.set(stream, null);
  const found = await passagesOf(place.origin, song.content).catch(() => null);
  if (found === null || stream.song !== song) return;
  passages.set(stream, found);
  await publishTerms(stream, stream.players);
}

/** Sends terms, state and problem to a new port of the player. @param {Stream} stream @param {number} port */
export async function publishTo(stream, port) {
  const outbox = outboxOf(stream);
  outbox.forgetPlayer(port);
  await publishTerms(stream, new Set([port]));
  outbox.sendState(port);
  const problem = stream.problem ?? stream.notice;
  if (problem) tell(port, { type: "problem", ...problem.toJSON() });
  void loadPassages(stream);
}

/** Play of a stream for the popup. @param {Stream} stream @returns {NowPlaying | null} null where none is active */
export function nowPlaying(stream) {
  if (!stream.isActive || !stream.info) return null;
  const { content, title, artist, station, reward_wei, interval_s } = stream.info;
  const { position_ms, duration_ms, state, earned_wei, next_ms } = stateOf(stream);
  return {
    content,
    title,
    artist,
    station: station?.name ?? null,
    position_ms,
    duration_ms,
    state,
    earned_wei,
    reward_wei,
    interval_s,
    next_ms,
  };
}

/** Closes a stream at host and core. @param {Stream} closing */
export async function closeStream(closing) {
  const { stream } = closing.place;
  mediaSession.release(closing);
  outboxOf(closing).close();
  closeSong(stream);
  if (closing.loader.opening.stream) await native("close", { stream }).catch(() => undefined);
}
