/**
 * In the page's own world: the element <sps-player>, with the interface of an audio element (docs/player.md). It passes
 * on commands and playback state, and no data of the fan.
 */

(() => {
  const { apply } = Reflect;

  /**
   * Wraps a function so that its errors name no file: the extension's address identifies an installation of Firefox,
   * and a page can read it from an error and from its event. A stack has the name at the end of this script.
   * @param {Function} work
   * @param {boolean} [quiet] drop errors: those of a callback would reach the page as events
   */
  const withoutFile = (work, quiet = false) =>
    function (/** @type {any[]} */ ...args) {
      try {
        // @ts-expect-error `this` of a method
        return apply(work, this, args);
      } catch (error) {
        if (quiet) return undefined;
        try {
          if ("fileName" in /** @type {any} */ (error)) /** @type {any} */ (error).fileName = "";
        } catch {
          // The error is a value of the page.
        }
        throw error;
      }
    };

  const EVENT = "gomaa:element";
  /** @type {any} */
  const shared = globalThis;
  const { MediaSurface } = shared.gomaaSurface;
  const { CONSTANTS, ERROR_CONSTANTS, EVENTS } = shared.gomaaConstants;
  for (const name of ["gomaaConstants", "gomaaRanges", "gomaaSettings", "gomaaSurface"]) delete shared[name];
  if (customElements.get("sps-player")) return;

  const SPS_TYPE = /^(?:application\/(?:x-)?sps|audio\/(?:x-)?sps)(?:;.*)?$/i;

  /** Reflects a boolean property. @param {HTMLElement} element @param {string} name @param {boolean} on */
  const flag = (element, name, on) => void element.toggleAttribute(name, Boolean(on));

  /** The element <sps-player>. */
  class SpsPlayer extends HTMLElement {
    static observedAttributes = ["src", "autoplay", "loop", "playlist"];

    /** @type {any} */
    #media;
    /** Whether a stream takes commands; until then the surface keeps them. */
    #isAttached = false;
    #started = false;
    /** The list and the present track. @type {{index: number, list: string[]}} */
    #tracks = { index: 0, list: [] };
    /** @type {ElementInternals} */
    #internals;

    constructor() {
      super();
      this.#internals = this.attachInternals();
      this.#media = new MediaSurface(
        (/** @type {string} */ command, /** @type {unknown} */ value, /** @type {number} */ n) =>
          this.#send({ command, value, n }),
        (/** @type {string} */ name) => {
          this.#setStates();
          this.dispatchEvent(new Event(name));
        },
      );
      // The page may dispatch an event of this name without a state: the error is dropped.
      const onState = withoutFile((/** @type {Event} */ event) => {
        event.stopImmediatePropagation();
        this.#onMessage(JSON.parse(String(/** @type {CustomEvent} */ (event).detail)));
      }, true);
      withoutFile(() => this.addEventListener(`${EVENT}-state`, /** @type {EventListener} */ (onState)), true)();
    }

    connectedCallback() {
      // The content script does not observe shadow roots that are attached later.
      this.dispatchEvent(new CustomEvent(`${EVENT}-here`, { bubbles: true, composed: true }));
      if (this.#started) return;
      this.#started = true;
      if (this.defaultMuted) this.muted = true;
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

    /** Handles a message of the content script. @param {any} message */
    #onMessage(message) {
      if (message.found) {
        this.#isAttached = true;
        // <source> children are parsed after the element itself.
        if (this.#media.networkState === 0) this.#media.load(true);
        this.#media.resend();
      } else if (message.track) {
        const before = this.#tracks;
        this.#tracks = message.track;
        if (before.list.length && before.index !== message.track.index) {
          const { paused } = this.#media;
          this.#isAttached = false;
          this.#media.load(true);
          // The list moved on without a pause.
          this.#media.paused = paused;
        }
        if (before.index !== message.track.index || before.list.length !== message.track.list.length)
          queueMicrotask(() => this.dispatchEvent(new Event("trackchange")));
      } else this.#media.onState(message);
    }

    /** Sets the custom states, such as `:state(playing)`, for the page's style sheets. */
    #setStates() {
      const { states } = this.#internals;
      const media = this.#media;
      for (const [name, on] of [
        ["playing", !media.paused && !media.seeking && media.readyState > 2],
        ["paused", media.paused],
        ["ended", media.ended],
        ["seeking", media.seeking],
        ["waiting", !media.paused && media.readyState < 3],
        ["muted", media.muted],
        ["error", media.error !== null],
      ]) {
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

    get defaultMuted() {
      return this.hasAttribute("muted");
    }

    set defaultMuted(on) {
      flag(this, "muted", on);
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

    get loop() {
      return this.hasAttribute("loop");
    }

    set loop(on) {
      flag(this, "loop", on);
    }

    get autoplay() {
      return this.hasAttribute("autoplay");
    }

    set autoplay(on) {
      flag(this, "autoplay", on);
    }

    get controls() {
      return this.hasAttribute("controls");
    }

    set controls(on) {
      flag(this, "controls", on);
    }

    get preload() {
      const value = (this.getAttribute("preload") ?? "").toLowerCase();
      return value === "none" || value === "metadata" ? value : "auto";
    }

    set preload(value) {
      this.setAttribute("preload", value);
    }

    get src() {
      const value = this.getAttribute("src");
      return value === null ? "" : (URL.parse(value, document.baseURI)?.href ?? value);
    }

    set src(value) {
      this.setAttribute("src", value);
    }

    get currentSrc() {
      return this.#tracks.list[this.#tracks.index] ?? this.src;
    }

    /** Seconds by which two tracks overlap. */
    get crossfade() {
      const value = Number(this.getAttribute("crossfade"));
      return value > 0 && value <= 12 ? value : 0;
    }

    set crossfade(value) {
      this.setAttribute("crossfade", String(value));
    }

    /** @returns {{code: number, message: string} | null} a MediaError; its message is one of docs/player.md */
    get error() {
      const { error } = this.#media;
      return error && Object.freeze({ ...ERROR_CONSTANTS, ...error });
    }
  }

  for (const [name, value] of Object.entries(CONSTANTS))
    for (const place of [SpsPlayer, SpsPlayer.prototype])
      Object.defineProperty(place, name, { value, enumerable: true });
  for (const [name, { value, get, set, ...rest }] of Object.entries(
    Object.getOwnPropertyDescriptors(SpsPlayer.prototype),
  )) {
    if (name === "constructor" || name in CONSTANTS) continue;
    const quiet = name.endsWith("Callback");
    const changed =
      typeof value === "function"
        ? { value: withoutFile(value, quiet) }
        : { ...(get ? { get: withoutFile(get) } : {}), ...(set ? { set: withoutFile(set) } : {}) };
    Object.defineProperty(SpsPlayer.prototype, name, { ...rest, ...changed });
  }
  customElements.define("sps-player", SpsPlayer);

  shared.gomaaElement = { SpsPlayer, CONSTANTS, EVENTS, withoutFile };
})();
//# sourceURL=gomaa-element.js
