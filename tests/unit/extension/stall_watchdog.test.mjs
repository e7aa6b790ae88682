// A song that stalls with sound in its buffer: nudged, or given up.
import assert from "node:assert/strict";
import { test } from "node:test";
import { StallWatchdog } from "../../../extension/engine/media/stall_watchdog.js";

/** An element that stands where it is. */
const element = (currentTime, ...ranges) => ({
  currentTime,
  seeking: false,
  played: 0,
  buffered: { length: ranges.length, start: (i) => ranges[i][0], end: (i) => ranges[i][1] },
  async play() {
    this.played++;
  },
});

test("a song that stalls with sound ahead is played again, then moved, then given up", () => {
  const watchdog = new StallWatchdog();
  const audio = element(4, [0, 12]);
  watchdog.check(audio, true, 0);
  assert.deepEqual(
    [watchdog.check(audio, true, 2_000), watchdog.check(audio, true, 3_000), audio.currentTime, audio.played],
    ["still", "nudged", 4, 1],
  );
  assert.equal(watchdog.check(audio, true, 6_000), "nudged");
  assert.ok(audio.currentTime > 4);
  const last = [9, 12, 15, 18, 21].map((s) => watchdog.check(audio, true, s * 1000));
  assert.equal(last.at(-1), "given up");
});

test("a short gap is skipped, and an empty buffer waits for the network", () => {
  const hole = element(4, [0, 4], [5, 12]);
  const watchdog = new StallWatchdog();
  watchdog.check(hole, true, 0);
  assert.equal(watchdog.check(hole, true, 3_000), "nudged");
  assert.equal(hole.currentTime, 5.01);
  const empty = element(4, [0, 4], [40, 50]);
  const other = new StallWatchdog();
  other.check(empty, true, 0);
  assert.deepEqual(
    [other.check(empty, true, 3_000), other.check(empty, true, 60_000), empty.played],
    ["still", "still", 0],
  );
});

test("a pause, a seek and a song that advances are no stall", () => {
  const watchdog = new StallWatchdog();
  const audio = element(4, [0, 12]);
  for (const at of [0, 5_000, 10_000]) assert.equal(watchdog.check(audio, false, at), "fine");
  for (const at of [11_000, 14_000, 17_000])
    assert.equal(watchdog.check(Object.assign(audio, { currentTime: at / 1000 }), true, at), "fine");
  assert.equal(audio.played, 0);
});
