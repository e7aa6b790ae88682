/**
 * In the page's own world: the state, events and promises of an audio element, derived from the engine's messages. Uses
 * no document, so that it is tested alone.
 */

(() => {
  /** @typedef {import("../shared/page_messages.d.ts").PageState} PageState */

  const { Ranges } = globalThis.gomaaRanges;
  const { MediaSettings } = globalThis.gomaaSettings;
  const { MediaClock, INITIAL_STATE } = globalThis.gomaaClock;
  const { PlayPromises } = globalThis.gomaaPlayPromises;
  /**
   * Queues a microtask. Bound early, since the page may replace the browser's function.
   * @type {(work: () => void) => void}
   */
  const later = queueMicrotask.bind(globalThis);
  const SOUNDING = new Set(["playing", "waiting", "seeking", "starting"]);
  const OVER = new Set(["refused", "failed"]);
  const TICK_MS = 250;

  /** The surface of a media element: its properties, its events in the standard's order, and its play promises. */
  class MediaSurface extends MediaSettings {
    paused = true;
    seeking = false;
    ended = false;
    readyState = 0;
    networkState = 0;
    loop = false;
    autoplay = false;
    /** A MediaError's code and message. @type {{code: number, message: string} | null} */
    error = null;
    #clock;
    #plays = new PlayPromises();
    /** @type {ReturnType<typeof setInterval> | undefined} */
    #timeUpdates;
    /** True if a looping song begins again. */
    #isLooping = false;
    /** True if `playing` waits for `seeked`. */
    #isPlayingDeferred = false;

    /**
     * @param {(command: string, value: unknown, number: number) => void} send to the engine
     * @param {(event: string) => void} dispatch to the page
     * @param {() => number} [now] ms
     */
    constructor(send, dispatch, now = () => performance.now()) {
      super(send, dispatch);
      this.#clock = new MediaClock(now, () => this.paused);
    }

    /** Loads another song, or the same again. @param {boolean} hasSource whether there is one */
    load(hasSource) {
      this.#plays.rejectAll("AbortError", "the song was changed");
      this.#reset(hasSource);
    }

    /** Returns to the initial state; pending plays stay. @param {boolean} hasSource */
    #reset(hasSource) {
      const { dispatch } = this;
      if (this.networkState === 2) dispatch("abort");
      if (this.networkState !== 0) {
        dispatch("emptied");
        if (this.currentTime !== 0) dispatch("timeupdate");
      }
      this.#clock.reset();
      Object.assign(this, { paused: true, seeking: false, ended: false, readyState: 0, error: null });
      this.#isLooping = false;
      this.#isPlayingDeferred = false;
      clearInterval(this.#timeUpdates);
      this.networkState = hasSource ? 2 : 0;
      if (!hasSource) return;
      dispatch("loadstart");
      if (this.rate !== this.defaultRate) this.setRate(this.defaultRate);
    }

    /**
     * Sends settings, position and play to another stream of this song. The same one over another port gets the play or
     * pause that it has not reported only: a person may have paused it since.
     * @param {boolean} isSame
     */
    resend(isSame) {
      const isUnreported = this.numberOf("play") > this.#clock.reported.done;
      this.resendSettings();
      const { targetS } = this.#clock;
      if (targetS !== null) this.command("seek", "seek", Math.round(targetS * 1000));
      if (isSame ? isUnreported : !this.paused) this.command("play", this.paused ? "pause" : "play");
    }

    /** @returns {number} seconds */
    get currentTime() {
      return this.#clock.positionS;
    }

    get duration() {
      return this.readyState > 0 ? this.#clock.reported.duration_ms / 1000 : NaN;
    }

    get buffered() {
      return new Ranges(this.#clock.reported.ranges.map(([from, to]) => [from / 1000, to / 1000]));
    }

    get seekable() {
      return new Ranges(this.readyState > 0 && this.#clock.reported.seekable ? [[0, this.duration]] : []);
    }

    get played() {
      this.#clock.extendPlayed();
      return new Ranges(this.#clock.played.map(([from, to]) => [from, to]));
    }

    /** @returns {Promise<void>} */
    play() {
      if (this.error?.code === 4) return Promise.reject(new DOMException(this.error.message, "NotSupportedError"));
      if (!this.paused && this.#clock.reported.state === "playing") return new Promise(later);
      const promise = this.#plays.add();
      if (this.paused) {
        this.paused = false;
        this.ended = false;
        this.dispatch("play");
        this.command("play", "play");
      }
      return promise;
    }

    pause() {
      this.autoplay = false;
      if (this.paused) return;
      this.#stop();
      this.command("play", "pause");
    }

    /** @param {number} seconds */
    seek(seconds) {
      if (!Number.isFinite(seconds)) throw new TypeError("currentTime takes a finite number");
      const target = Math.max(0, Math.min(seconds, this.duration || Infinity));
      this.#clock.startSeek(target);
      this.seeking = true;
      this.ended = false;
      this.command("seek", "seek", Math.round(target * 1000));
      if (this.readyState > 0) this.dispatch("seeking");
    }

    /** Handles a state of the engine. @param {Partial<PageState>} message */
    onState(message) {
      const was = this.#clock.reported;
      const next = { ...INITIAL_STATE, ...message };
      // The song loads again. The engine may omit the state "loading", and a play command since the failure is for the
      // song that loads now.
      if (OVER.has(was.state) && !OVER.has(next.state)) {
        const { paused } = this;
        this.#reset(true);
        this.paused = paused;
      }
      this.#clock.report(next, this.seeking);
      this.applySettings(next);
      if (OVER.has(next.state)) return this.#fail(next);
      if (this.readyState === 0 && next.duration_ms > 0 && next.state !== "loading") this.#loaded();
      else if (this.readyState > 0 && next.duration_ms !== was.duration_ms) this.dispatch("durationchange");
      this.#updateBuffered(was, next);
      this.#updateSeeking(was, next);
      if (next.denied && next.denied >= this.numberOf("play") && !this.paused) {
        this.#stop("NotAllowedError", "a person has to press play");
      } else if (next.done >= this.numberOf("play")) this.#updatePaused(next);
      this.#updatePlaying(was, next);
    }

    /** The first state with a duration: the song is loaded. */
    #loaded() {
      this.networkState = 1;
      this.readyState = 4;
      for (const name of ["durationchange", "loadedmetadata", "loadeddata", "canplay", "canplaythrough", "suspend"])
        this.dispatch(name);
      if (this.autoplay && this.paused) this.play().catch(() => undefined);
    }

    /** Events of the buffer. @param {PageState} was @param {PageState} next */
    #updateBuffered(was, next) {
      if (this.readyState === 0) return;
      if (JSON.stringify(was.ranges) !== JSON.stringify(next.ranges)) {
        this.networkState = 2;
        this.dispatch("progress");
        if ((next.ranges.at(-1)?.[1] ?? 0) >= next.duration_ms - 50) {
          this.networkState = 1;
          this.dispatch("suspend");
        }
      }
      if (next.stalled && !was.stalled) this.dispatch("stalled");
    }

    /** Events of seeks, by the page or in the player's frame. @param {PageState} was @param {PageState} next */
    #updateSeeking(was, next) {
      if (this.readyState === 0) return;
      if (next.state === "seeking") {
        if (!this.seeking) this.dispatch("seeking");
        this.seeking = true;
        this.readyState = 1;
        return;
      }
      if (!this.seeking || next.done < this.numberOf("seek")) {
        if (next.position_ms !== was.position_ms) this.dispatch("timeupdate");
        return;
      }
      this.seeking = false;
      this.#clock.endSeek();
      this.dispatch("timeupdate");
      this.dispatch("seeked");
      if (this.readyState < 4 && next.state !== "waiting") {
        this.readyState = 4;
        this.dispatch("canplay");
        this.dispatch("canplaythrough");
      }
    }

    /** Play and pause in the player's frame, and the end. @param {PageState} next */
    #updatePaused(next) {
      if (next.state === "ended") {
        if (this.ended) return;
        if (this.loop && !this.paused) {
          // Each repetition is a play of its own, authorised and counted like the first.
          this.#isLooping = true;
          this.dispatch("seeking");
          this.command("play", "play");
          return;
        }
        this.ended = true;
        this.readyState = 2;
        if (!this.paused) {
          this.paused = true;
          this.dispatch("pause");
          this.#plays.rejectAll("AbortError", "the song ended");
        }
        this.dispatch("ended");
        return;
      }
      this.ended = false;
      const paused = !(SOUNDING.has(next.state) || next.wanted);
      if (paused === this.paused) return;
      if (paused) this.#stop();
      else {
        this.paused = false;
        this.dispatch("play");
      }
    }

    /** Events of audible playback and of stalls. @param {PageState} was @param {PageState} next */
    #updatePlaying(was, next) {
      // `playing` comes after `seeked` in the standard, also where sound comes before the seek is reported as done.
      if (next.state === "playing" && !this.paused && this.seeking) this.#isPlayingDeferred = true;
      else if (next.state === "playing" && !this.paused) {
        if (this.readyState < 4) {
          this.readyState = 4;
          this.dispatch("canplay");
        }
        if (was.state !== "playing" || this.#isPlayingDeferred || this.#plays.size) {
          if (this.#isLooping) this.dispatch("seeked");
          this.#isLooping = false;
          this.#isPlayingDeferred = false;
          this.dispatch("playing");
        }
        this.#plays.resolveAll();
      } else if (next.state === "waiting" && was.state !== "waiting" && !this.paused) {
        this.readyState = 2;
        this.dispatch("waiting");
      } else if (next.state === "seeking" && was.state === "playing" && !this.paused) this.dispatch("waiting");
      else if (next.state === "paused" && this.readyState < 4) this.readyState = 4;
      clearInterval(this.#timeUpdates);
      if (next.state === "playing" && !this.paused)
        this.#timeUpdates = setInterval(() => this.dispatch("timeupdate"), TICK_MS);
    }

    /** Ends after a refusal or failure. @param {PageState} next */
    #fail(next) {
      clearInterval(this.#timeUpdates);
      this.seeking = false;
      this.#clock.endSeek();
      if (this.error) return;
      const code = next.code ?? "failed";
      const refused = next.state === "refused";
      // A failed load is MEDIA_ERR_SRC_NOT_SUPPORTED; later failures are MEDIA_ERR_ABORTED or MEDIA_ERR_NETWORK.
      this.error = { code: this.readyState === 0 ? 4 : refused ? 1 : 2, message: code };
      this.networkState = this.readyState === 0 ? 3 : 1;
      this.dispatch("error");
      const name = refused ? "NotAllowedError" : this.readyState === 0 ? "NotSupportedError" : "AbortError";
      if (this.paused) this.#plays.rejectAll(name, code);
      else this.#stop(name, code);
    }

    /** Pauses, and rejects pending plays. @param {string} [name] @param {string} [reason] */
    #stop(name = "AbortError", reason = "paused") {
      this.#clock.stop();
      this.paused = true;
      clearInterval(this.#timeUpdates);
      this.dispatch("timeupdate");
      this.dispatch("pause");
      this.#plays.rejectAll(name, reason);
    }
  }

  globalThis.gomaaSurface = { MediaSurface };
})();
//# sourceURL=gomaa-surface.js
