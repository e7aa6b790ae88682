/**
 * Messages that the engine receives from the background, which checks their fields (background/privileges.js).
 */

import type { HostEvents, ReceiptKey, StatusResult } from "../shared/protocol.d.ts";
import type { Site } from "./provider/permits.js";

/** A player on a page. */
export interface PlayerPlace {
  stream: string;
  /** Address of the song. */
  src: string;
  /** Origin of the page that shows the player. */
  origin: string;
  /** Origin of the tab's page. */
  site: string;
  /** The page is a frame in one of another origin. */
  inside: boolean;
  /** Port of the page; -1: no page shows the stream now. */
  page: number;
  /** Number of the player on its page. */
  element: number;
  /** State that the page had before the engine was started. */
  last?: { position_ms: number; playing: boolean } | null;
  /** Place in a list of tracks; `after`: the stream of the track before. */
  list?: { index: number; count: number; after: string | null; crossfade_s: number };
}

/** Requests of the wallet's screens by type. */
export interface ScreenRequests {
  "wallet.status": {};
  "wallet.propose": { words?: number | null };
  "wallet.spelling": { words: string };
  "wallet.create": { mnemonic: string; password: string; replace?: boolean | null; fresh?: boolean | null };
  "wallet.unlock": { password: string };
  "wallet.lock": {};
  "wallet.words": { password: string };
  "wallet.password": { password: string; fresh: string };
  "wallet.autolock": { seconds: number };
  "wallet.collect": { choice: string };
  "wallet.collect.answer": { station: string; collect: boolean };
  "wallet.decisions": {};
  "wallet.takeover": { stream: string };
  "wallet.tracking": { on: boolean };
  "wallet.summary": {};
  "wallet.activity": { after?: ReceiptKey | null };
  "wallet.playing": {};
  /** `most_wei`: highest fee of fetching the tokens at payees that was shown. */
  "wallet.claim": { most_wei?: string };
  "wallet.origin": { server: string; epoch: number; payee: string };
  /** As typed; `from` "private": sent from private addresses. */
  "wallet.quote": { to: string; amount: string; from?: string };
  /** The newest transaction of a pending transfer; `how`: "faster" or "cancel". */
  "wallet.replace": { transaction: string; how: string };
  "wallet.send": { quote: string };
  "wallet.accounts": {};
  "wallet.account.add": { name: string };
  "wallet.account.use": { index: number };
  "wallet.account.name": { index: number; name: string };
  "wallet.contacts": {};
  "wallet.contact.save": { address: string; name: string };
  "wallet.contact.remove": { address: string };
  "wallet.networks": {};
  "wallet.network": { chain_id: number };
  "network.offer": { origin: string };
  "network.add": { offer: string };
  "wallet.sites": {};
  /** `budget`: the listening money of a day, as typed. */
  "wallet.site": { origin: string; state?: string | null; budget?: string | null };
  "wallet.permits": {};
  "wallet.permit.revoke": Site;
  "wallet.points": { origin: string; what: string };
  "wallet.listening": {};
  "wallet.listening.quote": { server: string; payer: string; amount: string };
  "wallet.listening.put": { quote: string };
  "wallet.listening.take": { server: string; payer: string };
  "host.status": {};
}

/** Requests of the approval window by type. */
export interface ApprovalRequests {
  "approval.next": {};
  "approval.done": {};
  "approval.unlock": { password: string };
  /** `looks`: of the facts that the window shows. */
  "approval.answer": { approval: string; agree: boolean; account?: string | null; looks?: number | null };
}

/** Handlers of requests by type. */
export type Handlers<Requests> = { [Type in keyof Requests]: (request: Requests[Type]) => Promise<unknown> };

/** A request of a screen or window, before its type is known. */
export interface UntypedRequest {
  id?: number;
  type: string;
  [field: string]: unknown;
}

/** Message of a player, or of the system's media keys. */
export type PlayerMessage =
  | { type: "play" | "pause" | "retry" | "open" }
  | { type: "seek"; position_ms: number }
  | { type: "volume" | "rate"; value: number }
  | { type: "mute" | "pitch"; value: boolean }
  | { type: "track"; by: number };

/** Command of a page's script. */
export interface PageCommand {
  stream: string;
  command: string;
  value?: unknown;
  /** Number of the command on its page, ascending. */
  n?: number;
  /** The page has the browser's user activation. */
  active?: boolean;
}

/** A request of a page to the provider; `params`: JSON. */
export interface ProviderRequest {
  id: number;
  method: string;
  params: string;
}

/** Event of the host; `host` is the background's own, at a change of the connection. */
export type HostEvent =
  | { [Name in keyof HostEvents]: HostEvents[Name] & { event: Name } }[keyof HostEvents]
  | { event: "host"; status: StatusResult };

/** Messages of the background by type. */
export interface BackgroundMessages {
  show: PlayerPlace;
  /** The background was restarted. */
  lost: {};
  hide: { stream: string };
  opened: { port: number; kind: string; stream: string; site: Site };
  /** A person has closed the approval window. */
  dismissed: {};
  closed: { port: number };
  from:
    | { port: number; kind: "player"; stream: string; message: PlayerMessage }
    | { port: number; kind: "provider"; message: ProviderRequest }
    | { port: number; kind: "wallet" | "approval"; message: UntypedRequest };
  command: PageCommand;
  event: { event: HostEvent };
}
