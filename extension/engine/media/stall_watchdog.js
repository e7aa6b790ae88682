/**
 * Detects an audio element that stalls with sound in its buffer, and moves its position.
 */

/** Time without progress that is a stall. */
const STALL_MS = 3_000;
const NUDGE_S = 0.05;
/** Longest gap of the buffer that is skipped. */
const MAX_GAP_S = 2;
const MAX_NUDGES = 5;

export class StallWatchdog {
  #at = -1;
  #since = 0;
  /** Nudges since the position last moved. */
  nudges = 0;

  /**
   * Compares the position with that of the last check.
   * @param {HTMLAudioElement} audio
   * @param {boolean} playing it should play
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
    if (nowMs - this.#since < STALL_MS) return "still";
    this.#since = nowMs;
    const next = this.#next(audio);
    // Without a buffer it waits for the network.
    if (next === null) return "still";
    if (this.nudges >= MAX_NUDGES) return "given up";
    this.nudges++;
    if (next > audio.currentTime) audio.currentTime = next;
    this.#at = audio.currentTime;
    // The system may have paused it.
    audio.play().catch(() => undefined);
    return "nudged";
  }

  /** Position of buffered sound: the present one, or the end of a short gap. @param {HTMLAudioElement} audio */
  #next({ buffered, currentTime }) {
    for (let i = 0; i < buffered.length; i++) {
      if (currentTime < buffered.start(i))
        return buffered.start(i) - currentTime <= MAX_GAP_S ? buffered.start(i) + 0.01 : null;
      if (currentTime + 0.5 < buffered.end(i)) return this.nudges === 0 ? currentTime : currentTime + NUDGE_S;
    }
    return null;
  }
}
