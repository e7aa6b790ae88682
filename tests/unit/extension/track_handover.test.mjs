// Handover to the next track: its time, and the order of its steps.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { LEAD_MS, TrackHandover } from "../../../extension/engine/playback/track_handover.js";

const open = [];
afterEach(() => open.splice(0).forEach((handover) => handover.close()));

/** Two tracks of which the first is near its end; what was done. */
function world({ position = 9_500, fadeS = 0, refusal = null } = {}) {
  const done = [];
  const track = (name) => ({
    session: { state: name === "after" ? "ready" : "playing", isOver: false, handOver: async () => done.push("stop") },
    scheduler: { isComplete: true },
    info: { duration_ms: 10_000 },
    settings: { volume: 1, rate: 1, copy: () => done.push("settings") },
    gate: { refusal: () => refusal },
    sound: {
      positionMs: position,
      durationMs: 10_000,
      audio: { volume: 1, ended: true },
      follow: async () => done.push("follow"),
      finish: async () => done.push("finish"),
      close: () => done.push("close"),
    },
    applySettings: () => done.push("apply"),
    monitor: { endIfLast: () => done.push("end") },
    play: async (surface) => done.push(`play ${surface}`),
    fail: (error) => done.push(error),
  });
  const [before, after] = [track("before"), track("after")];
  const handover = new TrackHandover(
    /** @type {any} */ (before),
    /** @type {any} */ (after),
    fadeS,
    () => void done.push("done"),
  );
  open.push(handover);
  return { handover, before, after, done };
}

test("a handover is due near the end, with both tracks ready and the next one free", () => {
  assert.equal(world().handover.isDue, true);
  assert.equal(world({ position: 10_000 - LEAD_MS - 1 }).handover.isDue, false);
  assert.equal(world({ position: 10_000 - LEAD_MS - 1, fadeS: 3 }).handover.isDue, true);
  assert.equal(world({ refusal: /** @type {any} */ ({ code: "player.press" }) }).handover.isDue, false);
  const { handover, before, after } = world();
  before.scheduler.isComplete = false;
  assert.equal(handover.isDue, false);
  before.scheduler.isComplete = true;
  after.session.state = "loading";
  assert.equal(handover.isDue, false);
});

test("gapless: the one track stops and the other follows in its buffer", async () => {
  const { handover, done } = world();
  handover.check();
  handover.check();
  await new Promise(setImmediate);
  assert.deepEqual(done, ["settings", "stop", "follow", "play activated", "done"]);
  assert.equal(handover.isStarted, true);
});

test("in a crossfade the track before is finished and closed when it has ended", async () => {
  const { handover, done } = world({ fadeS: 2 });
  handover.check();
  await new Promise((resolve) => setTimeout(resolve, 80));
  assert.deepEqual(done, ["settings", "stop", "finish", "apply", "play activated", "done", "close"]);
});

test("a track without a handover ends by itself", () => {
  const { handover, done } = world({ position: 1_000 });
  handover.check();
  assert.deepEqual(done, ["end"]);
});
