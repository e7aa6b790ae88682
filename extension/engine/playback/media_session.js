/**
 * Media session of the engine's document: the lock screen, the system's media controls and the keyboard's media keys.
 */

const STEP_S = 10;
/** Deviation from the position that the browser extrapolates with which a position is set, seconds. */
const MAX_DRIFT_S = 0.5;
const SOUNDING = new Set(["starting", "playing", "seeking", "waiting"]);
const ACTIVE = new Set([...SOUNDING, "paused"]);

/** @import { PlayerCommand, PlayerState } from "../../shared/player_messages.d.ts" */
/** @typedef {Pick<PlayerState, "position_ms" | "duration_ms" | "state" | "rate" | "list">} State */
/** A song as it is shown. @typedef {{content: string, title: string, artist: string, album: string | null}} Song */
/**
 * @typedef {{song: Song | null, onMessage: (message: PlayerCommand) => Promise<unknown>,
 *   fail: (error: unknown) => unknown}} Player
 */

export class MediaSessionController {
  /** Player of the song that is shown. @type {Player | null} */
  #player = null;
  /** @type {State | null} */
  #state = null;
  /** The song that is shown, as a key. */
  #shown = "";
  /** Position that was set last. @type {{duration: number, playbackRate: number, position: number} | null} */
  #position = null;
  /** Time at which it was set, ms. */
  #positionAt = 0;
  /** Place in the list that the handlers are for, as a key. */
  #handlers = "";

  /**
   * @param {MediaSession | undefined} session
   * @param {(song: Song) => MediaImage[]} artwork
   * @param {new (init: MediaMetadataInit) => MediaMetadata} [Metadata]
   * @param {() => number} [now] ms
   */
  constructor(session, artwork, Metadata = globalThis.MediaMetadata, now = () => performance.now()) {
    this.session = session;
    this.artwork = artwork;
    this.Metadata = Metadata;
    this.now = now;
  }

  /**
   * Updates the state of a player. A player that sounds gets the media session, also for its pauses.
   * @param {Player} player
   * @param {State} state
   */
  update(player, state) {
    const { session } = this;
    if (!session) return;
    if (this.#player !== player && !SOUNDING.has(state.state)) return;
    if (!ACTIVE.has(state.state)) return this.#clear(state.state === "ended");
    this.#player = player;
    this.#state = state;
    const { song } = player;
    const key = JSON.stringify([song?.content, song?.title, song?.artist]);
    if (song && key !== this.#shown) {
      this.#shown = key;
      this.#position = null;
      session.metadata = new this.Metadata({
        title: song.title ?? "",
        artist: song.artist ?? "",
        album: song.album ?? "",
        artwork: this.artwork(song),
      });
    }
    this.#setPosition(SOUNDING.has(state.state) ? "playing" : "paused", state);
    this.#setHandlers(state.list);
  }

  /**
   * Sets what the browser cannot extrapolate: each call is a message to its main process.
   * @param {MediaSessionPlaybackState} playbackState
   * @param {State} state
   */
  #setPosition(playbackState, { duration_ms, position_ms, rate }) {
    const session = /** @type {MediaSession} */ (this.session);
    const [sent, elapsedS] = [this.#position, (this.now() - this.#positionAt) / 1000];
    const expected = sent && sent.position + (playbackState === "playing" ? elapsedS * sent.playbackRate : 0);
    const isSame = session.playbackState === playbackState;
    if (!isSame) session.playbackState = playbackState;
    if (duration_ms <= 0) return;
    const [duration, position] = [duration_ms / 1000, Math.min(position_ms, duration_ms) / 1000];
    if (isSame && sent?.duration === duration && sent.playbackRate === rate && expected !== null)
      if (Math.abs(Math.min(expected, duration) - position) <= MAX_DRIFT_S) return;
    this.#position = { duration, playbackRate: rate, position };
    this.#positionAt = this.now();
    session.setPositionState?.(this.#position);
  }

  /** Releases the media session of a closed player. @param {Player} player */
  release(player) {
    if (this.#player === player) this.#clear(false);
  }

  /** Ends the media session. @param {boolean} keep show the song still, which may be played again */
  #clear(keep) {
    const { session } = this;
    if (!session) return;
    session.playbackState = keep ? "paused" : "none";
    if (keep) return;
    session.metadata = null;
    session.setPositionState?.();
    this.#player = this.#state = this.#position = null;
    this.#shown = this.#handlers = "";
    for (const name of /** @type {MediaSessionAction[]} */ ([
      "play",
      "pause",
      "seekbackward",
      "seekforward",
      "seekto",
      "nexttrack",
      "previoustrack",
    ]))
      this.#set(name, null);
  }

  /** Sets the handlers of the media keys. @param {{index: number, count: number}} list */
  #setHandlers({ index, count }) {
    const key = `${index} ${count}`;
    if (key === this.#handlers) return;
    this.#handlers = key;
    const send = (/** @type {PlayerCommand} */ message) => {
      const player = this.#player;
      player?.onMessage(message).catch((error) => player.fail(error));
    };
    const seek = (/** @type {number} */ seconds) =>
      send({ type: "seek", position_ms: Math.max(0, Math.min(seconds * 1000, (this.#state?.duration_ms ?? 0) - 500)) });
    const by = (/** @type {number} */ seconds) => seek((this.#state?.position_ms ?? 0) / 1000 + seconds);
    this.#set("play", () => send({ type: "play" }));
    this.#set("pause", () => send({ type: "pause" }));
    this.#set("seekbackward", ({ seekOffset }) => by(-(seekOffset ?? STEP_S)));
    this.#set("seekforward", ({ seekOffset }) => by(seekOffset ?? STEP_S));
    this.#set("seekto", ({ seekTime }) => seek(seekTime ?? 0));
    this.#set("nexttrack", index + 1 < count ? () => send({ type: "track", by: 1 }) : null);
    this.#set("previoustrack", index > 0 ? () => send({ type: "track", by: -1 }) : null);
  }

  /** @param {MediaSessionAction} name @param {MediaSessionActionHandler | null} handler */
  #set(name, handler) {
    try {
      this.session?.setActionHandler(name, handler);
    } catch {
      // The browser does not support this control.
    }
  }
}
