/**
 * Messages of the port `page`: a content script and the background (docs/protocol.md section 6).
 */

import type { PlaybackState } from "./player_messages.d.ts";

/** State of a stream as its page gets it: what an audio element has, and no data of the fan. */
export interface PageState {
  state: PlaybackState;
  position_ms: number;
  duration_ms: number;
  /** Buffered ranges, ms. */
  ranges: [from: number, to: number][];
  /** 0 to 1. */
  volume: number;
  muted: boolean;
  rate: number;
  /** True if the pitch is preserved at other rates. */
  pitch: boolean;
  /** True if a play is pending: its song is loading or its permission is not decided. */
  wanted: boolean;
  stalled: boolean;
  seekable: boolean;
  code: "refused" | "failed" | null;
  /** Number of the last play command that was not allowed. */
  denied: number | null;
  /** Number up to which all commands are complete. */
  done: number;
}

export type PageCommandName = "play" | "pause" | "seek" | "volume" | "muted" | "rate" | "pitch";
export type PageCommandValue = string | number | boolean | null;

/** Registers the player of an element, for one track of its list. */
export interface ShowRequest {
  type: "show";
  element: number;
  src: string;
  /** Station of a page on disk, which has no origin. */
  station?: string | null;
  /** Position of the track in the list, from 0. */
  index?: number;
  /** Number of tracks in the list. */
  count?: number;
  /** Element of the track that this one follows. */
  after?: number;
  /** Seconds by which both tracks overlap. */
  crossfade?: number;
  /** True if a page of another origin embeds this page. */
  inside?: boolean;
}

/** Bytes of the song that the page carries, base64; without them the code of the failure. */
export interface BytesResponse {
  type: "bytes";
  element: number;
  id: number;
  data?: string | null;
  code?: string | null;
}

/** Registers the key that the document in the frame of an element has been given. */
export interface FramedNotice {
  type: "framed";
  element: number;
  key: string;
}

/** Removes the player of an element. */
export interface HideRequest {
  type: "hide";
  element: number;
}

/** A command of the page's script. */
export interface PageCommand {
  type: "command";
  element: number;
  command: PageCommandName;
  value?: PageCommandValue;
  /** Number of the command, rising. */
  n?: number;
  /** True if the page has had user activation. */
  active?: boolean;
}

/** From the content script to the background. */
export type PageRequest = ShowRequest | BytesResponse | FramedNotice | HideRequest | PageCommand;

/** A refusal of the background. */
export interface ProblemMessage {
  type: "problem";
  id?: number | undefined;
  ok: false;
  code: string;
  detail: Record<string, unknown>;
  error: { code: string; detail: Record<string, unknown> };
}

/** Requests bytes of the song that the page on disk carries. */
export interface ReadRequest {
  type: "read";
  element: number;
  id: number;
  offset: number;
  size: number;
}

/** State of the stream of an element. */
export interface StateMessage {
  type: "state";
  element: number;
  stream: string;
  state: PageState;
}

/** Moves to another track of the list; `joined`: it is audible already. */
export interface TrackMessage {
  type: "track";
  element: number;
  stream: string;
  by: number;
  joined: boolean;
}

/** From the background to the content script. */
export type PageMessage =
  | { type: "shown"; element: number; stream: string; url: string }
  /** The player in the frame runs. */
  | { type: "there"; element: number }
  /** Height of the player, CSS px. */
  | { type: "height"; element: number; height: number }
  | ReadRequest
  | StateMessage
  | TrackMessage
  | ProblemMessage;

/** The part that the engine sends. */
export type EnginePageMessage = StateMessage | TrackMessage;
