/**
 * Publishes a stream: its state to player and page, its terms to the player, its song to the popup.
 */

import { api } from "../../shared/compat.js";
import { artwork } from "../../ui/artwork.js";
import { native, tell } from "../link.js";
import { MediaSessionController } from "./media_session.js";
import { publicState } from "./public_state.js";
import { closeSong, song as core } from "../song_cores.js";
import * as wallet from "../wallet.js";

/** @typedef {import("./stream.js").Stream} Stream */

const SIZE = 256;

/** @param {any} song @returns {MediaImage[]} the picture that the player shows too */
function artworkOf({ content }) {
  const picture = artwork(content).querySelector("svg");
  picture?.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const src = `data:image/svg+xml,${encodeURIComponent(picture?.outerHTML ?? "")}`;
  return [
    { src, sizes: `${SIZE}x${SIZE}`, type: "image/svg+xml" },
    { src: api.runtime.getURL("icons/gomaa-128.png"), sizes: "128x128", type: "image/png" },
  ];
}

const mediaSession = new MediaSessionController(navigator.mediaSession, artworkOf);

/** The reward meter runs ahead of the host's latest answer for so long at most. */
export const MAX_EXTRAPOLATION_MS = 9_000;
const ENDED = new Set(["ready", "starting"]);
const WAITING = new Set(["starting", "seeking", "waiting"]);

/** @param {Stream} stream */
export function stateOf(stream) {
  const {
    sound,
    info,
    session,
    session: {
      invocations: { heard, left, pace },
    },
  } = stream;
  const moving = session.state === "playing" ? performance.now() - heard.at : 0;
  const sum = heard.ms + Math.min(moving, MAX_EXTRAPOLATION_MS) * stream.settings.rate;
  const interval = (info?.interval_s ?? 30) * 1000;
  const reward = stream.tickets.earns && !stream.tickets.capped ? BigInt(info?.reward_wei ?? 0) : 0n;
  return {
    type: "state",
    state: session.state,
    position_ms: ENDED.has(session.state) ? session.position_ms : (sound?.positionMs ?? session.position_ms),
    duration_ms: info?.duration_ms ?? stream.song?.duration_ms ?? 0,
    buffered_ms: sound?.aheadMs ?? 0,
    volume: stream.settings.volume,
    muted: stream.settings.muted,
    rate: stream.settings.rate,
    list: { index: stream.place.list?.index ?? 0, count: stream.place.list?.count ?? 1 },
    left: { plays: left["play"] ?? null, seeks: left["seek"] ?? null },
    heard_ms: Math.round(sum),
    pay: stream.payment.summary(Math.floor(sum / interval)),
    earned_wei: (BigInt(Math.floor(sum / interval)) * reward).toString(),
    next_ms: Math.round(interval - (sum % interval)),
    pace: WAITING.has(session.state) ? (pace?.code ?? null) : null,
    timings: stream.timings,
  };
}

/** @param {Stream} stream */
export function publishState(stream) {
  const state = stateOf(stream);
  for (const port of stream.players) tell(port, state);
  mediaSession.update(stream, state);
  const { page, element, stream: name } = stream.place;
  tell(page, { type: "state", element, stream: name, state: publicState(stream, state) });
}

/** @param {Stream} stream @param {Iterable<number>} ports */
export async function publishTerms(stream, ports) {
  const { song, info, place, tickets } = stream;
  if (!song) return;
  const standing = wallet.standing(info?.station ?? null);
  const terms = await core("terms", {
    stream: place.stream,
    usage: info?.usage ?? {},
    context: {
      ...info?.context,
      now_s: info?.now_s ?? Math.floor(Date.now() / 1000),
      domain: info?.station?.domain ?? null,
      wallet: standing.wallet === "open",
    },
    names: { station: info?.station?.name ?? null },
    language: navigator.language,
    bps: info?.bps ?? 0,
    rewards: standing.rewards,
  });
  stream.facts = terms.facts ?? null;
  // A locked wallet still earns by a session that was signed before.
  const counting = standing.wallet === "locked" && info && wallet.runningSession(info);
  const { title, artist, duration_ms, quality, content, owner, server, waveform } = song;
  const station = info?.station ? { name: info.station.name, domain: info.station.domain } : null;
  const message = {
    type: "terms",
    title,
    artist,
    duration_ms,
    quality,
    content,
    owner,
    server: server?.address,
    waveform,
    station,
    capped: tickets.capped,
    ...terms,
    ...standing,
    pay: stream.payment.summary(0),
    ...(counting ? { wallet: "open" } : {}),
  };
  for (const port of ports) tell(port, message);
}

/** For the popup. @param {Stream} stream */
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

/** Closes the stream at host and core. @param {Stream} gone */
export async function closeStream(gone) {
  const { stream } = gone.place;
  mediaSession.release(gone);
  closeSong(stream);
  if (gone.loader.opening["stream"]) await native("close", { stream }).catch(() => undefined);
}
