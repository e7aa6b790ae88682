/**
 * Detects an audio element that stalls with sound in its buffer, and nudges it.
 */

const STILL_MS = 3_000;
const NUDGE_S = 0.05;
const HOLE_S = 2;
const MOST = 5;

export class StallWatchdog {
  #at = -1;
  #since = 0;
  /** @type {number} nudges since the position last moved */
  nudges = 0;

  /**
   * @param {HTMLAudioElement} audio
   * @param {boolean} playing whether it should sound
   * @param {number} nowMs
   * @returns {"fine" | "still" | "nudged" | "given up"}
   */
  check(audio, playing, nowMs) {
    if (!playing || audio.seeking || audio.currentTime !== this.#at) {
      if (audio.currentTime !== this.#at) this.nudges = 0;
      this.#at = audio.currentTime;
      this.#since = nowMs;
      return "fine";
    }
    if (nowMs - this.#since < STILL_MS) return "still";
    this.#since = nowMs;
    const next = this.#next(audio);
    // With nothing buffered it waits for the network.
    if (next === null) return "still";
    if (this.nudges >= MOST) return "given up";
    this.nudges++;
    if (next > audio.currentTime) audio.currentTime = next;
    this.#at = audio.currentTime;
    // A system that took the sound away has paused it.
    audio.play().catch(() => undefined);
    return "nudged";
  }

  /** Position of buffered sound: here, or behind a small hole. @param {HTMLAudioElement} audio */
  #next({ buffered, currentTime }) {
    for (let i = 0; i < buffered.length; i++) {
      if (currentTime < buffered.start(i))
        return buffered.start(i) - currentTime <= HOLE_S ? buffered.start(i) + 0.01 : null;
      if (currentTime + 0.5 < buffered.end(i)) return this.nudges === 0 ? currentTime : currentTime + NUDGE_S;
    }
    return null;
  }
}
