/**
 * In the page's own world: what an audio element says and does, kept from what the engine tells. No document here, so
 * that it is tested alone.
 *
 * element.js takes this class and removes the name again before any script of the page runs.
 */

(() => {
  /**
   * @typedef {{state: string, position_ms: number, duration_ms: number, ranges: [number, number][], volume: number,
   * muted: boolean, rate: number,
   * pitch: boolean, wanted: boolean, stalled: boolean, seekable: boolean, code: string | null, denied: number | null,
   * done: number}} Told
   */
  /** @typedef {{resolve: () => void, reject: (error: DOMException) => void}} Waiting */
  /** @typedef {{code: number, message: string}} MediaProblem */

  const { Ranges, joined } = /** @type {any} */ (globalThis).gomaaRanges;
  /**
   * Once this script is done, whatever the page puts in the place of the browser's own.
   * @type {(work: () => void) => void}
   */
  const later = queueMicrotask.bind(globalThis);
  const SOUNDING = new Set(["playing", "waiting", "seeking", "starting"]);
  const RUNNING = new Set(["playing", "waiting"]);
  const OVER = new Set(["refused", "failed"]);
  const TICK_MS = 250;
  /** Between two words of the engine the clock runs on, but no further than this. */
  const AHEAD_MS = 2500;
  const SLOWEST = 0.5;
  const FASTEST = 2;

  /** @type {Told} */
  const NOTHING = {
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

  class Surface {
    told = NOTHING;
    paused = true;
    seeking = false;
    ended = false;
    readyState = 0;
    networkState = 0;
    volume = 1;
    muted = false;
    rate = 1;
    defaultRate = 1;
    pitch = true;
    loop = false;
    autoplay = false;
    /** @type {MediaProblem | null} */
    error = null;
    /** @type {[number, number][]} */
    #played = [];
    /** @type {Waiting[]} */
    #waiting = [];
    /** @type {Record<string, number>} the number of the last wish of each kind */
    #asked = { play: 0, seek: 0, volume: 0, muted: 0, rate: 0, pitch: 0 };
    #at = 0;
    #place = 0;
    /** @type {number | null} seconds: where a seek that is under way goes */
    #target = null;
    #count = 0;
    /** @type {any} */
    #ticking = null;
    #cycle = false;
    /** Sound after a seek whose `playing` waits for `seeked`. */
    #unsaid = false;

    /**
     * @param {(command: string, value: unknown, number: number) => void} ask
     * @param {(event: string) => void} say
     * @param {() => number} [now] ms
     */
    constructor(ask, say, now = () => performance.now()) {
      this.ask = ask;
      this.now = now;
      /** Events come after the script that caused them, in order. @param {string} name */
      this.say = (name) => later(() => say(name));
    }

    /** @param {string} kind @param {string} command @param {unknown} [value] */
    #wish(kind, command, value = null) {
      this.#asked[kind] = ++this.#count;
      this.ask(command, value, this.#count);
    }

    /** Another song, or the same again. @param {boolean} there whether there is one */
    load(there) {
      const { say } = this;
      this.#reject("AbortError", "the song was changed");
      if (this.networkState === 2) say("abort");
      if (this.networkState !== 0) {
        say("emptied");
        if (this.currentTime !== 0) say("timeupdate");
      }
      this.told = NOTHING;
      Object.assign(this, { paused: true, seeking: false, ended: false, readyState: 0, error: null });
      this.#target = null;
      this.#place = 0;
      this.#played = [];
      this.#cycle = false;
      this.#unsaid = false;
      clearInterval(this.#ticking);
      this.networkState = there ? 2 : 0;
      if (!there) return;
      say("loadstart");
      if (this.rate !== this.defaultRate) this.setRate(this.defaultRate);
    }

    /** Another stream plays this song from here on, and knows nothing of what was wished before. */
    again() {
      for (const kind of Object.keys(this.#asked)) this.#asked[kind] = 0;
      if (this.volume !== 1) this.#wish("volume", "volume", this.volume);
      if (this.muted) this.#wish("muted", "muted", true);
      if (this.rate !== 1) this.#wish("rate", "rate", this.rate);
      if (!this.pitch) this.#wish("pitch", "pitch", false);
      if (this.#target !== null) this.#wish("seek", "seek", Math.round(this.#target * 1000));
      if (!this.paused) this.#wish("play", "play");
    }

    /** @returns {number} seconds */
    get currentTime() {
      if (this.#target !== null) return this.#target;
      const { state, position_ms, duration_ms, rate } = this.told;
      const on = state === "playing" && !this.paused ? (this.now() - this.#at) * rate : 0;
      return Math.min(position_ms + Math.min(on, AHEAD_MS * rate), duration_ms || Infinity) / 1000;
    }

    get duration() {
      return this.readyState > 0 ? this.told.duration_ms / 1000 : NaN;
    }

    get buffered() {
      return new Ranges(this.told.ranges.map(([from, to]) => [from / 1000, to / 1000]));
    }

    get seekable() {
      return new Ranges(this.readyState > 0 && this.told.seekable ? [[0, this.duration]] : []);
    }

    get played() {
      this.#listen();
      return new Ranges(this.#played.map(([from, to]) => [from, to]));
    }

    /** @returns {Promise<void>} */
    play() {
      if (this.error?.code === 4) return Promise.reject(new DOMException(this.error.message, "NotSupportedError"));
      return new Promise((resolve, reject) => {
        if (!this.paused && this.told.state === "playing") return later(resolve);
        this.#waiting.push({ resolve, reject });
        if (this.paused) {
          this.paused = false;
          this.ended = false;
          this.say("play");
          this.#wish("play", "play");
        }
      });
    }

    pause() {
      this.autoplay = false;
      if (this.paused) return;
      this.#stopped();
      this.#wish("play", "pause");
    }

    /** @param {number} seconds */
    seek(seconds) {
      if (!Number.isFinite(seconds)) throw new TypeError("currentTime takes a finite number");
      const target = Math.max(0, Math.min(seconds, this.duration || Infinity));
      this.#listen();
      this.#target = target;
      this.seeking = true;
      this.ended = false;
      this.#wish("seek", "seek", Math.round(target * 1000));
      if (this.readyState > 0) this.say("seeking");
    }

    /** @param {number} value */
    setVolume(value) {
      if (!Number.isFinite(value)) throw new TypeError("volume takes a finite number");
      if (value < 0 || value > 1) throw new DOMException("volume is from 0 to 1", "IndexSizeError");
      if (value === this.volume) return;
      this.volume = value;
      this.#wish("volume", "volume", value);
      this.say("volumechange");
    }

    /** @param {boolean} value */
    setMuted(value) {
      if (value === this.muted) return;
      this.muted = value;
      this.#wish("muted", "muted", value);
      this.say("volumechange");
    }

    /** @param {number} value */
    setRate(value) {
      if (!Number.isFinite(value)) throw new TypeError("playbackRate takes a finite number");
      if (value < SLOWEST || value > FASTEST)
        throw new DOMException(`playbackRate is from ${SLOWEST} to ${FASTEST}`, "NotSupportedError");
      if (value === this.rate) return;
      this.rate = value;
      this.#wish("rate", "rate", value);
      this.say("ratechange");
    }

    /** @param {number} value */
    setDefaultRate(value) {
      if (!Number.isFinite(value)) throw new TypeError("defaultPlaybackRate takes a finite number");
      if (value === this.defaultRate) return;
      this.defaultRate = value;
      this.say("ratechange");
    }

    /** @param {boolean} value */
    setPitch(value) {
      if (value === this.pitch) return;
      this.pitch = value;
      this.#wish("pitch", "pitch", value);
    }

    /** What the engine says. @param {Partial<Told>} message */
    hear(message) {
      const was = this.told;
      const next = { ...NOTHING, ...message };
      // The player has begun anew, which the engine does not always say first. A play that was asked for meanwhile is
      // for what it has now.
      if (OVER.has(was.state) && !OVER.has(next.state)) {
        const { paused } = this;
        const waiting = this.#waiting.splice(0);
        this.load(true);
        Object.assign(this, { paused });
        this.#waiting = waiting;
      }
      this.#listen();
      // A message that was under way for long finds the music further on than this page's clock had it.
      if (RUNNING.has(was.state) && next.state !== "seeking" && !this.seeking) this.#reached(next.position_ms / 1000);
      this.told = next;
      this.#at = this.now();
      this.#place = next.position_ms / 1000;
      this.#settings(next);
      if (OVER.has(next.state)) return this.#failed(next);
      if (this.readyState === 0 && next.duration_ms > 0 && next.state !== "loading") this.#ready();
      else if (this.readyState > 0 && next.duration_ms !== was.duration_ms) this.say("durationchange");
      this.#buffer(was, next);
      this.#move(was, next);
      if (next.denied && next.denied >= Number(this.#asked["play"]) && !this.paused) {
        this.#stopped("NotAllowedError", "a person has to press play");
      } else if (next.done >= Number(this.#asked["play"])) this.#follow(next);
      this.#sound(was, next);
    }

    /** @param {Told} next */
    #settings(next) {
      const fresh = (/** @type {string} */ kind) => next.done >= Number(this.#asked[kind]);
      const volume = fresh("volume") ? next.volume : this.volume;
      const muted = fresh("muted") ? next.muted : this.muted;
      if (volume !== this.volume || muted !== this.muted) this.say("volumechange");
      Object.assign(this, { volume, muted });
      if (fresh("pitch")) this.pitch = next.pitch;
      if (!fresh("rate") || next.rate === this.rate) return;
      this.rate = next.rate;
      this.say("ratechange");
    }

    #ready() {
      this.networkState = 1;
      this.readyState = 4;
      for (const name of ["durationchange", "loadedmetadata", "loadeddata", "canplay", "canplaythrough", "suspend"])
        this.say(name);
      if (this.autoplay && this.paused) this.play().catch(() => undefined);
    }

    /** @param {Told} was @param {Told} next */
    #buffer(was, next) {
      if (this.readyState === 0) return;
      if (JSON.stringify(was.ranges) !== JSON.stringify(next.ranges)) {
        this.networkState = 2;
        this.say("progress");
        if ((next.ranges.at(-1)?.[1] ?? 0) >= next.duration_ms - 50) {
          this.networkState = 1;
          this.say("suspend");
        }
      }
      if (next.stalled && !was.stalled) this.say("stalled");
    }

    /** Seeks of the page and of the person. @param {Told} was @param {Told} next */
    #move(was, next) {
      if (this.readyState === 0) return;
      if (next.state === "seeking") {
        if (!this.seeking) this.say("seeking");
        this.seeking = true;
        this.readyState = 1;
        return;
      }
      if (!this.seeking || next.done < Number(this.#asked["seek"])) {
        if (next.position_ms !== was.position_ms) this.say("timeupdate");
        return;
      }
      this.seeking = false;
      this.#target = null;
      this.say("timeupdate");
      this.say("seeked");
      if (this.readyState < 4 && next.state !== "waiting") {
        this.readyState = 4;
        this.say("canplay");
        this.say("canplaythrough");
      }
    }

    /** Play and pause by a person in the player, and the end. @param {Told} next */
    #follow(next) {
      if (next.state === "ended") {
        if (this.ended) return;
        if (this.loop && !this.paused) {
          // Every round is a play of its own, decided and counted like the first.
          this.#cycle = true;
          this.say("seeking");
          this.#wish("play", "play");
          return;
        }
        this.ended = true;
        this.readyState = 2;
        if (!this.paused) {
          this.paused = true;
          this.say("pause");
          this.#reject("AbortError", "the song ended");
        }
        this.say("ended");
        return;
      }
      this.ended = false;
      const paused = !(SOUNDING.has(next.state) || next.wanted);
      if (paused === this.paused) return;
      if (paused) this.#stopped();
      else {
        this.paused = false;
        this.say("play");
      }
    }

    /** @param {Told} was @param {Told} next */
    #sound(was, next) {
      // Sound that comes before the engine's word that the seek is done is told after `seeked`, as the standard orders
      // them.
      if (next.state === "playing" && !this.paused && this.seeking) this.#unsaid = true;
      else if (next.state === "playing" && !this.paused) {
        if (this.readyState < 4) {
          this.readyState = 4;
          this.say("canplay");
        }
        if (was.state !== "playing" || this.#unsaid || this.#waiting.length) {
          if (this.#cycle) this.say("seeked");
          this.#cycle = false;
          this.#unsaid = false;
          this.say("playing");
        }
        for (const { resolve } of this.#waiting.splice(0)) later(resolve);
      } else if (next.state === "waiting" && was.state !== "waiting" && !this.paused) {
        this.readyState = 2;
        this.say("waiting");
      } else if (next.state === "seeking" && was.state === "playing" && !this.paused) this.say("waiting");
      else if (next.state === "paused" && this.readyState < 4) this.readyState = 4;
      clearInterval(this.#ticking);
      if (next.state === "playing" && !this.paused) this.#ticking = setInterval(() => this.say("timeupdate"), TICK_MS);
    }

    /** @param {Told} next */
    #failed(next) {
      clearInterval(this.#ticking);
      this.seeking = false;
      this.#target = null;
      if (this.error) return;
      const code = next.code ?? "failed";
      const refused = next.state === "refused";
      // A failed load is "not supported", whatever the reason; after it a song was refused, or did not come.
      this.error = { code: this.readyState === 0 ? 4 : refused ? 1 : 2, message: code };
      this.networkState = this.readyState === 0 ? 3 : 1;
      this.say("error");
      const name = refused ? "NotAllowedError" : this.readyState === 0 ? "NotSupportedError" : "AbortError";
      if (this.paused) this.#reject(name, code);
      else this.#stopped(name, code);
    }

    /** @param {string} [name] @param {string} [why] */
    #stopped(name = "AbortError", why = "paused") {
      this.#listen();
      // What the clock has run on by is where it stands.
      this.told = { ...this.told, position_ms: Math.round(this.currentTime * 1000) };
      this.#place = this.currentTime;
      this.paused = true;
      clearInterval(this.#ticking);
      this.say("timeupdate");
      this.say("pause");
      this.#reject(name, why);
    }

    /** @param {string} name @param {string} why */
    #reject(name, why) {
      for (const { reject } of this.#waiting.splice(0)) later(() => reject(new DOMException(why, name)));
    }

    /** What has been played until now. */
    #listen() {
      if (this.told.state === "playing" && !this.paused && this.#target === null) this.#reached(this.currentTime);
    }

    /** The music ran on to here from where it was last. @param {number} to seconds */
    #reached(to) {
      if (to > this.#place) this.#played = joined(this.#played, this.#place, to);
      this.#place = to;
    }
  }

  /** @type {any} */ (globalThis).gomaaSurface = { Surface };
})();
//# sourceURL=gomaa-surface.js
