/**
 * Facts of approvals by their kind: what the engine has read and simulated for the approval window.
 */

/** A declared field of typed data or of a call. */
export interface Field {
  name: string;
  type: string;
  value?: string;
  parts?: Field[];
}

/** What a known type of typed data permits. */
export interface Reading {
  kind: string;
  unlimited: boolean;
  lines: [label: string, text: string][];
}

/** A simulated change of a balance or right. */
export interface Change {
  kind: string;
  contract: string | null;
  other: string | null;
  item: string | null;
  before: string;
  after: string;
  own: boolean;
  /** True if the call declares this change. */
  expected: boolean;
}

/** Simulated effects of a transaction; `more`: further ones are not listed. */
export interface Effects {
  changes: Change[];
  more: boolean;
  /** True if they are what the call declares. */
  as_said: boolean;
}

export interface ApprovalFacts {
  connect: { accounts: { index: number; name: string; address: string }[]; current: string | null };
  network: { from: number; chain_id: number };
  personal: {
    account: string;
    text: string | null;
    hex: string;
    /** True if the text has invisible characters. */
    hidden: boolean;
    /** A sign-in (EIP-4361) and its errors. */
    sign_in: { domain: string; wrong: string[] } | null;
  };
  typed: {
    account: string;
    primary: string;
    name: string;
    version: string;
    chain_id: number | null;
    contract: string | null;
    readings: Reading[];
    /** True if it grants a right over tokens. */
    spends: boolean;
    domain: Field[];
    message: Field[];
    digest: string;
  };
  send: {
    checksum: string;
    value_wei: string;
    data: string;
    /** Name of a GoMAA contract. */
    place: string | null;
    chain_id: number;
    fee_wei: string;
    most_wei: string;
    account: string;
    token: string;
    standard: string;
    /** Null where they are not known. */
    effects: Effects | null;
    /** The decoded call. */
    says: {
      kind: string;
      other: string | null;
      amount: string | null;
      item: string | null;
      unlimited: boolean;
      method: string;
      arguments: Field[];
    };
  };
}
