/**
 * Messages of the ports `wallet` and `approval`: the extension's screens and the engine (docs/protocol.md section 6).
 */

import type { CodedProblem, Facts, Pay, StateName } from "./player_messages.js";
import type { AbsentServer, Empty, EscrowEntry, ReceiptBreakdownResult, SiteEntry, SiteResult } from "./protocol.js";

/** Where rewards are collected: at every registered station, where the fan agreed, or nowhere. */
export type CollectChoice = "always" | "ask" | "never";

export interface WalletStatus {
  exists: boolean;
  locked: boolean;
  address: string | null;
  collect: CollectChoice;
  /** Permission for statistics of each part of a song; null: not decided. */
  tracking: boolean | null;
  auto_lock_s?: number;
  auto_lock_choices?: number[];
}

export interface HostStatus {
  state: "connected" | "missing" | "version" | "gone";
  version?: string | null;
  /** Commands that install the host, one a line. */
  command?: string;
  code?: string | null;
  chain?: boolean;
  /** Ids of the chains. */
  networks?: number[];
  chain_id?: number | null;
}

/** Recovery words as typed; `near` are corrections of the word at a position, counted from 1. */
export interface Spelling {
  words: string[];
  slips: { position: number; near: string[] }[];
  /** True if the number of words is valid. */
  size: boolean;
  /** True if the checksum is right (BIP-39). */
  holds: boolean;
}

/** A line of activity: a reward, or a transfer where `kind` is set. */
export interface ActivityItem {
  time_s: number;
  content: string;
  title: string;
  artist: string;
  station: string | null;
  domain?: string | null;
  amount_wei: string;
  state: "pending" | "claimable" | "claimed" | "refused";
  code?: string | null;
  server?: string | null;
  epoch?: number | string | null;
  payee?: string | null;
  plays?: number | null;
  seconds?: number | null;
  due_s?: number | null;
  transaction?: string | null;
  /** True if the amount is at a private address. */
  at_payee?: boolean;
  kind?: "sent" | "received";
  /** Address of the other party. */
  other?: string;
  name?: string | null;
  block?: number | null;
  fee_wei?: string | null;
  most_wei?: string | null;
  /** The node's last objection to a pending transfer. */
  reason?: string | null;
  /** Transaction that took the nonce of this transfer. */
  by?: string | null;
  how?: "first" | "faster" | "cancel" | null;
  replaceable?: boolean;
  /** Site that asked for the transfer. */
  site?: string | null;
  value_wei?: string | null;
}

/** A song that plays. */
export interface NowPlaying {
  content: string;
  title: string;
  artist: string;
  station?: string | null;
  position_ms: number;
  duration_ms: number;
  state?: StateName;
  earned_wei: string;
  reward_wei: string;
  interval_s: number;
  next_ms: number;
}

export interface Summary {
  address: string;
  /** Null where the chain does not respond. */
  spendable_wei: string | null;
  today_wei: string;
  pending_wei: string;
  claimable_wei?: string;
  account_wei?: string | null;
  /** Amount at private addresses. */
  private_wei?: string;
  /** Most that the sweeps of the next claim cost the account. */
  sweep_most_wei?: string;
  claiming?: { count: number; until_s: number | null; code: string | null };
  due_s: number | null;
  /** Search for earlier rewards; `away`: servers that did not respond. */
  search?: {
    running: boolean;
    listed: number;
    left: number;
    away: AbsentServer[];
  };
  playing: NowPlaying | null;
  activity: ActivityItem[];
}

/** Position in the activity, of which only the engine reads the fields. */
export type ActivityCursor = Record<string, unknown>;

/** Breakdown of a receipt by plays. */
export type ReceiptBreakdown = ReceiptBreakdownResult;

export interface ClaimResult {
  transactions: string[];
  amount_wei: string;
}

/** A transfer that is checked and simulated, and not signed. */
export interface TransferQuote {
  quote: string;
  from: string;
  to: string;
  checksum: string;
  name: string | null;
  /** True for the first transfer to this address. */
  first: boolean;
  /** True if the recipient is the wallet's own account. */
  own: boolean;
  amount_wei: string;
  left_wei: string;
  fee_wei: string;
  most_wei: string;
  chain_id: number;
  /** Number of private addresses that it is sent from; 0: from the account. */
  addresses: number;
  /** What the chain reveals beside it. */
  shows: "own" | "again" | null;
}

/** A replacement of a pending transfer. */
export interface ReplacementQuote {
  quote: string;
  cancels: boolean;
  amount_wei: string;
  before_wei: string;
  most_wei: string;
  chain_id: number;
}

export interface Account {
  index: number;
  name: string;
  address: string;
}

export interface Contact {
  address: string;
  name: string;
}

/** A site that may play. */
export type SiteGrant = SiteEntry;

/** The permission of a site to see an account; `top`: the page around it, where the site asked as a frame. */
export interface AccountPermit {
  origin: string;
  top: string | null;
  account: string;
  name: string;
  chain_id?: number | null;
  time_s: number;
}

/** A network that a station offers. */
export interface NetworkOffer {
  offer: string;
  /** True if the host has it already. */
  known: boolean;
  chain_id: number;
  node: string;
  token: string;
  settlement: string;
  registry: string;
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
  facts: Facts | null;
}

/** Pending decisions. */
export interface Decisions {
  questions?: CollectQuestion[];
  takeovers?: Takeover[];
  costs?: CostQuestion[];
}

/** An account of points at a station; `open`: address of a page without advertisements. */
export interface PointsAccount {
  points: number;
  points_per_minute: number;
  minimum_s: number;
  cap_per_day: number;
  discovery_percent: number;
  offers: { name: string; kind: "offer" | "ad-free"; cost: number; days: number; text: string }[];
  passes: {
    serial: string;
    offer: string;
    kind: "offer" | "ad-free";
    text: string;
    ends_s: number;
    redeemed_s: number | null;
  }[];
  open?: string;
}

/** Listening money at one security server; `under_way`: a pending or failed transaction. */
export type ListeningEscrow = EscrowEntry & { under_way?: string | null };

/** A deposit of listening money that is checked and simulated, and not signed. */
export interface ListeningQuote {
  quote: string;
  domain: string;
  amount_wei: string;
  most_wei: string;
  left_wei: string;
  delay_s: number;
}

/** An approval that a site waits for; without facts while the wallet is locked. */
export interface PendingApproval {
  id: string;
  kind: string;
  origin: string;
  top: string | null;
  looks?: number;
  facts?: unknown;
}

/** Requests and results by message type. */
export interface WalletOperations {
  "wallet.status": { request: Empty; result: WalletStatus };
  "wallet.propose": { request: { words?: number }; result: { mnemonic: string } };
  "wallet.spelling": { request: { words: string }; result: Spelling };
  "wallet.create": {
    request: { mnemonic: string; password: string; replace?: boolean; fresh?: boolean };
    result: unknown;
  };
  "wallet.unlock": { request: { password: string }; result: unknown };
  "wallet.lock": { request: Empty; result: Empty };
  "wallet.words": { request: { password: string }; result: { mnemonic: string } };
  "wallet.password": { request: { password: string; fresh: string }; result: Empty };
  "wallet.autolock": { request: { seconds: number }; result: Empty };
  "wallet.collect": { request: { choice: string }; result: Empty };
  "wallet.collect.answer": { request: { station: string; collect: boolean }; result: Empty };
  "wallet.decisions": { request: Empty; result: Decisions };
  "wallet.takeover": { request: { stream: string }; result: Empty };
  "wallet.tracking": { request: { on: boolean }; result: Empty };
  "wallet.summary": { request: Empty; result: Summary };
  "wallet.activity": {
    request: { after?: ActivityCursor };
    result: { activity: ActivityItem[]; next: ActivityCursor | null };
  };
  /** Without fields while nothing plays. */
  "wallet.playing": { request: Empty; result: NowPlaying | { content?: undefined } };
  "wallet.claim": { request: { most_wei?: string }; result: ClaimResult };
  "wallet.origin": { request: { server: string; epoch: number; payee: string }; result: ReceiptBreakdown };
  "wallet.quote": { request: { to: string; amount: string; from?: string }; result: TransferQuote };
  "wallet.replace": { request: { transaction: string; how: "faster" | "cancel" }; result: ReplacementQuote };
  "wallet.send": { request: { quote: string }; result: { transaction: string } };
  "wallet.accounts": { request: Empty; result: { accounts?: Account[]; current: string | null } };
  "wallet.account.add": { request: { name: string }; result: { index: number; address: string } };
  "wallet.account.use": { request: { index: number }; result: Empty };
  "wallet.account.name": { request: { index: number; name: string }; result: Empty };
  "wallet.contacts": { request: Empty; result: { contacts?: Contact[] } };
  "wallet.contact.save": { request: { address: string; name: string }; result: { address: string; checksum: string } };
  "wallet.contact.remove": { request: { address: string }; result: Empty };
  "wallet.networks": { request: Empty; result: { networks: { chain_id: number }[]; chain_id: number } };
  "wallet.network": { request: { chain_id: number }; result: Empty };
  "network.offer": { request: { origin: string }; result: NetworkOffer };
  "network.add": { request: { offer: string }; result: Empty };
  "wallet.sites": { request: Empty; result: { sites?: SiteGrant[]; day_wei?: string; spent_wei?: string } };
  "wallet.site": {
    request: { origin: string; state?: SiteGrant["state"]; budget?: string };
    result: SiteResult;
  };
  "wallet.permits": { request: Empty; result: { permits?: AccountPermit[] } };
  "wallet.permit.revoke": { request: { origin: string; top?: string | null }; result: Empty };
  "wallet.points": { request: { origin: string; what: string }; result: { account: PointsAccount | null } };
  "wallet.listening": { request: Empty; result: { places?: ListeningEscrow[] } };
  "wallet.listening.quote": { request: { server: string; payer: string; amount: string }; result: ListeningQuote };
  "wallet.listening.put": { request: { quote: string }; result: unknown };
  "wallet.listening.take": { request: { server: string; payer: string }; result: unknown };
  "host.status": { request: Empty; result: HostStatus };
}

export interface ApprovalOperations {
  "approval.next": {
    request: Empty;
    result: { approval: PendingApproval | null; locked: boolean; waiting: number };
  };
  "approval.done": { request: Empty; result: { more: boolean } };
  "approval.unlock": { request: { password: string }; result: Empty };
  "approval.answer": {
    request: { approval: string; agree: boolean; account?: string | null; looks?: number | undefined };
    result: Empty;
  };
}

/** Both screens' operations. */
export type ScreenOperations = WalletOperations & ApprovalOperations;

/** Fields of a request: none where the operation has none. */
export type FieldsOf<Request> = Request extends Empty ? [] : [fields: Request];

/** Sends a request over a port; rejected with a RequestError. */
export type SendRequest<Operations> = <Type extends keyof Operations & string>(
  type: Type,
  ...fields: FieldsOf<Operations[Type] extends { request: infer Request } ? Request : never>
) => Promise<Operations[Type] extends { result: infer Result } ? Result : never>;

/** A request of a screen with its id. */
export type WalletRequest = {
  [Type in keyof ScreenOperations]: { id: number; type: Type } & ScreenOperations[Type]["request"];
}[keyof ScreenOperations];

/** The response to a request of a screen. */
export type WalletResponse = { id: number; ok: true; result: unknown } | { id: number; ok: false; error: CodedProblem };

/** An event for all screens. */
export interface WalletEvent {
  event: "changed" | "decisions";
}
