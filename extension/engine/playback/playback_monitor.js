/**
 * Periodic work of an active play: publishes its state, detects stalls, and ends a track that has no successor.
 */

import { Problem } from "../../shared/problem.js";
import { StallWatchdog } from "../media/stall_watchdog.js";

const PERIOD_MS = 2_000;
/** A track with a successor in the list ends by itself where the handover has not started this long before its end. */
const END_MS = 200;

/** @typedef {Pick<import("./stream.js").Stream, "session" | "sound" | "scheduler" | "info" | "next">} Parts */

export class PlaybackMonitor {
  watchdog = new StallWatchdog();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {() => Parts} options.parts of the stream, which a retry replaces
   * @param {(error: unknown) => unknown} options.fail
   * @param {() => void} options.publish publishes the state
   */
  constructor({ parts, fail, publish }) {
    this.parts = parts;
    this.fail = fail;
    this.publish = publish;
  }

  start() {
    this.#timer = setTimeout(() => {
      // A check may stop the checks.
      this.start();
      this.tick();
    }, this.#delay);
  }

  stop() {
    clearTimeout(this.#timer);
  }

  /** Time until the next check: no later than the time at which a track may have to be ended, ms. */
  get #delay() {
    const { session, sound, scheduler, info } = this.parts();
    if (!session.isActive || !info || !scheduler?.isContinued) return PERIOD_MS;
    const untilMs = info.duration_ms - sound.positionMs - END_MS;
    return Math.min(PERIOD_MS, Math.max(END_MS, untilMs / sound.rate));
  }

  /** Checks an active play once. */
  tick() {
    const { session, sound, next } = this.parts();
    if (!session.isActive) return;
    if (!next?.isStarted) this.endIfLast();
    const playing = ["playing", "waiting"].includes(session.state);
    if (this.watchdog.check(sound.audio, playing, performance.now()) === "given up")
      this.fail(new Problem("media.decode", { reason: "still" }));
    this.publish();
  }

  /** Ends the track shortly before its end, where no other one has followed. */
  endIfLast() {
    const { scheduler, sound, info } = this.parts();
    if (!info || !scheduler?.isContinued || !scheduler.isComplete) return;
    if (info.duration_ms - sound.positionMs > END_MS) return;
    scheduler.isContinued = false;
    sound.finish().catch((error) => this.fail(error));
  }
}
