/**
 * What the player shows, decided from the engine's messages; no document here.
 */

import { wei } from "../ui/amounts.js";
import { hostRemedy } from "../ui/host.js";

/**
 * @typedef {{may: string, left: string, costs: string, earn: string, limits: string[]}} Facts
 * @typedef {{station_wei: string, owner_wei: string, listener_wei: string, commission_wei: string}} Split
 * @typedef {{title: string, artist: string, duration_ms: number, quality: string, content: string, owner?: string,
 *   server?: string,
 *   waveform?: string | null, station: {name: string, domain: string} | null, facts: Facts | null, permits?: string[],
 * split: Split | null,
 *   interval_s: number, reward_wei: string, capped?: boolean, payer?: string, wallet: "none" | "locked" | "open",
 * rewards: boolean, asks?: boolean, pay?: Pay | null}} Terms
 * @typedef {{on: boolean, need: "inside" | "wallet" | "site" | "budget" | "money" | null, left_wei: string, each_wei:
 *   string, spent_wei: string}} Pay what this fan pays
 * @typedef {"loading" | "ready" | "starting" | "playing" | "paused" | "seeking" | "waiting" | "ended" | "refused" |
 *   "failed"} StateName
 * @typedef {{state: StateName, position_ms: number, duration_ms: number, buffered_ms?: number, volume: number, muted:
 *   boolean, rate: number, list: {index: number, count: number},
 *   left: {plays?: number | null, seeks?: number | null}, heard_ms: number, earned_wei: string, next_ms: number, pay?:
 * Pay | null, pace?: string | null}} State pace: the code for which the music waits, and goes on by itself
 * @typedef {{code: string, detail?: Record<string, unknown>}} Problem
 * @typedef {{terms: Terms | null, state: State, problem: Problem | null, at: number}} Model
 */

/** @type {State} */
export const NOTHING = {
  state: "loading",
  position_ms: 0,
  duration_ms: 0,
  volume: 1,
  muted: false,
  rate: 1,
  list: { index: 0, count: 1 },
  left: {},
  heard_ms: 0,
  earned_wei: "0",
  next_ms: 0,
};

/** How far the frame runs ahead of the engine's last word. */
const MAX_EXTRAPOLATION_MS = 2500;

export const SOUNDING = new Set(["playing", "waiting", "starting", "seeking"]);
const STOPPING = new Set(["refused", "failed", "loading"]);
const MUSIC = new Set(["starting", "playing", "paused", "seeking", "waiting", "ended"]);

/**
 * @param {Model} model
 * @returns {"loading" | "before" | "music" | "problem"}
 */
export function viewOf({ terms, state, problem }) {
  if (problem && (STOPPING.has(state.state) || !terms)) return "problem";
  if (!terms || state.state === "loading") return terms?.facts ? "before" : "loading";
  return MUSIC.has(state.state) ? "music" : "before";
}

const LOADING_PX = 220;
const UNOPENED_PX = 400;

/**
 * Height of the frame while host and chain have not accepted the song, px: the page would else learn from it what a
 * header that it cannot read says, or
 * which fault its address had.
 * @param {Model} model
 * @returns {number | null} null where it is as high as what it shows
 */
export function fixedHeight({ state, problem }) {
  // What the host says of itself has nothing to do with the song.
  if (state.state !== "loading" || problem?.code.startsWith("host.")) return null;
  return problem ? UNOPENED_PX : LOADING_PX;
}

/**
 * What a fan has to do with rewards here.
 * @param {Terms} terms
 * @returns {"earns" | "none" | "locked" | "declined" | "asks" | "capped" | "unpaid"} asks: the fan has not answered for
 *   this station yet; unpaid: the song gives no reward; capped: the station no more today
 */
export function rewardMode(terms) {
  if (wei(terms.reward_wei) === 0n) return "unpaid";
  if (terms.wallet === "none") return "none";
  if (!terms.rewards) return terms.asks ? "asks" : "declined";
  if (terms.capped) return "capped";
  return terms.wallet === "locked" ? "locked" : "earns";
}

/**
 * Who is paid for the whole song. A fan who takes no reward is paid nothing, and the station pays that much less: its
 * commission is in the same proportion.
 * @param {Terms} terms
 * @returns {{total: bigint, owner: bigint, listener: bigint, commission: bigint} | null} null when nobody pays
 */
export function paid(terms) {
  if (!terms.split) return null;
  const owner = wei(terms.split.owner_wei);
  let listener = wei(terms.split.listener_wei);
  let commission = wei(terms.split.commission_wei);
  let total = wei(terms.split.station_wei);
  if (listener > 0n && rewardMode(terms) !== "earns") {
    commission = (commission * owner) / (owner + listener);
    listener = 0n;
    total = owner + commission;
  }
  return total > 0n ? { total, owner, listener, commission } : null;
}

/**
 * Where the song is now: the engine's last word, and the time since while it plays.
 * @param {Model} model
 * @param {number} nowMs of the same clock as model.at
 * @returns {{position: number, next: number}} ms
 */
export function live({ state, at }, nowMs) {
  const ahead = state.state === "playing" ? Math.min(MAX_EXTRAPOLATION_MS, Math.max(0, nowMs - at)) * state.rate : 0;
  return {
    position: Math.min(state.duration_ms || Infinity, state.position_ms + ahead),
    next: Math.max(0, state.next_ms - ahead),
  };
}

/**
 * How full the reward meter is.
 * @param {number} nextMs until the next interval is full
 * @param {number} intervalS
 * @returns {number} 0…1
 */
export function fullness(nextMs, intervalS) {
  const interval = intervalS * 1000;
  return interval > 0 ? Math.min(1, Math.max(0, 1 - nextMs / interval)) : 0;
}

/**
 * How much of every interval has been heard, for the row of dashes.
 * @param {number} heardMs
 * @param {number} durationMs
 * @param {number} intervalS
 * @returns {number[]} 0…100 per interval that fits into the song; at most 120 dashes
 */
export function dashes(heardMs, durationMs, intervalS) {
  const interval = intervalS * 1000;
  const count = interval > 0 ? Math.floor(durationMs / interval) : 0;
  if (count < 1 || count > 120) return [];
  return Array.from({ length: count }, (_, i) => Math.round(100 * Math.min(1, Math.max(0, heardMs / interval - i))));
}

/**
 * Whether the song may be moved about in now.
 * @param {Model} model
 */
export function canSeek({ terms, state }) {
  if (terms?.permits && !terms.permits.includes("seek")) return false;
  return state.left.seeks !== 0 && state.state !== "starting" && state.state !== "ended";
}

/**
 * @typedef {"unlock" | "create" | "retry" | import("../ui/host.js").HostRemedy | "network" | "none" | "popup"} Remedy
 */

/** @type {Record<string, Remedy>} */
const REMEDIES = {
  "host.network.missing": "network",
  "host.network.damaged": "network",
  "wallet.locked": "unlock",
  "session.expired": "unlock",
  "session.busy": "popup",
  "wallet.missing": "create",
  "site.consent": "popup",
  "site.paused": "popup",
  "site.budget": "popup",
  "policy.malformed": "none",
  "policy.action.denied": "none",
  "policy.count.exhausted": "none",
  "policy.not_yet": "none",
  "policy.expired": "none",
  "policy.ttl.expired": "none",
  "policy.station.denied": "none",
  "content.revoked": "none",
  "content.destroyed": "none",
  "content.unknown": "none",
  "content.owner": "none",
  "station.right.missing": "none",
  "media.unsupported": "none",
  "sps.magic": "none",
  "sps.version": "none",
  "sps.header.signature": "none",
  "sps.header.critical": "none",
  "sps.header.chain": "none",
  "sps.policy.mismatch": "none",
};

/**
 * The text to copy into a report: the code, and for a mistake of GoMAA itself its reason.
 * @param {string} code
 * @param {Record<string, unknown> | undefined} detail
 * @returns {string}
 */
export function report(code, detail) {
  const reason = code === "internal" ? detail?.reason : "";
  return typeof reason === "string" && reason ? `${code}: ${reason}` : code;
}

/**
 * The one thing that helps with a code; asking again where nothing else is known.
 * @param {string} code
 * @param {Terms | null} terms
 * @returns {Remedy}
 */
export function remedy(code, terms) {
  if (code === "policy.wallet.required") return terms?.wallet === "locked" ? "unlock" : "create";
  return hostRemedy(code) ?? REMEDIES[code] ?? "retry";
}

/** Fields of a policy that refuse; any other word in a detail is a station's or a server's own. */
const RULES =
  /^(window|permissions|self_destruct|destroyed|revoked|not_before_s|expires_s|ttl_s|start_by_s|renewal|stations|territories|purposes|part|preview_s|listener|devices|concurrent|metered_s|lease|counts(\.[a-z_]+)?)$/;

/**
 * The rule that refused, for the foot of a problem; "" where none is known.
 * @param {Record<string, unknown> | undefined} detail
 */
export const ruleOf = (detail) => (typeof detail?.rule === "string" && RULES.test(detail.rule) ? detail.rule : "");

/**
 * What is true of money when a song has stopped.
 * @param {State} state
 * @returns {{key: "youPaid" | "keptSoFar" | "nothingRefused" | "nothingCharged", sum: string}}
 */
export function moneyOf({ state, pay, earned_wei }) {
  const spent = pay?.spent_wei ?? "0";
  if (wei(spent) > 0n) return { key: "youPaid", sum: spent };
  if (wei(earned_wei) > 0n) return { key: "keptSoFar", sum: earned_wei };
  return { key: state === "refused" ? "nothingRefused" : "nothingCharged", sum: "0" };
}

const CALM =
  /^(host|wallet|site|session|server|chain|lease|station\.unreachable|station\.escrow|station\.credit|station\.answer|invocation\.time|policy\.wallet|policy\.clock|internal)/;

/**
 * Amber for what can be put right, brick for a refusal.
 * @param {string} code
 * @returns {"dial" | ""}
 */
export function tone(code) {
  return CALM.test(code) ? "dial" : "";
}

/**
 * The peaks of a waveform for a number of bars.
 * @param {string | null | undefined} base64 one byte per bucket
 * @param {number} bars
 * @returns {number[] | null} 0…1 each, null when there is no waveform
 */
export function peaks(base64, bars) {
  if (!base64 || bars < 1) return null;
  let bytes;
  try {
    bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
  if (bytes.length === 0) return null;
  return Array.from({ length: bars }, (_, i) => {
    const from = Math.floor((i * bytes.length) / bars);
    const to = Math.max(from + 1, Math.floor(((i + 1) * bytes.length) / bars));
    return Math.max(...bytes.subarray(from, to)) / 255;
  });
}
