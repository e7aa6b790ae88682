/**
 * What a stream tells: its state to player and page, its terms to the player, its song to the popup.
 */

import { native, tell } from "./link.js";
import { python } from "./python.js";
import * as wallet from "./wallet.js";

/** @typedef {import("./stream.js").Stream} Stream */

/** What a page learns by its code; any other reason is the fan's own business. */
const OPEN_GROUPS = new Set(["sps", "content", "media", "station", "server", "watermark"]);

/** Longer than this without a renewal, the reward meter waits for the host's word. */
export const TRUST_MS = 9_000;
const ENDED = new Set(["ready", "starting"]);

/** @param {Stream} stream */
export function stateOf(stream) {
  const { sound, info, course: { session, counting: { heard, left } } } = stream;
  const moving = session.state === "playing" ? performance.now() - heard.at : 0;
  const sum = heard.ms + Math.min(moving, TRUST_MS);
  const interval = (info?.interval_s ?? 30) * 1000;
  const reward = stream.admission.earns && !stream.admission.capped ? BigInt(info?.reward_wei ?? 0) : 0n;
  return {
    type: "state",
    state: session.state,
    position_ms: ENDED.has(session.state) ? session.position_ms : sound?.positionMs ?? session.position_ms,
    duration_ms: info?.duration_ms ?? stream.song?.duration_ms ?? 0,
    buffered_ms: sound?.aheadMs ?? 0,
    volume: stream.volume,
    muted: stream.muted,
    left: { plays: left["play"] ?? null, seeks: left["seek"] ?? null },
    heard_ms: Math.round(sum),
    pay: stream.paying.told(Math.floor(sum / interval)),
    earned_wei: (BigInt(Math.floor(sum / interval)) * reward).toString(),
    next_ms: Math.round(interval - (sum % interval)),
    timings: stream.timings,
  };
}

/** @param {Stream} stream */
export function tellState(stream) {
  const state = stateOf(stream);
  for (const port of stream.players) tell(port, state);
  const { page, element } = stream.place;
  const { position_ms, duration_ms, volume, muted } = state;
  // The page learns what an audio element would tell it, and nothing about the fan.
  tell(page, { type: "state", element, state: { state: state.state, position_ms, duration_ms, volume, muted, code: pageCode(stream.problem?.code) } });
}

/** @param {string | undefined} code */
function pageCode(code) {
  if (!code) return null;
  return OPEN_GROUPS.has(String(code.split(".")[0])) ? code : "message.denied";
}

/** @param {Stream} stream @param {Iterable<number>} ports */
export async function tellTerms(stream, ports) {
  const { song, info, place, admission } = stream;
  if (!song) return;
  const standing = wallet.standing();
  const told = await python("terms", {
    stream: place.stream,
    usage: info?.usage ?? {},
    context: { ...info?.context, now_s: info?.now_s ?? Math.floor(Date.now() / 1000), domain: info?.station?.domain ?? null, wallet: standing.wallet === "open" },
    names: { station: info?.station?.name ?? null },
    language: navigator.language,
    bps: info?.bps ?? 0,
    rewards: standing.rewards,
  });
  // Locked, but counting: a session that still runs needs no seed.
  const counting = standing.wallet === "locked" && info && admission.device && wallet.runningSession(info, admission.device);
  const { title, artist, duration_ms, quality, content, owner, server, waveform } = song;
  const station = info?.station ? { name: info.station.name, domain: info.station.domain } : null;
  const message = { type: "terms", title, artist, duration_ms, quality, content, owner, server: server?.address, waveform, station, capped: admission.capped, ...told, ...standing, pay: stream.paying.told(0), ...(counting ? { wallet: "open" } : {}) };
  for (const port of ports) tell(port, message);
}

/** For the popup. @param {Stream} stream */
export function playing(stream) {
  if (!stream.isActive || !stream.info) return null;
  const { content, title, artist, station, reward_wei, interval_s } = stream.info;
  const { position_ms, duration_ms, state, earned_wei, next_ms } = stateOf(stream);
  return { content, title, artist, station: station?.name ?? null, position_ms, duration_ms, state, earned_wei, reward_wei, interval_s, next_ms };
}

/** Say goodbye to host and core. @param {Stream} stream */
export async function forget({ info, place: { stream } }) {
  if (info) await native("close", { stream }).catch(() => undefined);
  await python("stream.close", { stream }).catch(() => undefined);
}
