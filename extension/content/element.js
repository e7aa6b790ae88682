/**
 * In the page's own world: the element <sps-player>, with the interface of an audio element (docs/player.md). It passes
 * on commands and playback state, and no data of the fan.
 */

(() => {
  /** @typedef {import("../shared/page_messages.d.ts").PageState} PageState */
  /** @typedef {{index: number, list: string[]}} Tracks */

  const { withoutFile } = globalThis.gomaaErrors;
  const { MediaSurface } = globalThis.gomaaSurface;
  const { CONSTANTS, ERROR_CONSTANTS, EVENTS } = globalThis.gomaaConstants;
  const { REFLECTED, absoluteSource } = globalThis.gomaaAttributes;
  const SHARED = ["Errors", "Constants", "Ranges", "Settings", "Clock", "PlayPromises", "Surface", "Attributes"];
  for (const name of SHARED) Reflect.deleteProperty(globalThis, `gomaa${name}`);
  if (customElements.get("sps-player")) return;

  const EVENT = "gomaa:element";
  const SPS_TYPE = /^(?:application\/(?:x-)?sps|audio\/(?:x-)?sps)(?:;.*)?$/i;

  /** The element <sps-player>. */
  class SpsPlayer extends HTMLElement {
    static observedAttributes = ["src", "autoplay", "loop", "playlist"];

    #media;
    /** True if a stream takes commands; until then the surface keeps the settings. */
    #isAttached = false;
    #started = false;
    /** The list and the present track. @type {Tracks} */
    #tracks = { index: 0, list: [] };
    #internals;

    constructor() {
      super();
      this.#internals = this.attachInternals();
      this.#media = new MediaSurface(
        (command, value, n) => this.#send({ command, value, n }),
        (name) => {
          if (name !== "timeupdate") this.#setStates();
          this.dispatchEvent(new Event(name));
        },
      );
      // The page may dispatch an event of this name without a state: the error is dropped.
      const onState = withoutFile((/** @type {Event} */ event) => {
        event.stopImmediatePropagation();
        this.#onMessage(JSON.parse(String(/** @type {CustomEvent} */ (event).detail)));
      }, true);
      withoutFile(() => this.addEventListener(`${EVENT}-state`, onState), true)();
    }

    connectedCallback() {
      // The content script does not observe shadow roots that are attached later.
      this.dispatchEvent(new CustomEvent(`${EVENT}-here`, { bubbles: true, composed: true }));
      if (this.#started) return;
      this.#started = true;
      if (this.hasAttribute("muted")) this.muted = true;
    }

    /** @param {string} name @param {string | null} _ @param {string | null} value */
    attributeChangedCallback(name, _, value) {
      if (name === "loop") this.#media.loop = value !== null;
      else if (name === "autoplay") this.#media.autoplay = value !== null;
      else {
        this.#isAttached = false;
        this.#media.load(this.#hasSource);
      }
    }

    get #hasSource() {
      return this.hasAttribute("src") || this.hasAttribute("playlist") || this.querySelector("source[src]") !== null;
    }

    /** Sends a command to the content script. @param {{command: string, value: unknown, n: number}} command */
    #send(command) {
      if (this.#isAttached || command.n === 0)
        this.dispatchEvent(new CustomEvent(EVENT, { detail: JSON.stringify(command) }));
    }

    /**
     * Handles a message of the content script: a stream takes commands, the present track, or a state.
     * @param {{found?: boolean, isSame?: boolean, track?: Tracks} & Partial<PageState>} message
     */
    #onMessage(message) {
      if (message.found) {
        this.#isAttached = true;
        // <source> children are parsed after the element itself.
        if (this.#media.networkState === 0) this.#media.load(true);
        this.#media.resend(message.isSame === true);
      } else if (message.track) this.#onTrack(message.track);
      else this.#media.onState(message);
    }

    /** @param {Tracks} tracks */
    #onTrack(tracks) {
      const before = this.#tracks;
      this.#tracks = tracks;
      if (before.list.length && before.index !== tracks.index) {
        const { paused } = this.#media;
        this.#isAttached = false;
        this.#media.load(true);
        // The list continues without a pause.
        this.#media.paused = paused;
      }
      if (before.index !== tracks.index || before.list.length !== tracks.list.length)
        queueMicrotask(() => this.dispatchEvent(new Event("trackchange")));
    }

    /** Sets the custom states, such as `:state(playing)`, for the page's style sheets. */
    #setStates() {
      const { states } = this.#internals;
      const media = this.#media;
      /** @type {[name: string, on: boolean][]} */
      const all = [
        ["playing", !media.paused && !media.seeking && media.readyState > 2],
        ["paused", media.paused],
        ["ended", media.ended],
        ["seeking", media.seeking],
        ["waiting", !media.paused && media.readyState < 3],
        ["muted", media.muted],
        ["error", media.error !== null],
      ];
      for (const [name, on] of all) {
        if (on) states.add(name);
        else states.delete(name);
      }
    }

    /** Starts playback, as HTMLMediaElement.play. @returns {Promise<void>} */
    play() {
      if (!this.#hasSource) return Promise.reject(new DOMException("there is no song", "NotSupportedError"));
      return this.#media.play();
    }

    pause() {
      this.#media.pause();
    }

    /** Loads the same song again. */
    load() {
      this.#isAttached = false;
      this.#media.load(this.#hasSource);
      this.#send({ command: "load", value: null, n: 0 });
    }

    /** @param {string} type */
    canPlayType(type) {
      return SPS_TYPE.test(String(type).trim()) ? "maybe" : "";
    }

    /** @param {number} seconds */
    fastSeek(seconds) {
      this.currentTime = seconds;
    }

    next() {
      this.#send({ command: "next", value: null, n: 0 });
    }

    previous() {
      this.#send({ command: "previous", value: null, n: 0 });
    }

    get tracks() {
      return [...this.#tracks.list];
    }

    /** Index of the present track; -1 while there is none. */
    get track() {
      return this.#tracks.list.length ? this.#tracks.index : -1;
    }

    set track(value) {
      this.#send({ command: "track", value: Number(value), n: 0 });
    }

    get paused() {
      return this.#media.paused;
    }

    get ended() {
      return this.#media.ended;
    }

    get seeking() {
      return this.#media.seeking;
    }

    get readyState() {
      return this.#media.readyState;
    }

    get networkState() {
      return this.#media.networkState;
    }

    /** @returns {number} seconds */
    get currentTime() {
      return this.#media.currentTime;
    }

    set currentTime(seconds) {
      this.#media.seek(Number(seconds));
    }

    get duration() {
      return this.#media.duration;
    }

    get buffered() {
      return this.#media.buffered;
    }

    get played() {
      return this.#media.played;
    }

    get seekable() {
      return this.#media.seekable;
    }

    get volume() {
      return this.#media.volume;
    }

    set volume(value) {
      this.#media.setVolume(Number(value));
    }

    get muted() {
      return this.#media.muted;
    }

    set muted(value) {
      this.#media.setMuted(Boolean(value));
    }

    get playbackRate() {
      return this.#media.rate;
    }

    set playbackRate(value) {
      this.#media.setRate(Number(value));
    }

    get defaultPlaybackRate() {
      return this.#media.defaultRate;
    }

    set defaultPlaybackRate(value) {
      this.#media.setDefaultRate(Number(value));
    }

    get preservesPitch() {
      return this.#media.pitch;
    }

    set preservesPitch(on) {
      this.#media.setPitch(Boolean(on));
    }

    get currentSrc() {
      return this.#tracks.list[this.#tracks.index] ?? absoluteSource(this);
    }

    /** @returns {{code: number, message: string} | null} a MediaError; its message is one of docs/player.md */
    get error() {
      const { error } = this.#media;
      return error && Object.freeze({ ...ERROR_CONSTANTS, ...error });
    }
  }

  Object.defineProperties(SpsPlayer.prototype, REFLECTED);
  for (const [name, value] of Object.entries(CONSTANTS))
    for (const target of [SpsPlayer, SpsPlayer.prototype])
      Object.defineProperty(target, name, { value, enumerable: true });
  for (const [name, { value, get, set, ...rest }] of Object.entries(
    Object.getOwnPropertyDescriptors(SpsPlayer.prototype),
  )) {
    if (name === "constructor" || name in CONSTANTS) continue;
    // The browser reports an error of a callback to the page as an event.
    const isQuiet = name.endsWith("Callback");
    const changed =
      typeof value === "function"
        ? { value: withoutFile(value, isQuiet) }
        : { ...(get ? { get: withoutFile(get) } : {}), ...(set ? { set: withoutFile(set) } : {}) };
    Object.defineProperty(SpsPlayer.prototype, name, { ...rest, ...changed });
  }
  customElements.define("sps-player", SpsPlayer);

  globalThis.gomaaElement = { SpsPlayer, CONSTANTS, EVENTS, withoutFile };
})();
//# sourceURL=gomaa-element.js
