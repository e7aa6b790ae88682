/**
 * In the page's own world: the position and the played ranges of a media element between two states of the engine. Uses
 * no document, so that it is tested alone.
 */

(() => {
  /** @typedef {import("../shared/page_messages.d.ts").PageState} PageState */
  /** @typedef {import("./globals.js").TimeRange} TimeRange */

  const { join } = globalThis.gomaaRanges;
  const RUNNING = new Set(["playing", "waiting"]);

  /** @type {PageState} */
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

  /** Extrapolates the position from the engine's last state, and records what was played. */
  class MediaClock {
    /** Last state of the engine. */
    reported = INITIAL_STATE;
    /** Played ranges, seconds. @type {TimeRange[]} */
    played = [];
    /** Target of a pending seek, seconds. @type {number | null} */
    targetS = null;
    /** Time of the last state, ms. */
    #reportedAt = 0;
    /** Position up to which `played` is complete, seconds. */
    #reachedS = 0;

    /** @param {() => number} now ms @param {() => boolean} isPaused whether the element is paused */
    constructor(now, isPaused) {
      this.now = now;
      this.isPaused = isPaused;
    }

    /** Starts again, for another song. */
    reset() {
      this.reported = INITIAL_STATE;
      this.played = [];
      this.targetS = null;
      this.#reachedS = 0;
    }

    /** @returns {number} seconds */
    get positionS() {
      if (this.targetS !== null) return this.targetS;
      const { state, position_ms, duration_ms, rate } = this.reported;
      const elapsed = state === "playing" && !this.isPaused() ? (this.now() - this.#reportedAt) * rate : 0;
      return Math.min(position_ms + elapsed, duration_ms || Infinity) / 1000;
    }

    /** Sets the position to the target of a seek. @param {number} seconds */
    startSeek(seconds) {
      this.extendPlayed();
      this.targetS = seconds;
    }

    endSeek() {
      this.targetS = null;
    }

    /**
     * Continues from a state of the engine.
     * @param {PageState} next
     * @param {boolean} isSeeking whether a seek is pending
     */
    report(next, isSeeking) {
      this.extendPlayed();
      const positionS = next.position_ms / 1000;
      // The position of a late state may be beyond the extrapolated one.
      if (RUNNING.has(this.reported.state) && next.state !== "seeking" && !isSeeking) this.#playedTo(positionS);
      this.reported = next;
      this.#reportedAt = this.now();
      this.#reachedS = positionS;
    }

    /** Keeps the extrapolated position, where playback stops. */
    stop() {
      this.extendPlayed();
      const { positionS } = this;
      this.reported = { ...this.reported, position_ms: Math.round(positionS * 1000) };
      this.#reachedS = positionS;
    }

    /** Extends the played ranges to the present position. */
    extendPlayed() {
      if (this.reported.state === "playing" && !this.isPaused() && this.targetS === null)
        this.#playedTo(this.positionS);
    }

    /** @param {number} to seconds */
    #playedTo(to) {
      if (to > this.#reachedS) this.played = join(this.played, this.#reachedS, to);
      this.#reachedS = to;
    }
  }

  globalThis.gomaaClock = { MediaClock, INITIAL_STATE };
})();
//# sourceURL=gomaa-clock.js
