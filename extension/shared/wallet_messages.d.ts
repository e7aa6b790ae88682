/**
 * Messages of the ports `wallet` and `approval`: the extension's screens and the engine (docs/protocol.md section 6).
 */

import type { ApprovalOperations } from "./approval_messages.d.ts";
import type { CodedProblem } from "./player_messages.d.ts";
import type {
  EarningsResult,
  Empty,
  ReceiptBreakdownResult,
  ReceiptKey,
  SiteEntry,
  SiteResult,
  SitesResult,
} from "./protocol.d.ts";
import type { ActivityItem, ClaimResult, NowPlaying, Summary } from "./wallet_earnings.d.ts";
import type { AccountPermit, Decisions, ListeningEscrow, PointsAccount } from "./wallet_sites.d.ts";
import type {
  Account,
  CollectChoice,
  Contact,
  HostStatus,
  NetworkOffer,
  Networks,
  Spelling,
  WalletStatus,
} from "./wallet_state.d.ts";
import type { ListeningQuote, ReplacementKind, ReplacementQuote, TransferQuote } from "./wallet_transfers.d.ts";

/** Requests and results of the popup and the onboarding by message type. */
export interface WalletOperations {
  "wallet.status": { request: Empty; result: WalletStatus };
  "wallet.propose": { request: { words?: number }; result: { mnemonic: string } };
  "wallet.spelling": { request: { words: string }; result: Spelling };
  "wallet.create": {
    request: { mnemonic: string; password: string; replace?: boolean; fresh?: boolean };
    result: { address: string | null };
  };
  "wallet.unlock": { request: { password: string }; result: { address: string | null } };
  "wallet.lock": { request: Empty; result: Empty };
  "wallet.words": { request: { password: string }; result: { mnemonic: string } };
  /** `fresh`: the new password. */
  "wallet.password": { request: { password: string; fresh: string }; result: Empty };
  "wallet.autolock": { request: { seconds: number }; result: Empty };
  "wallet.collect": { request: { choice: CollectChoice }; result: Empty };
  "wallet.collect.answer": { request: { station: string; collect: boolean }; result: Empty };
  "wallet.decisions": { request: Empty; result: Decisions };
  "wallet.takeover": { request: { stream: string }; result: Empty };
  "wallet.tracking": { request: { on: boolean }; result: Empty };
  "wallet.summary": { request: Empty; result: Summary };
  /** `after`: the last receipt of the page before. */
  "wallet.activity": {
    request: { after?: ReceiptKey };
    result: { activity: ActivityItem[]; next: EarningsResult["next"] };
  };
  /** Null while nothing plays. */
  "wallet.playing": { request: Empty; result: NowPlaying | null };
  /** `most_wei`: highest fee of fetching the tokens at payees that was shown. */
  "wallet.claim": { request: { most_wei?: string }; result: ClaimResult };
  "wallet.origin": { request: { server: string; epoch: number; payee: string }; result: ReceiptBreakdownResult };
  /** As typed; `from` "private": from private addresses. */
  "wallet.quote": { request: { to: string; amount: string; from?: string }; result: TransferQuote };
  /** `transaction`: the newest one of a pending transfer. */
  "wallet.replace": { request: { transaction: string; how: ReplacementKind }; result: ReplacementQuote };
  "wallet.send": { request: { quote: string }; result: { transaction: string } };
  "wallet.accounts": { request: Empty; result: { accounts: Account[]; current: string | null } };
  "wallet.account.add": { request: { name: string }; result: { index: number; address: string } };
  "wallet.account.use": { request: { index: number }; result: Empty };
  "wallet.account.name": { request: { index: number; name: string }; result: Empty };
  "wallet.contacts": { request: Empty; result: { contacts: Contact[] } };
  "wallet.contact.save": { request: { address: string; name: string }; result: { address: string; checksum: string } };
  "wallet.contact.remove": { request: { address: string }; result: Empty };
  "wallet.networks": { request: Empty; result: Networks };
  "wallet.network": { request: { chain_id: number }; result: Empty };
  "network.offer": { request: { origin: string }; result: NetworkOffer };
  "network.add": { request: { offer: string }; result: Empty };
  "wallet.sites": { request: Empty; result: SitesResult };
  /** `budget`: the listening money of a day, as typed. */
  "wallet.site": {
    request: { origin: string; state?: SiteEntry["state"]; budget?: string };
    result: SiteResult;
  };
  "wallet.permits": { request: Empty; result: { permits: (AccountPermit & { name: string })[] } };
  "wallet.permit.revoke": { request: { origin: string; top?: string | null }; result: Empty };
  /** `what`: command of the station's API for points; the account is null without points at the station. */
  "wallet.points": { request: { origin: string; what: string }; result: { account: PointsAccount | null } };
  "wallet.listening": { request: Empty; result: { places: ListeningEscrow[] } };
  "wallet.listening.quote": { request: { server: string; payer: string; amount: string }; result: ListeningQuote };
  "wallet.listening.put": { request: { quote: string }; result: Empty };
  "wallet.listening.take": { request: { server: string; payer: string }; result: Empty };
  "host.status": { request: Empty; result: HostStatus };
}

/** The operations of all screens. */
export type ScreenOperations = WalletOperations & ApprovalOperations;

/** Requests and results of a port by message type. */
export type OperationTable<Operations> = { [Type in keyof Operations]: { request: object; result: unknown } };

/** Handlers of the engine by message type. */
export type Handlers<Operations extends OperationTable<Operations>> = {
  [Type in keyof Operations]: (request: Operations[Type]["request"]) => Promise<Operations[Type]["result"]>;
};

/** Fields of a request: none if the operation has none. */
export type FieldsOf<Request> = Request extends Empty ? [] : [fields: Request];

/** A result in a screen: in place of null an object without fields. */
export type ResultOf<Result> = null extends Result
  ? Exclude<Result, null> | Partial<Record<keyof Exclude<Result, null>, undefined>>
  : Result;

/** Sends a request over a port; rejected with a RequestError. */
export type SendRequest<Operations> = <Type extends keyof Operations & string>(
  type: Type,
  ...fields: FieldsOf<Operations[Type] extends { request: infer Request } ? Request : never>
) => Promise<Operations[Type] extends { result: infer Result } ? ResultOf<Result> : never>;

/** A request of a port with its id. */
export type RequestMessage<Operations extends OperationTable<Operations>> = {
  [Type in keyof Operations]: { id: number; type: Type } & Operations[Type]["request"];
}[keyof Operations];

export type WalletRequest = RequestMessage<WalletOperations>;
export type ApprovalRequest = RequestMessage<ApprovalOperations>;

/** The response to a request of a screen. */
export type WalletResponse = { id: number; ok: true; result: unknown } | { id: number; ok: false; error: CodedProblem };

/** An event for all screens. */
export interface WalletEvent {
  event: "changed" | "decisions";
}
