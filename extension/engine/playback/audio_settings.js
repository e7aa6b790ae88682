/**
 * Volume, mute, speed and pitch of a stream.
 */

const MIN_RATE = 0.5;
const MAX_RATE = 2;

export class AudioSettings {
  volume = 1;
  muted = false;
  rate = 1;
  /** The pitch is preserved at another speed. */
  pitch = true;

  /** Copies the settings of another stream. @param {AudioSettings} other */
  copy({ volume, muted, rate, pitch }) {
    Object.assign(this, { volume, muted, rate, pitch });
  }

  /** Sets the volume, within [0, 1]. @param {number} value */
  setVolume(value) {
    this.volume = Math.min(1, Math.max(0, value));
  }

  /** The nearest possible speed. @param {number} value */
  static nearestRate(value) {
    return Math.min(MAX_RATE, Math.max(MIN_RATE, value || 1));
  }

  /** Applies the settings to an audio element. @param {HTMLMediaElement} audio */
  applyTo(audio) {
    Object.assign(audio, {
      volume: this.volume,
      muted: this.muted,
      defaultPlaybackRate: this.rate,
      playbackRate: this.rate,
      preservesPitch: this.pitch,
    });
  }
}
