/**
 * State of the wallet, the host and the networks on the extension's screens.
 */

import type { NetworkEntry, StatusResult } from "./protocol.d.ts";

/** Where rewards are collected: at every registered station, where the fan has agreed, or nowhere. */
export type CollectChoice = "always" | "ask" | "never";

export interface WalletStatus {
  exists: boolean;
  locked: boolean;
  /** Address of the account in use. */
  address: string | null;
  collect: CollectChoice;
  /** Consent to counts for each segment of a song; null: not answered. */
  tracking: boolean | null;
  auto_lock_s: number;
  auto_lock_choices: number[];
}

export interface HostStatus {
  state: StatusResult["state"];
  version: string | null;
  /** Commands that install the host, one a line. */
  command: string;
  /** Code of the failure; null while the host is connected. */
  code: string | null;
  /** Ids of the chains. */
  networks: number[];
  /** The network in use; null without one. */
  chain_id: number | null;
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

/** An account of the recovery words, at a BIP-44 index. */
export interface Account {
  index: number;
  name: string;
  address: string;
}

/** A named address. */
export interface Contact {
  address: string;
  name: string;
}

/** The networks of the host, and the one in use. */
export interface Networks {
  networks: NetworkEntry[];
  chain_id: number;
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
