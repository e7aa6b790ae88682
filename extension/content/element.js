/**
 * In the page's own world: <sps-player>, with the surface of an audio element (docs/player.md); <audio data-sps> gets
 * the same one.
 * It passes wishes and plain facts, never anything of the fan.
 */

(() => {
  const { apply } = Reflect;

  /**
   * A function whose errors name no file: in Firefox the extension's address is another in every installation, and a
   * page reads the file of an error, of its event
   * and of a stack (there the name at the end of this script stands).
   * @param {Function} work
   * @param {boolean} [quiet] nobody is called back to: the browser would tell the page of the error
   */
  const nameless = (work, quiet = false) =>
    function (/** @type {any[]} */ ...all) {
      try {
        // @ts-expect-error a method's own object
        return apply(work, this, all);
      } catch (error) {
        if (quiet) return undefined;
        try {
          if ("fileName" in /** @type {any} */ (error)) /** @type {any} */ (error).fileName = "";
        } catch {
          // A value of the page's own.
        }
        throw error;
      }
    };

  const EVENT = "gomaa:element";
  /** @type {any} */
  const shared = globalThis;
  const { Surface } = shared.gomaaSurface;
  delete shared.gomaaSurface;
  delete shared.gomaaRanges;
  const { players: playersIn, roots: openRoots } = shared.gomaaFound;
  delete shared.gomaaFound;
  if (customElements.get("sps-player")) return;

  const NUMBERS = {
    NETWORK_EMPTY: 0,
    NETWORK_IDLE: 1,
    NETWORK_LOADING: 2,
    NETWORK_NO_SOURCE: 3,
    HAVE_NOTHING: 0,
    HAVE_METADATA: 1,
    HAVE_CURRENT_DATA: 2,
    HAVE_FUTURE_DATA: 3,
    HAVE_ENOUGH_DATA: 4,
  };
  const ERRORS = { MEDIA_ERR_ABORTED: 1, MEDIA_ERR_NETWORK: 2, MEDIA_ERR_DECODE: 3, MEDIA_ERR_SRC_NOT_SUPPORTED: 4 };
  const EVENTS = [
    "abort",
    "canplay",
    "canplaythrough",
    "durationchange",
    "emptied",
    "ended",
    "error",
    "loadeddata",
    "loadedmetadata",
    "loadstart",
    "pause",
    "play",
    "playing",
    "progress",
    "ratechange",
    "seeked",
    "seeking",
    "stalled",
    "suspend",
    "timeupdate",
    "volumechange",
    "waiting",
    "trackchange",
  ];
  const SPS = /^(?:application\/(?:x-)?sps|audio\/(?:x-)?sps)(?:;.*)?$/i;

  /** @param {HTMLElement} element @param {string} name @param {boolean} on */
  const flag = (element, name, on) => void element.toggleAttribute(name, Boolean(on));

  class SpsPlayer extends HTMLElement {
    static observedAttributes = ["src", "autoplay", "loop", "playlist"];

    /** @type {any} */
    #media;
    /** Whether a stream takes wishes; until then the surface keeps them. */
    #found = false;
    #started = false;
    /** @type {{index: number, list: string[]}} */
    #tracks = { index: 0, list: [] };
    /** @type {ElementInternals} */
    #internals;

    constructor() {
      super();
      this.#internals = this.attachInternals();
      this.#media = new Surface(
        (/** @type {string} */ command, /** @type {unknown} */ value, /** @type {number} */ n) =>
          this.#ask({ command, value, n }),
        (/** @type {string} */ name) => {
          this.#style();
          this.dispatchEvent(new Event(name));
        },
      );
      // An event of this name that carries no state is the page's own doing.
      const hear = nameless((/** @type {Event} */ event) => {
        event.stopImmediatePropagation();
        this.#hear(JSON.parse(String(/** @type {CustomEvent} */ (event).detail)));
      }, true);
      nameless(() => this.addEventListener(`${EVENT}-state`, /** @type {EventListener} */ (hear)), true)();
    }

    connectedCallback() {
      // Into open shadow roots the extension's other world sees no way of its own.
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
        this.#found = false;
        this.#media.load(this.#hasSource);
      }
    }

    get #hasSource() {
      return this.hasAttribute("src") || this.hasAttribute("playlist") || this.querySelector("source[src]") !== null;
    }

    /** @param {{command: string, value: unknown, n: number}} wish */
    #ask(wish) {
      if (this.#found || wish.n === 0) this.dispatchEvent(new CustomEvent(EVENT, { detail: JSON.stringify(wish) }));
    }

    /** @param {any} message */
    #hear(message) {
      if (message.found) {
        this.#found = true;
        // <source> children come after the element itself.
        if (this.#media.networkState === 0) this.#media.load(true);
        this.#media.again();
      } else if (message.track) {
        const before = this.#tracks;
        this.#tracks = message.track;
        if (before.list.length && before.index !== message.track.index) {
          const { paused } = this.#media;
          this.#found = false;
          this.#media.load(true);
          // The list goes on by itself: nobody paused it.
          this.#media.paused = paused;
        }
        if (before.index !== message.track.index || before.list.length !== message.track.list.length)
          queueMicrotask(() => this.dispatchEvent(new Event("trackchange")));
      } else this.#media.hear(message);
    }

    /** `:state(playing)` and the like, for a page's styles. */
    #style() {
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

    /** @returns {Promise<void>} */
    play() {
      if (!this.#hasSource) return Promise.reject(new DOMException("there is no song", "NotSupportedError"));
      return this.#media.play();
    }

    pause() {
      this.#media.pause();
    }

    /** The same song anew. */
    load() {
      this.#found = false;
      this.#media.load(this.#hasSource);
      this.#ask({ command: "load", value: null, n: 0 });
    }

    /** @param {string} type */
    canPlayType(type) {
      return SPS.test(String(type).trim()) ? "maybe" : "";
    }

    /** @param {number} seconds */
    fastSeek(seconds) {
      this.currentTime = seconds;
    }

    next() {
      this.#ask({ command: "next", value: null, n: 0 });
    }

    previous() {
      this.#ask({ command: "previous", value: null, n: 0 });
    }

    get tracks() {
      return [...this.#tracks.list];
    }

    /** Which of the tracks it is; -1 while there is none. */
    get track() {
      return this.#tracks.list.length ? this.#tracks.index : -1;
    }

    set track(value) {
      this.#ask({ command: "track", value: Number(value), n: 0 });
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

    /** How long two tracks overlap, seconds. */
    get crossfade() {
      const value = Number(this.getAttribute("crossfade"));
      return value > 0 && value <= 12 ? value : 0;
    }

    set crossfade(value) {
      this.setAttribute("crossfade", String(value));
    }

    /** @returns {{code: number, message: string} | null} a MediaError; the message is a word of docs/player.md */
    get error() {
      const { error } = this.#media;
      return error && Object.freeze({ ...ERRORS, ...error });
    }
  }

  for (const [name, value] of Object.entries(NUMBERS))
    for (const place of [SpsPlayer, SpsPlayer.prototype])
      Object.defineProperty(place, name, { value, enumerable: true });
  for (const [name, { value, get, set, ...rest }] of Object.entries(
    Object.getOwnPropertyDescriptors(SpsPlayer.prototype),
  )) {
    if (name === "constructor" || name in NUMBERS) continue;
    const quiet = name.endsWith("Callback");
    const changed =
      typeof value === "function"
        ? { value: nameless(value, quiet) }
        : { ...(get ? { get: nameless(get) } : {}), ...(set ? { set: nameless(set) } : {}) };
    Object.defineProperty(SpsPlayer.prototype, name, { ...rest, ...changed });
  }
  customElements.define("sps-player", SpsPlayer);

  // An audio element of the page becomes the face of a player beside it.

  const OWN = new Set(["constructor", "connectedCallback", "attributeChangedCallback"]);
  const members = Object.entries(Object.getOwnPropertyDescriptors(SpsPlayer.prototype)).filter(
    ([name]) => !OWN.has(name) && !(name in NUMBERS),
  );
  const COPIED = ["autoplay", "loop", "muted", "preload", "controls", "playlist", "crossfade"];
  /** @type {WeakMap<HTMLAudioElement, SpsPlayer>} */
  const players = new WeakMap();

  /** @param {HTMLAudioElement} audio */
  function upgrade(audio) {
    const known = players.get(audio);
    const song = audio.dataset["sps"] ?? "";
    if (known) {
      if (known.getAttribute("src") !== song) known.setAttribute("src", song);
      return;
    }
    const player = /** @type {SpsPlayer} */ (document.createElement("sps-player"));
    players.set(audio, player);
    for (const name of COPIED) {
      const value = audio.getAttribute(name);
      if (value !== null) player.setAttribute(name, value);
    }
    // The element itself stays silent and unseen; its place is the player's.
    audio.pause();
    audio.removeAttribute("autoplay");
    audio.style.setProperty("display", "none", "important");
    for (const [name, { value, set }] of members) {
      if (typeof value === "function")
        Object.defineProperty(audio, name, { configurable: true, value: value.bind(player) });
      else {
        Object.defineProperty(audio, name, {
          configurable: true,
          get: () => /** @type {any} */ (player)[name],
          ...(set ? { set: (/** @type {unknown} */ to) => Reflect.set(player, name, to) } : {}),
        });
      }
    }
    for (const name of EVENTS) player.addEventListener(name, () => audio.dispatchEvent(new Event(name)));
    if (song) player.setAttribute("src", song);
    audio.after(player);
  }

  /** @param {Node} node */
  function look(node) {
    if (!(node instanceof Element || node instanceof Document || node instanceof ShadowRoot)) return;
    for (const root of openRoots(node)) watch(root);
    for (const player of playersIn(node)) if (player instanceof HTMLAudioElement) upgrade(player);
  }

  const observer = new MutationObserver(
    /** @type {MutationCallback} */ (
      nameless((/** @type {MutationRecord[]} */ changes) => {
        for (const { type, target, addedNodes, removedNodes } of changes) {
          if (type === "attributes") look(target);
          for (const node of addedNodes) look(node);
          for (const node of removedNodes)
            if (node instanceof HTMLAudioElement && !node.isConnected) players.get(node)?.remove();
        }
      }, true)
    ),
  );
  /** @type {WeakSet<Node>} */
  const watched = new WeakSet();

  /** @param {Node} root */
  function watch(root) {
    if (watched.has(root)) return;
    watched.add(root);
    observer.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-sps"] });
  }

  // An audio element in a root that is attached later is announced by nothing else.
  Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
    apply: nameless((/** @type {Function} */ attach, /** @type {Element} */ host, /** @type {any[]} */ options) => {
      const root = apply(attach, host, options);
      if (root.mode === "open") watch(root);
      return root;
    }),
  });
  watch(document);
  look(document);
})();
//# sourceURL=gomaa-element.js
