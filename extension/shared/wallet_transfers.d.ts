/**
 * Quotes of transfers on the extension's screens: checked and simulated, and not signed.
 */

export interface TransferQuote {
  quote: string;
  /** The account; null for a transfer from private addresses. */
  from: string | null;
  to: string;
  checksum: string;
  /** Name of the recipient. */
  name: string | null;
  /** True for the first transfer to this address. */
  first: boolean;
  /** True if the recipient is an account of this wallet. */
  own: boolean;
  amount_wei: string;
  left_wei: string;
  fee_wei: string;
  most_wei: string;
  chain_id: number;
  /** Number of private addresses that it is sent from; 0: from the account. */
  addresses: number;
  /**
   * Linkage that the transfer reveals. `own`: a private address belongs to the account; `again`: it belongs to the
   * person of another address that has paid this recipient; null: none.
   */
  shows: "own" | "again" | null;
}

/** A replacement of a pending transfer. */
export interface ReplacementQuote {
  quote: string;
  how: ReplacementKind;
  /** True if it cancels the transfer, or replaces a transaction that does. */
  cancels: boolean;
  to: string;
  /** Name of the recipient. */
  name: string | null;
  amount_wei: string;
  before_wei: string;
  most_wei: string;
  chain_id: number;
}

export type ReplacementKind = "faster" | "cancel";

/** A deposit of listening money. */
export interface ListeningQuote {
  quote: string;
  domain: string;
  amount_wei: string;
  most_wei: string;
  left_wei: string;
  delay_s: number;
}
