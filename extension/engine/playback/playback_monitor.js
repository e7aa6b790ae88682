/**
 * Periodic work of an active play: publishes its state, detects stalls, and ends a track that has no successor.
 */

import { Problem } from "../../shared/problem.js";
import { StallWatchdog } from "../media/stall_watchdog.js";
import { publishState } from "./state_publisher.js";

const PUBLISH_MS = 1_000;
/** A track with a successor in the list ends by itself where the handover has not started this long before its end. */
const END_MS = 200;

export class PlaybackMonitor {
  watchdog = new StallWatchdog();
  /** @private @type {ReturnType<typeof setInterval> | undefined} */
  timer;

  /** @param {import("./stream.js").Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  start() {
    this.timer = setInterval(() => this.tick(), PUBLISH_MS);
  }

  stop() {
    clearInterval(this.timer);
  }

  /** Checks an active play once. */
  tick() {
    const { stream } = this;
    if (!stream.isActive) return;
    if (!stream.next?.isStarted) this.endIfLast();
    const playing = ["playing", "waiting"].includes(stream.session.state);
    if (this.watchdog.check(stream.sound.audio, playing, performance.now()) === "given up")
      stream.fail(new Problem("media.decode", { reason: "still" }));
    publishState(stream);
  }

  /** Ends the track shortly before its end, where no other one has followed. */
  endIfLast() {
    const { scheduler, sound, info } = this.stream;
    if (!info || !scheduler?.isContinued || !scheduler.isComplete) return;
    if (info.duration_ms - sound.positionMs > END_MS) return;
    scheduler.isContinued = false;
    sound.finish().catch((error) => this.stream.fail(error));
  }
}
