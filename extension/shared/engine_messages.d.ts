/**
 * Messages of the port `engine`: the engine and the background (docs/protocol.md section 6).
 */

import type { HostEvents, StatusResult } from "./protocol.d.ts";
import type { CodedProblem, PlayerCommand, PlayerMessage } from "./player_messages.d.ts";
import type { EnginePageMessage, PageCommandName, PageCommandValue } from "./page_messages.d.ts";
import type { EngineProviderMessage, ProviderRequest, Site } from "./provider_messages.d.ts";
import type { ApprovalRequest, WalletEvent, WalletRequest, WalletResponse } from "./wallet_messages.d.ts";

/** Kinds of ports, by what is at their other end. */
export type Kind = "page" | "player" | "wallet" | "engine" | "provider" | "approval";

/** A request to the native host: `op` and the operation's fields. */
export interface NativeRequest {
  op: string;
  [field: string]: unknown;
}

/** A message for the port of a page, player, wallet screen or provider. */
export type DeliveredMessage = EnginePageMessage | PlayerMessage | WalletResponse | WalletEvent | EngineProviderMessage;

/** Requests bytes of the song that the page of a stream carries. */
export interface PageReadRequest {
  type: "read";
  id: number;
  stream: string;
  offset: number;
  size: number;
}

/** A request that the background answers itself. */
export type BackgroundRequest =
  | { type: "native"; id: number; request: NativeRequest }
  | { type: "storage"; id: number; get?: string[]; set?: Record<string, unknown> }
  | { type: "approve"; id: number; open: boolean };

/** A request without its id. */
type BodyOf<Request> = Request extends { id: number } ? Omit<Request, "id"> : never;

/** A request to which the background sends a response, without its id. */
export type RequestBody = BodyOf<BackgroundRequest | PageReadRequest>;

/** From the engine to the background. */
export type EngineRequest =
  | BackgroundRequest
  | PageReadRequest
  | { type: "to"; port: number; message: DeliveredMessage }
  | { type: "badge"; count: number }
  | { type: "awake" };

/** Position of a track in its list; `after`: the stream that it follows. */
export interface ListPlace {
  index: number;
  count: number;
  after: string | null;
  crossfade_s: number;
}

/** A player on a page. */
export interface PlayerPlace {
  stream: string;
  /** Absolute address of the song: http, https, or the page's own file. */
  src: string;
  /** Origin of the page that shows the player. */
  origin: string;
  /** Origin of the top-level page. */
  site: string;
  /** True if a page of another origin embeds the element's page. */
  inside: boolean;
  /** Port of the page; in the engine -1 while no page shows the stream. */
  page: number;
  /** Number of the player on its page. */
  element: number;
  list?: ListPlace;
  /** Position of playback before the engine was restarted. */
  last?: { position_ms: number; playing: boolean } | null;
}

/** A stream that a page shows. */
export type ShowMessage = { type: "show" } & PlayerPlace;

/** A command of a page's script to a stream. */
export interface StreamCommand {
  type: "command";
  stream: string;
  command: PageCommandName;
  value?: PageCommandValue;
  /** Number of the command on its page, ascending. */
  n: number;
  /** True if the page has had user activation. */
  active: boolean;
}

/** A message of a port other than a page's. */
export type PortMessage =
  | { type: "from"; port: number; kind: "player"; stream: string; message: PlayerCommand }
  | { type: "from"; port: number; kind: "wallet"; stream: null; message: WalletRequest }
  | { type: "from"; port: number; kind: "approval"; stream: null; message: ApprovalRequest }
  | { type: "from"; port: number; kind: "provider"; stream: null; message: ProviderRequest };

/** The response to a request of the engine. */
export type BackgroundResponse =
  | { type: "answer"; id: number; ok: true; result: unknown }
  | { type: "answer"; id: number; ok: false; error: CodedProblem };

/** An event of the native host, or a change of the connection's status. */
export type NativeEvent =
  | { [Name in keyof HostEvents]: { event: Name } & HostEvents[Name] }[keyof HostEvents]
  | { event: "host"; status: StatusResult };

/** From the background to the engine. */
export type EngineMessage =
  | BackgroundResponse
  | { type: "event"; event: NativeEvent }
  | ShowMessage
  | { type: "hide"; stream: string }
  | StreamCommand
  | { type: "opened"; port: number; kind: Kind; stream: string | null; site?: Site }
  | PortMessage
  | { type: "closed"; port: number }
  /** A person has closed the approval window. */
  | { type: "dismissed" };
