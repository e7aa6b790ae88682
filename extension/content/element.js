/**
 * In the page's own world: gives <sps-player> the surface of an audio element. It passes wishes and plain facts, never anything of the fan.
 */

(() => {
  const EVENT = "gomaa:element";
  if (customElements.get("sps-player")) return;

  /** @typedef {{state: string, position_ms: number, duration_ms: number, volume: number, muted: boolean, code: string | null}} State */

  const SOUNDING = new Set(["playing", "waiting", "seeking", "starting"]);

  class SpsPlayer extends HTMLElement {
    /** @type {State} */
    #state = { state: "loading", position_ms: 0, duration_ms: 0, volume: 1, muted: false, code: null };
    #at = 0;
    #ticking = 0;

    constructor() {
      super();
      this.addEventListener(`${EVENT}-state`, (event) => {
        event.stopImmediatePropagation();
        try {
          this.#hear(JSON.parse(String(/** @type {CustomEvent} */ (event).detail)));
        } catch {
          // Not a state: the page's own doing.
        }
      });
    }

    /** @param {string} command @param {unknown} [value] */
    #ask(command, value) {
      this.dispatchEvent(new CustomEvent(EVENT, { detail: JSON.stringify({ command, value }) }));
    }

    /** @param {State} next */
    #hear(next) {
      const was = this.#state;
      this.#state = next;
      this.#at = performance.now();
      const say = (/** @type {string} */ name) => this.dispatchEvent(new Event(name));
      if (next.duration_ms !== was.duration_ms) say("durationchange");
      if (next.volume !== was.volume || next.muted !== was.muted) say("volumechange");
      if (next.state !== was.state) {
        if (next.state === "ready") say("canplay");
        if (next.state === "starting") say("play");
        if (next.state === "waiting") say("waiting");
        if (next.state === "seeking") say("seeking");
        if (was.state === "seeking" && (next.state === "playing" || next.state === "paused")) say("seeked");
        if (next.state === "playing") say("playing");
        if (next.state === "paused") say("pause");
        if (next.state === "ended") say("ended");
        if (next.state === "refused" || next.state === "failed") say("error");
      }
      if (next.position_ms !== was.position_ms) say("timeupdate");
      clearInterval(this.#ticking);
      if (next.state === "playing") this.#ticking = setInterval(() => say("timeupdate"), 250);
    }

    play() {
      this.#ask("play");
      return new Promise((resolve, reject) => {
        const done = () => {
          this.removeEventListener("playing", yes);
          this.removeEventListener("error", no);
        };
        const yes = () => {
          done();
          resolve(undefined);
        };
        const no = () => {
          done();
          reject(new DOMException(this.error?.message ?? "", "NotAllowedError"));
        };
        this.addEventListener("playing", yes);
        this.addEventListener("error", no);
      });
    }

    pause() {
      this.#ask("pause");
    }

    get paused() {
      return !SOUNDING.has(this.#state.state);
    }

    get ended() {
      return this.#state.state === "ended";
    }

    get seeking() {
      return this.#state.state === "seeking";
    }

    /** @returns {number} seconds; between two messages the clock runs on */
    get currentTime() {
      const { state, position_ms, duration_ms } = this.#state;
      const on = state === "playing" ? performance.now() - this.#at : 0;
      return Math.min(position_ms + Math.min(on, 2500), duration_ms || Infinity) / 1000;
    }

    set currentTime(seconds) {
      this.#ask("seek", Math.round(Number(seconds) * 1000));
    }

    get duration() {
      return this.#state.duration_ms ? this.#state.duration_ms / 1000 : NaN;
    }

    get volume() {
      return this.#state.volume;
    }

    set volume(value) {
      this.#ask("volume", Number(value));
    }

    get muted() {
      return this.#state.muted;
    }

    set muted(value) {
      this.#ask("muted", Boolean(value));
    }

    get src() {
      return this.getAttribute("src") ?? "";
    }

    set src(value) {
      this.setAttribute("src", value);
    }

    /** @returns {{code: string, message: string} | null} the code of docs/protocol.md section 7 */
    get error() {
      const { state, code } = this.#state;
      return (state === "refused" || state === "failed") && code ? { code, message: code } : null;
    }
  }

  customElements.define("sps-player", SpsPlayer);
})();
