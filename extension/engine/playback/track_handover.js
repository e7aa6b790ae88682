/**
 * From one track to the next: the host hears a stop and a play, each under its own ticket, while the sound goes on.
 *
 * Gapless: the next song follows on the same deck, from the very end of the one before. Crossfade: it begins on a deck
 * of its own while the
 * one before fades. In both the moment of the stop ends what counts for one and begins what counts for the other:
 * nothing is heard twice.
 */

/** So long before its end a song hands over: the time for the host's answer, the keys and the first segment. */
export const LEAD_MS = 1_000;
const POLL_MS = 100;
const STEP_MS = 50;

/** @typedef {import("./stream.js").Stream} Stream */

export class TrackHandover {
  isStarted = false;

  /**
   * @param {Stream} before
   * @param {Stream} after
   * @param {number} fadeS of the crossfade; 0: gapless
   * @param {() => void} done the next song plays
   */
  constructor(before, after, fadeS, done) {
    this.before = before;
    this.after = after;
    this.fadeMs = fadeS * 1000;
    this.done = done;
    this.timer = setInterval(() => this.check(), POLL_MS);
  }

  close() {
    clearInterval(this.timer);
  }

  /** Whether it is time, and everything is there. */
  get isDue() {
    const { before, after } = this;
    if (before.session.state !== "playing" || !before.scheduler?.isComplete || after.session.state !== "ready")
      return false;
    // The page made the list: a song that takes something from the listener waits for a press of its own.
    if (after.gate.refusal("play", "activated")) return false;
    const left = (before.info.duration_ms - before.sound.positionMs) / before.settings.rate;
    const fade = Math.min(this.fadeMs, before.info.duration_ms / 2, after.info.duration_ms / 2);
    return left <= Math.max(LEAD_MS, fade) && left > 0;
  }

  check() {
    if (this.isStarted) return;
    if (!this.isDue) return this.before.endIfLast();
    this.isStarted = true;
    this.close();
    this.run().catch((error) => this.after.fail(error));
  }

  async run() {
    const { before, after } = this;
    after.settings.copy(before.settings);
    const old = before.sound;
    await before.session.handOver();
    if (this.fadeMs > 0) {
      old.isFadingOut = true;
      old.finish().catch(() => undefined);
      after.applySettings();
      after.sound.audio.volume = 0;
    } else await after.sound.follow(old);
    await after.play("activated");
    if (this.fadeMs > 0) this.fade(old);
    if (!after.session.isOver) this.done();
  }

  /** Equal power: what one loses the other gains. @param {import("../media/track_audio.js").TrackAudio} old */
  fade(old) {
    const { after } = this;
    const began = old.positionMs;
    const length = Math.max(STEP_MS, old.durationMs - began);
    const timer = setInterval(() => {
      const part = old.audio.ended ? 1 : Math.min(1, (old.positionMs - began) / length);
      // A pause, a seek or another volume belongs to the song that plays now.
      const over = part >= 1 || (after.session.state !== "playing" && after.session.state !== "starting");
      after.sound.audio.volume = over ? after.settings.volume : after.settings.volume * Math.sin((part * Math.PI) / 2);
      old.audio.volume = after.settings.volume * Math.cos((part * Math.PI) / 2);
      old.audio.muted = after.settings.muted;
      if (!over) return;
      clearInterval(timer);
      old.isFadingOut = false;
      old.close();
    }, STEP_MS);
  }
}
