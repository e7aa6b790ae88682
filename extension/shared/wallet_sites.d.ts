/**
 * Sites and stations on the extension's screens: permissions, decisions, points and listening money.
 */

import type { Pay, TermsInWords } from "./player_messages.d.ts";
import type { EscrowEntry, OfferEntry, PassEntry, PointsResult } from "./protocol.d.ts";

/** The permission of a site to see an account; `top`: the page around it, if the site requested it as a frame. */
export interface AccountPermit {
  origin: string;
  top: string | null;
  account: string;
  /** Network of the site; null: the one in use. */
  chain_id: number | null;
  time_s: number;
}

/** A station for which the fan has not decided about rewards. */
export interface CollectQuestion {
  station: string;
  domain: string;
  name: string;
}

/** A stream that waits for playback in another tab to end. */
export interface Takeover {
  stream: string;
  title: string;
  artist: string;
  origin: string;
}

/** A song that costs the listener. */
export interface CostQuestion extends Pay {
  title: string;
  artist: string;
  origin: string;
  interval_s: number | null;
  facts: TermsInWords | null;
}

/** Decisions about streams that pages show. */
export interface StreamDecisions {
  takeovers: Takeover[];
  costs: CostQuestion[];
}

/** Pending decisions. */
export interface Decisions extends StreamDecisions {
  questions: CollectQuestion[];
}

/** Effect of a pass: used up when it is redeemed, or no advertisements until it ends. */
export type PassKind = "offer" | "ad-free";

/**
 * An account of points at a station. `open`: address of a page without advertisements; `redeemed`: the signed pass that
 * the command has redeemed.
 */
export interface PointsAccount extends Omit<PointsResult, "offers" | "passes" | "bought" | "redeemed"> {
  offers: (OfferEntry & { kind: PassKind })[];
  passes: (PassEntry & { kind: PassKind })[];
  open?: string | undefined;
  redeemed?: { kind?: unknown } | null;
}

/** Listening money at one security server; `under_way`: the running action, or the code of a failed one. */
export interface ListeningEscrow extends EscrowEntry {
  under_way?: string | null;
}
