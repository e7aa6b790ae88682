/**
 * Requests of the port `approval`, and what the approval window shows of a site's request.
 */

import type { Address, ChecksumAddress, Effects, Empty, Hex, SimulateResult, Wei } from "./protocol.d.ts";
import type { Account } from "./wallet_state.d.ts";

/** A value of a typed message or of a call's arguments, as a tree. */
export interface ValueNode {
  name: string;
  type: string;
  /** Text of a value without parts. */
  value?: string;
  parts?: ValueNode[];
}

/** Effect of a typed message; `kind` names a sentence (pywallet/provider/readings.py). */
export interface Reading {
  kind: string;
  unlimited: boolean;
  lines: [label: string, text: string][];
}

/** A typed message as JSON, for a chain; `own`: the settlement contracts of the wallet's networks. */
export interface TypedDataRequest {
  data: string;
  chain_id: number;
  own: Address[];
}

/** A typed message of a site. */
export interface TypedDataView {
  primary: string;
  name: string;
  version: string;
  chain_id: number | null;
  contract: ChecksumAddress | null;
  readings: Reading[];
  /** True if the message may move what the account owns. */
  spends: boolean;
  unlimited: boolean;
  domain: ValueNode[];
  message: ValueNode[];
  digest: Hex;
}

/** An EIP-191 message of a site. */
export interface PersonalMessageView {
  /** Null for bytes that are no readable text. */
  text: string | null;
  hex: Hex;
  /** True if the text has invisible characters. */
  hidden: boolean;
  /** A sign-in (EIP-4361), with the names of its fields that are wrong for this site. */
  sign_in: { domain: string; uri: string; nonce: string; wrong: string[] } | null;
}

/** A contract call, decoded. */
export interface CallView {
  /** Name of a sentence (pywallet/provider/calls.py). */
  kind: string;
  other: ChecksumAddress | null;
  amount: Wei | null;
  item: string | null;
  unlimited: boolean;
  method: Hex;
  arguments: ValueNode[];
}

/** Transaction of a site, simulated; `at`: time of the simulation by the wall clock and by the monotonic clock, ms. */
export interface TransactionFacts {
  at: { wall: number; steady: number };
  account: string;
  to: string;
  checksum: string;
  value_wei: string;
  data: string;
  /** A GoMAA contract. */
  place: "token" | "settlement" | "registry" | null;
  chain_id: number;
  fee_wei: string;
  most_wei: string;
  token: string;
  standard?: SimulateResult["standard"];
  /** Null if they are not known. */
  effects: Effects | null;
  /** The decoded call. */
  says: CallView;
  costs: { nonce: number; gas: number; tip_wei: string; max_fee_wei: string };
}

/** Facts of approvals by kind. */
export interface ApprovalFacts {
  /** `current`: the preselected account; `again`: the site has a permit. */
  connect: { accounts: Account[]; current: string | null; again: boolean };
  unlock: { account: string | null };
  network: { from: number; chain_id: number };
  personal: PersonalMessageView & { account: string };
  typed: TypedDataView & { account: string; put: TypedDataRequest; network: number };
  send: TransactionFacts;
}

export type ApprovalKind = keyof ApprovalFacts;

/** An approval that a site waits for; without facts while the wallet is locked. */
export interface PendingApproval {
  id: string;
  kind: ApprovalKind;
  origin: string;
  top: string | null;
  /** Number of times that the facts were read again. */
  looks?: number;
  facts?: ApprovalFacts[ApprovalKind];
}

/** Requests and results of the approval window by message type. */
export interface ApprovalOperations {
  /** `waiting`: number of approvals after this one. */
  "approval.next": {
    request: Empty;
    result: { approval: PendingApproval | null; locked: boolean; waiting: number };
  };
  "approval.done": { request: Empty; result: { more: boolean } };
  "approval.unlock": { request: { password: string }; result: Empty };
  /** `looks`: of the facts that the window shows. */
  "approval.answer": {
    request: { approval: string; agree: boolean; account?: string | null; looks?: number | undefined };
    result: Empty;
  };
}
