/**
 * Globals that the content scripts of one world share: they are scripts without modules. In the page's own world the
 * scripts remove them before any script of the page runs.
 */

import type { PageState } from "../shared/page_messages.d.ts";

/** Listeners of a port that is opened again after it was closed. */
export interface PortListeners<Message> {
  onMessage: (message: Message) => void;
  /** The port is closed and its pending requests get no response; `isFinal`: no other port can be opened. */
  onClosed?: (isFinal: boolean) => void;
  /** Another port is open. */
  onOpened?: () => void;
}

/** A port that is opened by `open` or the first `post`, and kept open from then on. */
export interface ReconnectingPort {
  /** False where no port can be opened. */
  open: () => boolean;
  /** False where no port can be opened. */
  post: (message: object) => boolean;
  isOpen: () => boolean;
}

/** Ranges of time, seconds. */
export type TimeRange = [from: number, to: number];

/** A TimeRanges object. */
export interface TimeRangesList {
  readonly length: number;
  start(index: number): number;
  end(index: number): number;
}

/** The song of a page that carries it. */
export interface EmbeddedSong {
  station: string | null;
  /** Bytes, base64. */
  read: (offset: number, size: number) => Promise<string>;
}

export type Send = (command: string, value: unknown, number: number) => void;
export type Dispatch = (event: string) => void;

/** `media_settings.js` */
export declare class MediaSettings {
  constructor(send: Send, dispatch: Dispatch);
  volume: number;
  muted: boolean;
  rate: number;
  defaultRate: number;
  pitch: boolean;
  dispatch: Dispatch;
  command(kind: string, command: string, value?: unknown): void;
  numberOf(kind: string): number;
  resendSettings(): void;
  applySettings(applied: PageState): void;
  setVolume(value: number): void;
  setMuted(value: boolean): void;
  setRate(value: number): void;
  setDefaultRate(value: number): void;
  setPitch(value: boolean): void;
}

/** `media_clock.js` */
export declare class MediaClock {
  constructor(now: () => number, isPaused: () => boolean);
  reported: PageState;
  played: TimeRange[];
  targetS: number | null;
  readonly positionS: number;
  reset(): void;
  startSeek(seconds: number): void;
  endSeek(): void;
  report(next: PageState, isSeeking: boolean): void;
  stop(): void;
  extendPlayed(): void;
}

/** `play_promises.js` */
export declare class PlayPromises {
  readonly size: number;
  add(): Promise<void>;
  resolveAll(): void;
  rejectAll(name: string, message: string): void;
}

/** `media_surface.js` */
export declare class MediaSurface extends MediaSettings {
  constructor(send: Send, dispatch: Dispatch, now?: () => number);
  paused: boolean;
  seeking: boolean;
  ended: boolean;
  readyState: number;
  networkState: number;
  loop: boolean;
  autoplay: boolean;
  error: { code: number; message: string } | null;
  readonly currentTime: number;
  readonly duration: number;
  readonly buffered: TimeRangesList;
  readonly seekable: TimeRangesList;
  readonly played: TimeRangesList;
  load(hasSource: boolean): void;
  resend(isSame: boolean): void;
  play(): Promise<void>;
  pause(): void;
  seek(seconds: number): void;
  onState(message: Partial<PageState>): void;
}

/** `element.js` */
export declare class SpsPlayer extends HTMLElement {}

/** A method, an accessor or a callback of the page's own world. */
export type Method = (this: unknown, ...args: never[]) => unknown;

/** Wraps a function so that its errors name no file of the extension. */
export type WithoutFile = <Wrapped extends Method>(work: Wrapped, isQuiet?: boolean) => Wrapped;

/** `track_frame.js` */
export declare class TrackFrame {
  constructor(element: number, post: (message: import("../shared/page_messages.d.ts").PageRequest) => void);
  /** Height that frame or reserved box take in the page, CSS px; null: neither is there. */
  readonly heightPx: number | null;
  isOf(stream: string): boolean;
  reserve(box: ShadowRoot, heightPx?: number): void;
  place(stream: string, url: string, where: FramePlace): void;
  reveal(fallback: HTMLSlotElement): void;
  resize(heightPx: number): void;
  setVisible(): void;
  remove(): void;
}

/** `frame_delay.js` */
export declare class FrameDelay {
  reset(): void;
  start(make: () => void, isAutomatic: boolean): void;
  onCommand(name: string, n: number): void;
  onState(state: PageState): void;
}

/** Where a frame is put. */
export interface FramePlace {
  /** Closed root of the frames. */
  box: ShadowRoot;
  /** Shows the element's own children until the frame runs. */
  fallback: HTMLSlotElement;
  /** Width of the player, CSS px; 0 where it has no layout. */
  widthPx: number;
  /** True for the frame of a track that is only prepared. */
  isHidden: boolean;
}

/** Nodes of a player in the page. */
export interface PlayerNodes {
  element: HTMLElement;
  box: ShadowRoot;
  fallback: HTMLSlotElement;
}

/** `shown_player.js` */
export declare class ShownPlayer {
  constructor(nodes: PlayerNodes, list: string[], port: ReconnectingPort, song: () => EmbeddedSong | undefined);
  setList(list: string[]): void;
  show(): void;
  reopen(): void;
  remove(): void;
  has(element: number): boolean;
  onMessage(message: Exclude<import("../shared/page_messages.d.ts").PageMessage, { type: "problem" }>): void;
  onCommand(request: { command: string; value?: unknown; n?: unknown }): void;
}

declare global {
  var gomaaPort: <Message>(name: string, listeners: PortListeners<Message>) => ReconnectingPort;
  /** The song that the page carries; undefined in other pages. */
  var gomaaSong: EmbeddedSong | undefined;
  var gomaaPlaylist: {
    tracks: (text: string, base: string) => string[];
    fetchTracks: (url: string) => Promise<string[]>;
  };
  var gomaaPagePlayers: {
    players: (root: ParentNode) => Generator<HTMLElement>;
    roots: (root: ParentNode) => Generator<ShadowRoot>;
    sourcesOf: (player: Element) => { playlist: string | null; songs: string[] };
  };
  var gomaaTrackFrame: { TrackFrame: typeof TrackFrame };
  var gomaaFrameDelay: { FrameDelay: typeof FrameDelay; MAX_DELAY_MS: number };
  var gomaaShownPlayer: { ShownPlayer: typeof ShownPlayer };

  var gomaaConstants: {
    CONSTANTS: Readonly<Record<string, number>>;
    ERROR_CONSTANTS: Readonly<Record<string, number>>;
    EVENTS: readonly string[];
  };
  var gomaaRanges: {
    Ranges: new (list: TimeRange[]) => TimeRangesList;
    join: (list: TimeRange[], from: number, to: number) => TimeRange[];
  };
  var gomaaSettings: { MediaSettings: typeof MediaSettings };
  var gomaaClock: { MediaClock: typeof MediaClock; INITIAL_STATE: PageState };
  var gomaaPlayPromises: { PlayPromises: typeof PlayPromises };
  var gomaaSurface: { MediaSurface: typeof MediaSurface };
  var gomaaErrors: { withoutFile: WithoutFile };
  var gomaaAttributes: { REFLECTED: PropertyDescriptorMap; absoluteSource: (element: Element) => string };
  /** Undefined where the page had an element of this name before. */
  var gomaaElement:
    { SpsPlayer: typeof SpsPlayer; CONSTANTS: object; EVENTS: readonly string[]; withoutFile: WithoutFile } | undefined;
}
