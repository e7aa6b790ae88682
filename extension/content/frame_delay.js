/**
 * Decides when the frame of a track is made: at once, or after the sound of a play that its page has requested already.
 * In the world of content.js.
 */

(() => {
  /** @typedef {import("../shared/page_messages.d.ts").PageState} PageState */

  /**
   * Longest time for which a frame waits for the sound, ms. Its document loads its modules on the thread on which the
   * engine opens and starts the song, and delays the sound by about 100 ms. A person presses in the frame, or reads in
   * it why there is no sound: longer than this would be noticed as a delay of the player.
   */
  const MAX_DELAY_MS = 300;

  class FrameDelay {
    /** Makes the frame; null where none waits. @type {(() => void) | null} */
    #make = null;
    /** Number of the last play command to the stream; null without one, or after a pause. @type {number | null} */
    #play = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;

    /** Forgets the frame and the commands: another stream is requested, or the track is removed. */
    reset() {
      clearTimeout(this.#timer);
      this.#make = this.#play = null;
    }

    /**
     * Makes the frame of a stream now, or after its sound.
     * @param {() => void} make
     * @param {boolean} isAutomatic the element requests a play once the song is loaded
     */
    start(make, isAutomatic) {
      clearTimeout(this.#timer);
      this.#make = make;
      if (this.#play === null && !isAutomatic) return this.#end();
      this.#timer = setTimeout(() => this.#end(), MAX_DELAY_MS);
    }

    /** Records a command to the stream. @param {string} name @param {number} n its number; 0: without one */
    onCommand(name, n) {
      if (name === "play") this.#play = n;
      else if (name === "pause") {
        this.#play = null;
        this.#end();
      }
    }

    /** Makes the frame where no sound is about to start. @param {PageState} state after the page has handled it */
    onState(state) {
      if (this.#make === null || this.#awaitsSound(state)) return;
      // After the page's own events, which follow in microtasks of this task.
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#end());
    }

    /** @param {PageState} state */
    #awaitsSound({ state, wanted, denied, done }) {
      const play = this.#play ?? 0;
      if (play > 0 && play <= (denied ?? 0)) return false;
      return state === "loading" || state === "starting" || (state === "ready" && (wanted || play > done));
    }

    #end() {
      clearTimeout(this.#timer);
      const make = this.#make;
      this.#make = null;
      make?.();
    }
  }

  globalThis.gomaaFrameDelay = { FrameDelay, MAX_DELAY_MS };
})();
