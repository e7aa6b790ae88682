/**
 * State and actions that the popup's screens share.
 */

import type { ReceiptBreakdownResult, ReceiptKey, SiteEntry } from "../shared/protocol.d.ts";
import type { ActivityItem, ClaimResult, NowPlaying, Summary } from "../shared/wallet_earnings.d.ts";
import type { ScreenOperations, SendRequest } from "../shared/wallet_messages.d.ts";
import type { HostStatus, WalletStatus } from "../shared/wallet_state.d.ts";

export type Item = ActivityItem;
export type Screen =
  | "home"
  | "activity"
  | "settings"
  | "receive"
  | "origin"
  | "password"
  | "words"
  | "send"
  | "accounts"
  | "contacts"
  | "sites"
  | "site"
  | "faster"
  | "cancel";

/** A failed request. */
export interface Failure {
  code: string;
  message?: string | undefined;
}

/** A claim; `isOpen`: the form for a claim to the account is open. */
export interface Claim {
  busy: boolean;
  isOpen: boolean;
  done: ClaimResult | null;
  failure: Failure | null;
}

export interface Model {
  status: WalletStatus | null;
  host: HostStatus | null;
  summary: Summary | null;
  playing: NowPlaying | null;
  failure: Failure | null;
  screen: Screen;
  /** The line of activity that is open. */
  item: Item | null;
  /** Its breakdown. */
  breakdown: ReceiptBreakdownResult | null;
  site: SiteEntry | null;
  /** A note about the action before. */
  note: string;
  /** Pages of activity that are not in the summary. */
  older: { items: Item[]; next: ReceiptKey | null } | null;
  claim: Claim;
}

export interface App {
  model: Model;
  request: SendRequest<ScreenOperations>;
  go: (screen: Screen, item?: Item | null, note?: string) => void;
  refresh: () => Promise<void>;
  /** Reads the amounts after they were changed; responses to earlier requests are discarded. */
  refreshAmounts: () => Promise<void>;
  render: () => void;
  /** Updates what changes every second, in place; set by the screen that is drawn. */
  updatePlaying: ((playing: NowPlaying) => void) | null;
  claim: () => Promise<void>;
  /** Opens or closes the form for a claim to the account. */
  openClaim: (isOpen: boolean) => void;
  /** Announces a text to screen readers. */
  say: (text: string) => void;
  openSite: (site: SiteEntry) => void;
  fail: (error: unknown) => void;
}
