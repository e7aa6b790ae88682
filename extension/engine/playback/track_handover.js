/**
 * Handover from one track to the next without a pause of the sound: a stop and a play at the host, each with its own
 * ticket.
 *
 * Gapless: the next track is appended to the same buffer. Crossfade: it starts in a buffer of its own while the track
 * before fades out. In both cases the play of the one ends at the host where that of the other starts.
 */

/** Time before the end at which the handover starts, for the host's result, the keys and the first segment. */
export const LEAD_MS = 1_000;
/** Time between two checks near the end, and before. */
const NEAR_POLL_MS = 100;
const POLL_MS = 1_000;
const STEP_MS = 50;

/** @typedef {import("./stream.js").Stream} Stream */

export class TrackHandover {
  isStarted = false;

  /**
   * @param {Stream} before
   * @param {Stream} after
   * @param {number} fadeS of the crossfade; 0: gapless
   * @param {() => void} onDone called when the next track plays
   */
  constructor(before, after, fadeS, onDone) {
    this.before = before;
    this.after = after;
    this.fadeMs = fadeS * 1000;
    this.onDone = onDone;
    this.poll();
  }

  /** Checks again and again, often only near the end. @private */
  poll() {
    const isFar = this.leftMs > this.leadMs + 2 * POLL_MS;
    this.timer = setTimeout(
      () => {
        this.poll();
        this.check();
      },
      isFar ? POLL_MS : NEAR_POLL_MS,
    );
  }

  /** Cancels the handover. */
  close() {
    clearTimeout(this.timer);
  }

  /** Time until the end of the track before. @private */
  get leftMs() {
    const { info, sound, settings } = this.before;
    return info ? (info.duration_ms - sound.positionMs) / settings.rate : Infinity;
  }

  /** Time before the end at which the handover is due. @private */
  get leadMs() {
    const { before, after } = this;
    if (!before.info || !after.info) return LEAD_MS;
    return Math.max(LEAD_MS, Math.min(this.fadeMs, before.info.duration_ms / 2, after.info.duration_ms / 2));
  }

  /** True if the end is near and the next track is ready. */
  get isDue() {
    const { before, after } = this;
    if (before.session.state !== "playing" || !before.scheduler?.isComplete || after.session.state !== "ready")
      return false;
    // The list is the page's: a track with a limited use waits for a press.
    if (after.gate.refusal("play", "activated")) return false;
    if (!before.info || !after.info) return false;
    return this.leftMs <= this.leadMs && this.leftMs > 0;
  }

  /** Starts the handover when it is due. */
  check() {
    if (this.isStarted) return;
    if (!this.isDue) return this.before.monitor.endIfLast();
    this.isStarted = true;
    this.close();
    this.run().catch((error) => this.after.fail(error));
  }

  /** @private */
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
    if (!after.session.isOver) this.onDone();
  }

  /** Runs an equal-power crossfade. @private @param {import("../media/track_audio.js").TrackAudio} old */
  fade(old) {
    const { after } = this;
    const began = old.positionMs;
    const length = Math.max(STEP_MS, old.durationMs - began);
    const timer = setInterval(() => {
      const part = old.audio.ended ? 1 : Math.min(1, (old.positionMs - began) / length);
      // A pause or a seek of the new track ends the fade.
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
