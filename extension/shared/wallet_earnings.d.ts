/**
 * Rewards on the extension's screens: summary, activity and the song that plays.
 */

import type { PlaybackState } from "./player_messages.d.ts";
import type { AbsentServer } from "./protocol.d.ts";

/** A line of the activity: a reward, or a transfer if `kind` is set. */
export interface ActivityItem {
  time_s: number;
  /** Address of the song, or of the other party of a transfer; null if it is not known. */
  content: string | null;
  title: string;
  artist: string;
  /** Name of the station, or its domain. */
  station: string | null;
  domain: string | null;
  amount_wei: string;
  state: "pending" | "claimable" | "claimed" | "refused";
  /** Code of a refusal. */
  code: string | null;
  server: string | null;
  epoch: number | null;
  payee: string | null;
  plays: number | null;
  seconds: number | null;
  due_s: number | null;
  transaction: string | null;
  /** True if the amount is at a private address. */
  at_payee?: boolean;
  kind?: "sent" | "received";
  /** Address of the other party. */
  other?: string;
  /** Name of the other party. */
  name?: string | null;
  block?: number | null;
  fee_wei?: string | null;
  most_wei?: string | null;
  /** The node's latest refusal of a pending transfer. */
  reason?: string | null;
  /** Transaction that has used the nonce of this transfer. */
  by?: string | null;
  /** Kind of the latest signed transaction of the transfer. */
  how?: "first" | "faster" | "cancel" | null;
  replaceable?: boolean;
  /** Site that requested the transfer. */
  site?: string | null;
  value_wei?: string | null;
}

/** A song that plays. */
export interface NowPlaying {
  content: string;
  title: string;
  artist: string;
  station: string | null;
  position_ms: number;
  duration_ms: number;
  state: PlaybackState;
  earned_wei: string;
  reward_wei: string;
  interval_s: number;
  next_ms: number;
}

/** Final claims that are not paid: `until_s` is when the last of them is sent, `code` a permanent refusal. */
export interface ClaimStatus {
  count: number;
  until_s: number | null;
  code: string | null;
}

/** Search for earlier rewards: epochs that are listed and left to search; `away`: servers that did not respond. */
export interface SearchProgress {
  running: boolean;
  listed: number;
  left: number;
  away: AbsentServer[];
}

export interface Summary {
  /** The account in use. */
  address: string | null;
  chain_id: number;
  /** Null if the chain does not respond. */
  spendable_wei: string | null;
  today_wei: string;
  pending_wei: string;
  claimable_wei: string;
  account_wei: string | null;
  /** Amount at private addresses. */
  private_wei: string;
  /** Most that the sweeps of the next claim cost the account. */
  sweep_most_wei: string;
  claiming: ClaimStatus;
  due_s: number | null;
  search: SearchProgress;
  playing: NowPlaying | null;
  activity: ActivityItem[];
}

/** Transactions of a claim; null for a batch without one. */
export interface ClaimResult {
  transactions: (string | null)[];
  amount_wei: string;
}
