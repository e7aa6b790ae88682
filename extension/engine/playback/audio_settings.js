/**
 * Volume, mute, speed and pitch of a stream, as the listener has set them.
 */

const SLOWEST = 0.5;
const FASTEST = 2;

export class AudioSettings {
  volume = 1;
  muted = false;
  rate = 1;
  /** @type {boolean} whether another speed keeps the pitch */
  pitch = true;

  /** Takes over another stream's settings. @param {AudioSettings} other */
  copy({ volume, muted, rate, pitch }) {
    Object.assign(this, { volume, muted, rate, pitch });
  }

  /** @param {number} value */
  setVolume(value) {
    this.volume = Math.min(1, Math.max(0, value));
  }

  /** The nearest speed that a player offers. @param {number} value */
  static nearestRate(value) {
    return Math.min(FASTEST, Math.max(SLOWEST, value || 1));
  }

  /** @param {HTMLMediaElement} audio */
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
