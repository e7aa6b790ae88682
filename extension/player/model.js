/**
 * Rules of what the player shows, by the engine's messages. Uses no document.
 */

import { wei } from "../ui/amounts.js";
import { hostRemedy } from "../ui/host.js";

/** @typedef {import("../shared/player_messages.d.ts").Terms} Terms */
/** @typedef {import("../shared/player_messages.d.ts").Pay} Pay */
/** @typedef {import("../shared/player_messages.d.ts").PlaybackState} PlaybackState */
/** @typedef {import("../shared/player_messages.d.ts").PlayerState} State */
/** @typedef {import("../shared/player_messages.d.ts").CodedProblem} Problem */
/**
 * State that the player shows; `at`: time of the engine's last state, ms.
 * @typedef {{terms: Terms | null, state: State, problem: Problem | null, at: number}} Model
 */

/** @type {State} */
export const INITIAL_STATE = {
  state: "loading",
  position_ms: 0,
  duration_ms: 0,
  volume: 1,
  muted: false,
  rate: 1,
  list: { index: 0, count: 1 },
  left: { plays: null, seeks: null },
  heard_ms: 0,
  heard_rate: 0,
  earned_wei: "0",
  next_ms: 0,
  pay: null,
  pace: null,
  timings: { engine_cold_ms: null, first_audio_ms: null, seek_ms: [], marks: [] },
};

export const SOUNDING = new Set(["playing", "waiting", "starting", "seeking"]);
/** States between a request for sound and the sound. */
export const AWAITING_SOUND = new Set(["starting", "seeking"]);
const STOPPING = new Set(["refused", "failed", "loading"]);
const MUSIC = new Set(["starting", "playing", "paused", "seeking", "waiting", "ended"]);

/**
 * The view for a model.
 * @param {Model} model
 * @returns {"loading" | "ready" | "playback" | "problem"}
 */
export function viewOf({ terms, state, problem }) {
  if (problem && (STOPPING.has(state.state) || !terms)) return "problem";
  if (!terms || state.state === "loading") return terms?.facts ? "ready" : "loading";
  return MUSIC.has(state.state) ? "playback" : "ready";
}

const LOADING_PX = 220;
const UNOPENED_PX = 400;

/**
 * Fixed height of the frame until host and chain have accepted the song, px. The height of the content would reveal to
 * the page a header that it cannot read, or the error of its address.
 * @param {Model} model
 * @returns {number | null} null for the height of the content
 */
export function fixedHeight({ state, problem }) {
  // Problems of the host do not depend on the song.
  if (state.state !== "loading" || problem?.code.startsWith("host.")) return null;
  return problem ? UNOPENED_PX : LOADING_PX;
}

/**
 * Standing of this fan's rewards: earned, or the reason against it.
 * @param {Terms} terms
 * @returns {"earns" | "none" | "locked" | "declined" | "asks" | "capped" | "unpaid"} none: without a wallet; asks: not
 *   decided for this station; unpaid: the song has no reward; capped: the station pays no more today
 */
export function rewardMode(terms) {
  if (wei(terms.reward_wei) === 0n) return "unpaid";
  if (terms.wallet === "none") return "none";
  if (!terms.rewards) return terms.asks ? "asks" : "declined";
  if (terms.capped) return "capped";
  return terms.wallet === "locked" ? "locked" : "earns";
}

/**
 * Payments for the whole song. Without a reward for the fan the station pays less, and the commission is in the same
 * proportion.
 * @param {Terms} terms
 * @returns {{total: bigint, owner: bigint, listener: bigint, commission: bigint} | null} null where nobody pays
 */
export function paymentOf(terms) {
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
 * The present position, extrapolated from the engine's last state.
 * @param {Model} model
 * @param {number} nowMs of the same clock as model.at
 * @returns {{position: number, next: number, heard: number}} ms
 */
export function extrapolate({ state, at }, nowMs) {
  const elapsed = state.state === "playing" ? Math.max(0, nowMs - at) : 0;
  const heard = elapsed * state.heard_rate;
  return {
    position: Math.min(state.duration_ms || Infinity, state.position_ms + elapsed * state.rate),
    next: Math.max(0, state.next_ms - heard),
    heard: state.heard_ms + heard,
  };
}

/**
 * Time until the shown second of the position changes, at the rate of playback.
 * @param {Model} model
 * @param {number} nowMs of the same clock as model.at
 * @returns {{untilMs: number, rate: number} | null} null while the position stands
 */
export function nextSecond(model, nowMs) {
  const { state, duration_ms, rate } = model.state;
  const { position } = extrapolate(model, nowMs);
  if (state !== "playing" || (duration_ms > 0 && position >= duration_ms)) return null;
  return { untilMs: 1000 - (position % 1000), rate };
}

/**
 * The heard part of the present interval.
 * @param {number} nextMs until the interval is full
 * @param {number} intervalS
 * @returns {number} 0…1
 */
export function intervalFraction(nextMs, intervalS) {
  const interval = intervalS * 1000;
  return interval > 0 ? Math.min(1, Math.max(0, 1 - nextMs / interval)) : 0;
}

/**
 * The heard part of each interval, for the row of dashes.
 * @param {number} heardMs
 * @param {number} durationMs
 * @param {number} intervalS
 * @returns {number[]} 0…100 per interval of the song; empty for more than 120 intervals
 */
export function intervalPercents(heardMs, durationMs, intervalS) {
  const interval = intervalS * 1000;
  const count = interval > 0 ? Math.floor(durationMs / interval) : 0;
  if (count < 1 || count > 120) return [];
  return Array.from({ length: count }, (_, i) => Math.round(100 * Math.min(1, Math.max(0, heardMs / interval - i))));
}

/**
 * True if a seek is permitted now.
 * @param {Model} model
 */
export function canSeek({ terms, state }) {
  if (terms?.permits && !terms.permits.includes("seek")) return false;
  return state.left.seeks !== 0 && state.state !== "starting" && state.state !== "ended";
}

/**
 * @typedef {"unlock" | "create" | "retry" | import("../ui/host.js").HostRemedy | "network" | "none" | "popup"} Remedy
 */

/** Remedies by code. @type {Record<string, Remedy>} */
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
 * The text to copy into a report: the code, and the reason of an internal error.
 * @param {string} code
 * @param {Record<string, unknown> | undefined} detail
 * @returns {string}
 */
export function report(code, detail) {
  const reason = code === "internal" ? detail?.reason : "";
  return typeof reason === "string" && reason ? `${code}: ${reason}` : code;
}

/**
 * The remedy for a code; "retry" for codes without another one.
 * @param {string} code
 * @param {Terms | null} terms
 * @returns {Remedy}
 */
export function remedy(code, terms) {
  if (code === "policy.wallet.required") return terms?.wallet === "locked" ? "unlock" : "create";
  return hostRemedy(code) ?? REMEDIES[code] ?? "retry";
}

/** Fields of a policy. Other texts in a detail may be a station's or a server's. */
const RULES = new RegExp(
  String.raw`^(window|permissions|self_destruct|destroyed|revoked|not_before_s|expires_s|ttl_s|start_by_s|renewal|` +
    String.raw`stations|territories|purposes|part|preview_s|listener|devices|concurrent|metered_s|lease|` +
    String.raw`counts(\.[a-z_]+)?)$`,
);

/**
 * The policy field that refused, for the footer of a problem; "" for another text.
 * @param {Record<string, unknown> | undefined} detail
 */
export const ruleOf = (detail) => (typeof detail?.rule === "string" && RULES.test(detail.rule) ? detail.rule : "");

/**
 * The note about money for a song that has stopped.
 * @param {State} state
 * @returns {{key: "youPaid" | "keptSoFar" | "nothingRefused" | "nothingCharged", sum: string}}
 */
export function moneyNote({ state, pay, earned_wei }) {
  const spent = pay?.spent_wei ?? "0";
  if (wei(spent) > 0n) return { key: "youPaid", sum: spent };
  if (wei(earned_wei) > 0n) return { key: "keptSoFar", sum: earned_wei };
  return { key: state === "refused" ? "nothingRefused" : "nothingCharged", sum: "0" };
}

/** Codes that are no refusal of the song. */
const FIXABLE = new RegExp(
  String.raw`^(host|wallet|site|session|server|chain|lease|station\.unreachable|station\.escrow|station\.credit|` +
    String.raw`station\.answer|invocation\.time|policy\.wallet|policy\.clock|internal)`,
);

/**
 * CSS class of a problem: amber ("dial") unless it is a refusal.
 * @param {string} code
 * @returns {"dial" | ""}
 */
export function noteClass(code) {
  return FIXABLE.test(code) ? "dial" : "";
}

/**
 * The peaks of a waveform for a number of bars.
 * @param {string | null | undefined} base64 one byte per bucket
 * @param {number} bars
 * @returns {number[] | null} 0…1 each, null without a waveform
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

/** Part of the most listeners of a passage from which a passage counts as most loved. */
const LOVED_PART = 0.8;

/**
 * The bars of a waveform that show the most-loved passages.
 * @param {number[] | null | undefined} passages listeners of each, all of one length
 * @param {number} bars
 * @returns {Set<number>} empty without passages, and where all were heard alike
 */
export function loved(passages, bars) {
  const most = Math.max(0, ...(passages ?? []));
  const found = new Set();
  if (!passages || most === 0 || passages.every((listeners) => listeners >= most * LOVED_PART)) return found;
  for (let i = 0; i < bars; i++) {
    const listeners = passages[Math.floor((i * passages.length) / bars)] ?? 0;
    if (listeners >= most * LOVED_PART) found.add(i);
  }
  return found;
}
