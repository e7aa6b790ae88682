/**
 * Messages of the port `player`: the player's frame and the engine (docs/protocol.md section 6).
 */

/** The terms as sentences in the fan's language. */
export interface Facts {
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

/** Payment by this listener. */
export interface Pay {
  on: boolean;
  /** What is missing before the song may cost anything. */
  need: "inside" | "wallet" | "site" | "budget" | "money" | null;
  left_wei: string;
  /** Price of an interval. */
  each_wei: string;
  spent_wei: string;
}

/** A song's metadata and terms. */
export interface Terms {
  title: string;
  artist: string;
  duration_ms: number;
  quality: string;
  content: string;
  owner?: string;
  server?: string;
  /** One byte per bucket, base64. */
  waveform?: string | null;
  station: { name: string; domain: string } | null;
  facts: Facts | null;
  /** Names of the permitted actions. */
  permits?: string[];
  split: PaymentSplit | null;
  interval_s: number;
  /** Reward of an interval. */
  reward_wei: string;
  /** True if the station pays no more rewards today. */
  capped?: boolean;
  payer?: string;
  wallet: "none" | "locked" | "open";
  /** True if rewards are collected at this station. */
  rewards: boolean;
  /** True if the fan has not decided for this station. */
  asks?: boolean;
  pay?: Pay | null;
}

export type StateName =
  "loading" | "ready" | "starting" | "playing" | "paused" | "seeking" | "waiting" | "ended" | "refused" | "failed";

/** Latencies of a stream, ms, and verdicts about its watermark. */
export interface TimingReport {
  engine_cold_ms?: number | null;
  first_audio_ms?: number | null;
  seek_ms?: number[];
  marks?: string[];
}

/** State of a stream as its player gets it. */
export interface PlayerState {
  state: StateName;
  position_ms: number;
  duration_ms: number;
  /** Sound that is buffered after the position. */
  buffered_ms?: number;
  volume: number;
  muted: boolean;
  rate: number;
  list: { index: number; count: number };
  /** Plays and seeks that the terms still permit; null: not limited. */
  left: { plays?: number | null; seeks?: number | null };
  heard_ms: number;
  earned_wei: string;
  /** Time until the present interval is full. */
  next_ms: number;
  pay?: Pay | null;
  /** Code for which playback waits; it continues by itself. */
  pace?: string | null;
  timings?: TimingReport;
}

export type Detail = Record<string, unknown>;

/** An expected failure by its code (docs/protocol.md section 7). */
export interface CodedProblem {
  code: string;
  detail?: Detail;
}

/** From the player's frame to the engine. */
export type PlayerCommand =
  | { type: "play" | "pause" | "retry" | "open" }
  | { type: "seek"; position_ms: number }
  | { type: "volume" | "rate"; value: number }
  | { type: "mute"; value: boolean }
  | { type: "track"; by: number }
  /** Height of the document, CSS px; for the page, not the engine. */
  | { type: "height"; height: number };

/** From the engine to the player's frame. */
export type PlayerMessage =
  | ({ type: "terms" } & Terms)
  | ({ type: "state" } & PlayerState)
  | ({ type: "problem"; message?: string; fix?: string } & CodedProblem);
