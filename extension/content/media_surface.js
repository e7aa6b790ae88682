/**
 * In the page's own world: the state, events and promises of an audio element, derived from the engine's messages. Uses
 * no document, so that it is tested alone.
 *
 * element.js takes this class and deletes the global name before any script of the page runs.
 */

(() => {
  /**
   * State of a stream as the engine reports it. `wanted`: a play waits to begin; `denied`: number of the last play
   * command that was not allowed; `done`: number up to which all commands are done.
   * @typedef {{state: string, position_ms: number, duration_ms: number, ranges: [number, number][], volume: number,
   *   muted: boolean, rate: number, pitch: boolean, wanted: boolean, stalled: boolean, seekable: boolean,
   *   code: string | null, denied: number | null, done: number}} StreamState
   */
  /** @typedef {{resolve: () => void, reject: (error: DOMException) => void}} PendingPlay */
  /** @typedef {{code: number, message: string}} MediaProblem */

  const { Ranges, joined } = /** @type {any} */ (globalThis).gomaaRanges;
  const { MediaSettings } = /** @type {any} */ (globalThis).gomaaSettings;
  /**
   * Once the calling script is done; bound early, since the page may replace the browser's function.
   * @type {(work: () => void) => void}
   */
  const later = queueMicrotask.bind(globalThis);
  const SOUNDING = new Set(["playing", "waiting", "seeking", "starting"]);
  const RUNNING = new Set(["playing", "waiting"]);
  const OVER = new Set(["refused", "failed"]);
  const TICK_MS = 250;
  /** Longest time by which the position is extrapolated from the engine's last message. */
  const MAX_EXTRAPOLATION_MS = 2500;

  /** @type {StreamState} */
  const INITIAL_STATE = {
    state: "loading",
    position_ms: 0,
    duration_ms: 0,
    ranges: [],
    volume: 1,
    muted: false,
    rate: 1,
    pitch: true,
    wanted: false,
    stalled: false,
    seekable: true,
    code: null,
    denied: null,
    done: 0,
  };

  /** The surface of a media element: its properties, its events in the standard's order, and its play promises. */
  class MediaSurface extends MediaSettings {
    /** Last state of the engine. */
    reported = INITIAL_STATE;
    paused = true;
    seeking = false;
    ended = false;
    readyState = 0;
    networkState = 0;
    loop = false;
    autoplay = false;
    /** @type {MediaProblem | null} */
    error = null;
    /** Played ranges, seconds. @type {[number, number][]} */
    #played = [];
    /** @type {PendingPlay[]} */
    #pendingPlays = [];
    /** When the last state came, ms. */
    #reportedAt = 0;
    /** End of what was played, seconds. */
    #reachedS = 0;
    /** Target of a seek under way, seconds. @type {number | null} */
    #targetS = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    #timeUpdates;
    /** Whether a looping song begins again. */
    #isLooping = false;
    /** Whether `playing` waits for `seeked`. */
    #isPlayingDeferred = false;

    /**
     * @param {(command: string, value: unknown, number: number) => void} send to the engine
     * @param {(event: string) => void} dispatch to the page
     * @param {() => number} [now] ms
     */
    constructor(send, dispatch, now = () => performance.now()) {
      super(send, dispatch);
      this.now = now;
    }

    /** Loads another song, or the same again. @param {boolean} hasSource whether there is one */
    load(hasSource) {
      const { dispatch } = this;
      this.#rejectPlays("AbortError", "the song was changed");
      if (this.networkState === 2) dispatch("abort");
      if (this.networkState !== 0) {
        dispatch("emptied");
        if (this.currentTime !== 0) dispatch("timeupdate");
      }
      this.reported = INITIAL_STATE;
      Object.assign(this, { paused: true, seeking: false, ended: false, readyState: 0, error: null });
      this.#targetS = null;
      this.#reachedS = 0;
      this.#played = [];
      this.#isLooping = false;
      this.#isPlayingDeferred = false;
      clearInterval(this.#timeUpdates);
      this.networkState = hasSource ? 2 : 0;
      if (!hasSource) return;
      dispatch("loadstart");
      if (this.rate !== this.defaultRate) this.setRate(this.defaultRate);
    }

    /** Sends settings, position and play to a new stream of this song. */
    resend() {
      this.resendSettings();
      if (this.#targetS !== null) this.command("seek", "seek", Math.round(this.#targetS * 1000));
      if (!this.paused) this.command("play", "play");
    }

    /** @returns {number} seconds */
    get currentTime() {
      if (this.#targetS !== null) return this.#targetS;
      const { state, position_ms, duration_ms, rate } = this.reported;
      const elapsed = state === "playing" && !this.paused ? (this.now() - this.#reportedAt) * rate : 0;
      return Math.min(position_ms + Math.min(elapsed, MAX_EXTRAPOLATION_MS * rate), duration_ms || Infinity) / 1000;
    }

    get duration() {
      return this.readyState > 0 ? this.reported.duration_ms / 1000 : NaN;
    }

    get buffered() {
      return new Ranges(this.reported.ranges.map(([from, to]) => [from / 1000, to / 1000]));
    }

    get seekable() {
      return new Ranges(this.readyState > 0 && this.reported.seekable ? [[0, this.duration]] : []);
    }

    get played() {
      this.#updatePlayed();
      return new Ranges(this.#played.map(([from, to]) => [from, to]));
    }

    /** @returns {Promise<void>} */
    play() {
      if (this.error?.code === 4) return Promise.reject(new DOMException(this.error.message, "NotSupportedError"));
      return new Promise((resolve, reject) => {
        if (!this.paused && this.reported.state === "playing") return later(resolve);
        this.#pendingPlays.push({ resolve, reject });
        if (this.paused) {
          this.paused = false;
          this.ended = false;
          this.dispatch("play");
          this.command("play", "play");
        }
      });
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
      this.#updatePlayed();
      this.#targetS = target;
      this.seeking = true;
      this.ended = false;
      this.command("seek", "seek", Math.round(target * 1000));
      if (this.readyState > 0) this.dispatch("seeking");
    }

    /** Handles a state of the engine. @param {Partial<StreamState>} message */
    onState(message) {
      const was = this.reported;
      const next = { ...INITIAL_STATE, ...message };
      // The song loads again, of which the engine does not always send a message first. A play command sent in between
      // is for the song that is loaded now.
      if (OVER.has(was.state) && !OVER.has(next.state)) {
        const { paused } = this;
        const pendingPlays = this.#pendingPlays.splice(0);
        this.load(true);
        Object.assign(this, { paused });
        this.#pendingPlays = pendingPlays;
      }
      this.#updatePlayed();
      // A late message may have a position beyond the extrapolated one.
      if (RUNNING.has(was.state) && next.state !== "seeking" && !this.seeking) this.#playedTo(next.position_ms / 1000);
      this.reported = next;
      this.#reportedAt = this.now();
      this.#reachedS = next.position_ms / 1000;
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

    /** Events of the buffer. @param {StreamState} was @param {StreamState} next */
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

    /** Events of seeks, by the page or the person. @param {StreamState} was @param {StreamState} next */
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
      this.#targetS = null;
      this.dispatch("timeupdate");
      this.dispatch("seeked");
      if (this.readyState < 4 && next.state !== "waiting") {
        this.readyState = 4;
        this.dispatch("canplay");
        this.dispatch("canplaythrough");
      }
    }

    /** Play and pause by the person, and the end. @param {StreamState} next */
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
          this.#rejectPlays("AbortError", "the song ended");
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

    /** Events of audible playback and of stalls. @param {StreamState} was @param {StreamState} next */
    #updatePlaying(was, next) {
      // `playing` comes after `seeked` in the standard, also where sound comes before the seek is reported as done.
      if (next.state === "playing" && !this.paused && this.seeking) this.#isPlayingDeferred = true;
      else if (next.state === "playing" && !this.paused) {
        if (this.readyState < 4) {
          this.readyState = 4;
          this.dispatch("canplay");
        }
        if (was.state !== "playing" || this.#isPlayingDeferred || this.#pendingPlays.length) {
          if (this.#isLooping) this.dispatch("seeked");
          this.#isLooping = false;
          this.#isPlayingDeferred = false;
          this.dispatch("playing");
        }
        for (const { resolve } of this.#pendingPlays.splice(0)) later(resolve);
      } else if (next.state === "waiting" && was.state !== "waiting" && !this.paused) {
        this.readyState = 2;
        this.dispatch("waiting");
      } else if (next.state === "seeking" && was.state === "playing" && !this.paused) this.dispatch("waiting");
      else if (next.state === "paused" && this.readyState < 4) this.readyState = 4;
      clearInterval(this.#timeUpdates);
      if (next.state === "playing" && !this.paused)
        this.#timeUpdates = setInterval(() => this.dispatch("timeupdate"), TICK_MS);
    }

    /** The engine refused or failed. @param {StreamState} next */
    #fail(next) {
      clearInterval(this.#timeUpdates);
      this.seeking = false;
      this.#targetS = null;
      if (this.error) return;
      const code = next.code ?? "failed";
      const refused = next.state === "refused";
      // A failed load is "not supported", whatever the reason; after it a song was refused, or did not come.
      this.error = { code: this.readyState === 0 ? 4 : refused ? 1 : 2, message: code };
      this.networkState = this.readyState === 0 ? 3 : 1;
      this.dispatch("error");
      const name = refused ? "NotAllowedError" : this.readyState === 0 ? "NotSupportedError" : "AbortError";
      if (this.paused) this.#rejectPlays(name, code);
      else this.#stop(name, code);
    }

    /** Pauses, and rejects pending plays. @param {string} [name] @param {string} [why] */
    #stop(name = "AbortError", why = "paused") {
      this.#updatePlayed();
      // The extrapolated position is where it stops.
      this.reported = { ...this.reported, position_ms: Math.round(this.currentTime * 1000) };
      this.#reachedS = this.currentTime;
      this.paused = true;
      clearInterval(this.#timeUpdates);
      this.dispatch("timeupdate");
      this.dispatch("pause");
      this.#rejectPlays(name, why);
    }

    /** Rejects pending plays. @param {string} name @param {string} why */
    #rejectPlays(name, why) {
      for (const { reject } of this.#pendingPlays.splice(0)) later(() => reject(new DOMException(why, name)));
    }

    /** Extends the played ranges to the present position. */
    #updatePlayed() {
      if (this.reported.state === "playing" && !this.paused && this.#targetS === null) this.#playedTo(this.currentTime);
    }

    /** Extends the played ranges. @param {number} to seconds */
    #playedTo(to) {
      if (to > this.#reachedS) this.#played = joined(this.#played, this.#reachedS, to);
      this.#reachedS = to;
    }
  }

  /** @type {any} */ (globalThis).gomaaSurface = { MediaSurface };
})();
//# sourceURL=gomaa-surface.js
