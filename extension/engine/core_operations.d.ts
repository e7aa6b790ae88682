/**
 * Operations of the Python core (pywallet/worker_api): arguments and result of each.
 *
 * tests/unit/extension/test_core_operations.py runs every operation and checks arguments and results against these
 * types. An argument that may be absent may be null as well.
 */

import type { CallView, PersonalMessageView, TypedDataRequest, TypedDataView } from "../shared/approval_messages.d.ts";
import type { Payer, PlaybackState, SongTerms } from "../shared/player_messages.d.ts";
import type { Signed } from "../shared/protocol.d.ts";
import type { Spelling } from "../shared/wallet_state.d.ts";

/** 0x-hex of 20 bytes, in lower case. */
export type Address = string;
/** 0x-hex. */
export type Hex = string;
/** Address with the upper and lower case of EIP-55. */
export type ChecksumAddress = string;
/** An amount in wei as a decimal number. */
export type Wei = string;
/** Unix seconds. */
export type UnixSeconds = number;
export type Base64 = string;

/** Chain and contract of the EIP-712 domain. */
export interface SigningDomain {
  chain_id: number;
  settlement: Address;
}

export interface WalletCoreStatus {
  locked: boolean;
  /** The first account; null while the wallet is locked. */
  account: Address | null;
}

/** Fields of an EIP-1559 transaction. */
export interface TransactionFields {
  chain_id: number;
  nonce: number;
  gas: number;
  tip_wei: Wei;
  max_fee_wei: Wei;
  to: Address;
  data: Hex;
  value_wei?: Wei | null;
}
/** A transaction of an account, or of the payer's key at a station. */
export interface UnsignedTransaction extends TransactionFields {
  index?: number | null;
  station?: Address | null;
}

/** The part of a song that may be played. */
export interface Extent {
  from_ms: number;
  /** Null: to the end. */
  to_ms: number | null;
}
/** The next play: its first action and the part of the song that it may play. */
export interface PlayStart {
  begins: "play" | "preview";
  extent: Extent;
}

/**
 * Source of a position: 0, the first position that may sound, the present one, the event's, the pending seek's, the
 * end.
 */
export type PositionSource = "zero" | "from" | "now" | "given" | "pending" | "end";
/** `invoke` an action, `sound` on, off or hold, `report` a code. */
export type CommandKind = "invoke" | "sound" | "report";
/** Effect of an event. */
export interface TransitionRow {
  /** Index of the next state. */
  to: number;
  position: PositionSource;
  pending_seek: PositionSource | null;
  commands: [kind: CommandKind, action: string, position: PositionSource][];
}
export interface TransitionState {
  state: PlaybackState;
  granted: boolean;
  pending_pause: boolean;
  play_after_seek: boolean;
  held: boolean;
  /** Effects by event. */
  on: Record<string, TransitionRow>;
}
/** Transition table of a playback session (pywallet/playback/transitions.py). */
export interface TransitionTable {
  /** Prefixes of the codes that are refusals. */
  refusals: string[];
  /** Index of the first state. */
  start: number;
  states: TransitionState[];
}

/** The header's watermark: its layers, and the parameters of each. */
export interface Watermark {
  layers: string[];
  version?: number;
  /** One segment of so many has the mark; 1 by default. */
  every?: number;
  [layer: string]: unknown;
}

/** Fields of a song's header that the engine reads; the segments come from the host. */
export interface SongHeader extends PlayStart {
  content: Address;
  owner: Address;
  title: string;
  artist: string;
  album: string | null;
  /** Codec, with sample size and rate, or bit rate. */
  quality: string;
  duration_ms: number;
  /** Sample rate, Hz. */
  rate: number;
  watermark: Watermark | null;
  server: { address: Address };
  /** Addresses of files, or of folders of parts. */
  delivery: string[];
  waveform: Base64 | null;
  payer: Payer;
  /** The owner's price of an interval. */
  price_wei: Wei;
  transitions: TransitionTable;
}

/** A listener's use of a song (pywallet.policy.Usage). */
export interface Usage {
  plays?: number;
  seeks?: number;
  seconds?: number;
  first_play_s?: UnixSeconds | null;
  /** Uses by action. */
  counts?: Record<string, number>;
  /** Time of the last use by action. */
  last_s?: Record<string, UnixSeconds>;
}
/** Where and when a song is played (pywallet.policy.Context). */
export interface PolicyContext {
  now_s?: UnixSeconds;
  domain?: string | null;
  wallet?: boolean;
  revoked?: boolean;
  destroyed?: boolean;
  territory?: string | null;
  purpose?: string | null;
  devices?: number;
  device_known?: boolean;
  streams?: number;
  renewed_s?: UnixSeconds | null;
  position_s?: number | null;
  rolled_back?: boolean;
}

/** Operations about songs, which song_cores.js runs. */
export interface SongCoreOperations {
  /** The header itself is the binary argument. */
  "header.load": {
    arguments: { stream: string; header?: Base64 | null; codecs?: string[] | null; kbps?: number | null };
    result: SongHeader;
  };
  terms: {
    arguments: {
      stream: string;
      usage?: Usage | null;
      context?: PolicyContext | null;
      names?: { station: string | null } | null;
      language?: string | null;
      /** Commission in basis points. */
      bps?: number | null;
      rewards?: boolean | null;
    };
    result: SongTerms;
  };
  "player.pays": { arguments: { stream: string; on: boolean }; result: PlayStart };
  "mark.check": {
    /** `soft`: the 420 soft bits of the demodulated segment. */
    arguments: { stream: string; segment: number; soft: number[] };
    result: { verdict: "match" | "mismatch" | "none"; found: Address | null; block: number | null };
  };
  "stream.close": { arguments: { stream: string }; result: Record<string, never> };
}

/** Operations of the wallet, which wallet_core.js runs. */
export interface WalletCoreOperations {
  "wallet.propose": { arguments: { words: number }; result: { mnemonic: string } };
  "wallet.spelling": {
    arguments: { words: string };
    result: Spelling;
  };
  "wallet.create": {
    arguments: { mnemonic: string; password: string };
    result: WalletCoreStatus & { account: Address; vault: Base64 };
  };
  "wallet.open": {
    arguments: { vault: Base64; password: string };
    /** `vault`: the recovery words encrypted again, where the stored vault has an older format. */
    result: WalletCoreStatus & { account: Address; vault?: Base64 };
  };
  "wallet.words": { arguments: { vault: Base64; password: string }; result: { mnemonic: string } };
  "wallet.password": {
    arguments: { vault: Base64; password: string; new: string };
    result: { vault: Base64 };
  };
  "wallet.lock": { arguments: Record<string, never>; result: WalletCoreStatus };
  "wallet.status": { arguments: Record<string, never>; result: WalletCoreStatus };
  "session.sign": {
    arguments: SigningDomain & {
      station: Address;
      device: Address;
      now_s: UnixSeconds;
      days?: number | null;
      rewards?: boolean | null;
      /** Selects the payee; by default the hour of `now_s`. */
      number?: number | null;
    };
    result: { session: Signed<"Session">; id: Hex; payee: Address; number: number | null; expires_s: UnixSeconds };
  };
  "claim.sign": {
    arguments: SigningDomain & {
      server: Address;
      epoch: number;
      station: Address;
      number: number;
      payee?: Address | null;
      to?: Address | null;
      tip?: Wei | null;
    };
    result: { claim: Signed<"Claim"> };
  };
  payees: {
    arguments: { stations: { station: Address; numbers: number[] }[] };
    result: { payees: { station: Address; number: number; payee: Address }[] };
  };
  candidates: {
    /** `day`: days since 1970. */
    arguments: { wants: { station: Address; day: number }[] };
    result: { candidates: { station: Address; day: number; payees: Base64 }[] };
  };
  account: {
    arguments: { index: number };
    result: { index: number; account: Address; checksum: ChecksumAddress };
  };
  recipient: { arguments: { text: string }; result: { account: Address; checksum: ChecksumAddress } };
  amount: {
    /** `zero`: 0 and an empty text are valid. */
    arguments: { text: string; zero?: boolean | null };
    result: { amount_wei: Wei };
  };
  transfer: { arguments: { to: Address; amount_wei: Wei }; result: { data: Hex } };
  "transaction.sign": {
    arguments: UnsignedTransaction;
    result: { raw: Hex; transaction: Hex; account: Address };
  };
  "voucher.sign": {
    arguments: SigningDomain & {
      server: Address;
      payer: Address;
      station: Address;
      cap_wei: Wei;
      until: UnixSeconds;
    };
    result: { voucher: Signed<"Voucher"> };
  };
  listener: { arguments: { station: Address }; result: { listener: Address } };
  "escrow.calls": {
    arguments: { settlement: Address; server: Address; payer: Address; to: Address; amount_wei: Wei };
    /** Call data of each call. */
    result: EscrowCalls;
  };
  "points.sign": {
    arguments: { station: Address; domain: string; time_s: UnixSeconds; what: string };
    result: { signature: Hex };
  };
  "sweep.sign": { arguments: SweepFields; result: SweepCalls | SweepOrder };
  "typed.read": { arguments: TypedDataRequest; result: TypedDataView };
  "typed.sign": {
    arguments: TypedDataRequest & { index: number; account?: Address | null };
    result: { signature: Hex };
  };
  "personal.read": {
    arguments: { data: string; origin: string; account: Address; chain_id: number; now_s?: UnixSeconds | null };
    result: PersonalMessageView;
  };
  "personal.sign": {
    arguments: { hex: Hex; index: number; account?: Address | null };
    result: { signature: Hex };
  };
  "call.read": {
    /** `standard`: of the contract, as the host has determined it. */
    arguments: { data: Hex; standard: string; account: Address };
    result: CallView;
  };
}

export interface EscrowCalls {
  approve: Hex;
  deposit: Hex;
  request: Hex;
  withdraw: Hex;
  transfer: Hex;
}
/** Order that a payee signs: without a relayer the receiver is the account at `index`. */
export interface SweepFields {
  index?: number | null;
  to?: Address | null;
  chain_id: number;
  token: Address;
  station: Address;
  number: number;
  payee: Address;
  amount_wei: Wei;
  nonce: number;
  deadline: UnixSeconds;
  relayer?: Address | null;
  settlement?: Address | null;
}
/** Call data for the receiving account: a permit, and the transfer. */
export interface SweepCalls {
  to: Address;
  permit: Hex;
  move: Hex;
}
/** For a relayer: the permit's signature, and the signed order. */
export interface SweepOrder {
  to: Address;
  permit: Hex;
  sweep: Signed<"Sweep">;
}

export type CoreOperations = SongCoreOperations & WalletCoreOperations;
export type CoreOperation = keyof CoreOperations;
