/**
 * State and actions that the popup's screens share.
 */

import type {
  ActivityCursor,
  ActivityItem,
  ClaimResult,
  HostStatus,
  NowPlaying,
  ReceiptBreakdown,
  ScreenOperations,
  SendRequest,
  SiteGrant,
  Summary,
  WalletStatus,
} from "../shared/wallet_messages.js";

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
  breakdown: ReceiptBreakdown | null;
  site: SiteGrant | null;
  /** A note about the action before. */
  note: string;
  /** Pages of activity that are not in the summary. */
  older: { items: Item[]; next: ActivityCursor | null } | null;
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
  openSite: (site: SiteGrant) => void;
  fail: (error: unknown) => void;
}
