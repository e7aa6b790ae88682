/**
 * Messages of the port `player`: the player's frame and the engine (docs/protocol.md section 6).
 */

/** The terms as sentences in the fan's language. */
export interface TermsInWords {
  may: string;
  left: string;
  costs: string;
  earn: string;
  limits: string[];
}

/** Amounts for the whole song, wei. */
export interface PaymentSplit {
  station_wei: string;
  owner_wei: string;
  listener_wei: string;
  commission_wei: string;
}

/**
 * Requirement that is missing before a paid play; `inside`: the page is a frame in one of another origin.
 */
export type PayNeed = "inside" | "wallet" | "site" | "budget" | "money" | null;

/** Payment by this listener. */
export interface Pay {
  /** True if the next play is a paid one. */
  on: boolean;
  need: PayNeed;
  /** Remaining listening money at the song's server. */
  left_wei: string;
  /** Price of an interval. */
  each_wei: string;
  spent_wei: string;
}

/** Who pays for the plays of a song. */
export type Payer = "nobody" | "station" | "listener";

/** The terms of a song (pywallet/worker_api). */
export interface SongTerms {
  facts: TermsInWords;
  /** Names of the permitted actions. */
  permits: string[];
  /** Null if nobody pays. */
  split: PaymentSplit | null;
  interval_s: number;
  /** Reward of an interval. */
  reward_wei: string;
  payer: Payer;
}

/** The wallet at a station. */
export interface WalletAtStation {
  wallet: "none" | "locked" | "open";
  /** True if rewards are collected at this station. */
  rewards: boolean;
  /** True if the fan has not decided for this station. */
  asks: boolean;
}

/** A song's metadata and terms. */
export interface Terms extends SongTerms, WalletAtStation {
  title: string;
  artist: string;
  duration_ms: number;
  quality: string;
  content: string;
  owner: string;
  server: string;
  /** One byte per bucket, base64. */
  waveform: string | null;
  /** Listeners of each passage, all of one length; null where there are none, or they have not been fetched. */
  passages: number[] | null;
  station: { name: string; domain: string } | null;
  /** True if the station pays no more rewards today. */
  capped: boolean;
  pay: Pay | null;
}

export type PlaybackState =
  "loading" | "ready" | "starting" | "playing" | "paused" | "seeking" | "waiting" | "ended" | "refused" | "failed";

/** Latencies of a stream, ms, and verdicts about its watermark. */
export interface TimingReport {
  engine_cold_ms: number | null;
  first_audio_ms: number | null;
  seek_ms: number[];
  marks: string[];
}

/**
 * State of a stream as its player gets it. It is sent where it has changed: while the state is "playing" the position
 * advances at `rate`, and heard_ms and next_ms at `heard_rate`.
 */
export interface PlayerState {
  state: PlaybackState;
  position_ms: number;
  duration_ms: number;
  volume: number;
  muted: boolean;
  rate: number;
  list: { index: number; count: number };
  /** Plays and seeks that the terms still permit; null: not limited. */
  left: { plays: number | null; seeks: number | null };
  heard_ms: number;
  /** Rate at which heard_ms advances: that of playback, 0 while the host confirms nothing. */
  heard_rate: number;
  earned_wei: string;
  /** Time until the present interval is full. */
  next_ms: number;
  pay: Pay | null;
  /** Code for which playback waits; it continues by itself. */
  pace: string | null;
  timings: TimingReport;
}

/** An expected failure by its code (docs/protocol.md section 7). */
export interface CodedProblem {
  code: string;
  detail?: Record<string, unknown>;
}

/** A command of the player's frame to the engine. */
export type PlayerCommand =
  | { type: "play" | "pause" | "retry" | "open" }
  | { type: "seek"; position_ms: number }
  /** A seek to this position is likely: its sealed segment is loaded, and nothing is invoked. */
  | { type: "prepare_seek"; position_ms: number }
  | { type: "volume" | "rate"; value: number }
  | { type: "mute"; value: boolean }
  | { type: "track"; by: number };

/** Height of the document, CSS px, which the background sends to the page. */
export interface HeightNotice {
  type: "height";
  height: number;
}

/** From the player's frame. */
export type PlayerRequest = PlayerCommand | HeightNotice;

export type TermsMessage = { type: "terms" } & Terms;
export type PlayerStateMessage = { type: "state" } & PlayerState;

/** From the engine to the player's frame. */
export type PlayerMessage = TermsMessage | PlayerStateMessage | ({ type: "problem" } & CodedProblem);
