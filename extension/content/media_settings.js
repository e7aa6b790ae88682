/**
 * In the page's own world: the settings of a media element and the numbers of its commands. Uses no document, so that
 * it is tested alone.
 */

(() => {
  /** Queues a microtask. Bound early, since the page may replace the browser's function. */
  const later = queueMicrotask.bind(globalThis);
  const MIN_RATE = 0.5;
  const MAX_RATE = 2;

  /** @typedef {import("../shared/page_messages.d.ts").PageState} PageState */

  /** Volume, mute, rate and pitch, each with the number of the last command that set it. */
  class MediaSettings {
    volume = 1;
    muted = false;
    rate = 1;
    defaultRate = 1;
    pitch = true;
    /** Number of the last command of each kind. @type {Record<string, number>} */
    #numbers = { play: 0, seek: 0, volume: 0, muted: 0, rate: 0, pitch: 0 };
    #lastNumber = 0;

    /**
     * @param {(command: string, value: unknown, number: number) => void} send to the engine
     * @param {(event: string) => void} dispatch to the page
     */
    constructor(send, dispatch) {
      this.send = send;
      /** Dispatches an event after the script that caused it, in order. @param {string} name */
      this.dispatch = (name) => later(() => dispatch(name));
    }

    /**
     * Sends a numbered command.
     * @param {string} kind @param {string} command @param {unknown} [value]
     */
    command(kind, command, value = null) {
      this.#numbers[kind] = ++this.#lastNumber;
      this.send(command, value, this.#lastNumber);
    }

    /** Number of the last command of a kind. @param {string} kind */
    numberOf(kind) {
      return Number(this.#numbers[kind]);
    }

    /** Resets the numbers, and sends the settings to a new stream, which has defaults. */
    resendSettings() {
      for (const kind of Object.keys(this.#numbers)) this.#numbers[kind] = 0;
      if (this.volume !== 1) this.command("volume", "volume", this.volume);
      if (this.muted) this.command("muted", "muted", true);
      if (this.rate !== 1) this.command("rate", "rate", this.rate);
      if (!this.pitch) this.command("pitch", "pitch", false);
    }

    /** Adopts the engine's settings, unless they are older than a command. @param {PageState} applied */
    applySettings(applied) {
      const isCurrent = (/** @type {string} */ kind) => applied.done >= this.numberOf(kind);
      const volume = isCurrent("volume") ? applied.volume : this.volume;
      const muted = isCurrent("muted") ? applied.muted : this.muted;
      if (volume !== this.volume || muted !== this.muted) this.dispatch("volumechange");
      Object.assign(this, { volume, muted });
      if (isCurrent("pitch")) this.pitch = applied.pitch;
      if (!isCurrent("rate") || applied.rate === this.rate) return;
      this.rate = applied.rate;
      this.dispatch("ratechange");
    }

    /** @param {number} value 0 to 1 */
    setVolume(value) {
      if (!Number.isFinite(value)) throw new TypeError("volume takes a finite number");
      if (value < 0 || value > 1) throw new DOMException("volume is from 0 to 1", "IndexSizeError");
      if (value === this.volume) return;
      this.volume = value;
      this.command("volume", "volume", value);
      this.dispatch("volumechange");
    }

    /** @param {boolean} value */
    setMuted(value) {
      if (value === this.muted) return;
      this.muted = value;
      this.command("muted", "muted", value);
      this.dispatch("volumechange");
    }

    /** @param {number} value */
    setRate(value) {
      if (!Number.isFinite(value)) throw new TypeError("playbackRate takes a finite number");
      if (value < MIN_RATE || value > MAX_RATE)
        throw new DOMException(`playbackRate is from ${MIN_RATE} to ${MAX_RATE}`, "NotSupportedError");
      if (value === this.rate) return;
      this.rate = value;
      this.command("rate", "rate", value);
      this.dispatch("ratechange");
    }

    /** @param {number} value */
    setDefaultRate(value) {
      if (!Number.isFinite(value)) throw new TypeError("defaultPlaybackRate takes a finite number");
      if (value === this.defaultRate) return;
      this.defaultRate = value;
      this.dispatch("ratechange");
    }

    /** @param {boolean} value whether the pitch is preserved */
    setPitch(value) {
      if (value === this.pitch) return;
      this.pitch = value;
      this.command("pitch", "pitch", value);
    }
  }

  globalThis.gomaaSettings = { MediaSettings };
})();
//# sourceURL=gomaa-settings.js
