// The position and the played ranges of a media element between two states of the engine, and its play promises.
import assert from "node:assert/strict";
import { test } from "node:test";
import "../../../extension/content/ranges.js";
import "../../../extension/content/media_clock.js";
import "../../../extension/content/play_promises.js";

const { MediaClock, INITIAL_STATE } = globalThis.gomaaClock;
const { PlayPromises } = globalThis.gomaaPlayPromises;

/** A clock with a time that the test sets. */
function create() {
  const time = { ms: 0, isPaused: false };
  const clock = new MediaClock(
    () => time.ms,
    () => time.isPaused,
  );
  const report = (state, position_ms, isSeeking = false) =>
    clock.report({ ...INITIAL_STATE, state, position_ms, duration_ms: 60_000, rate: 2 }, isSeeking);
  return { clock, time, report };
}

test("the position is extrapolated at the rate during playback, until the next state", () => {
  const { clock, time, report } = create();
  report("playing", 1000);
  time.ms = 500;
  assert.equal(clock.positionS, 2);
  time.ms = 20_000;
  assert.equal(clock.positionS, 41);
  time.isPaused = true;
  assert.equal(clock.positionS, 1);
});

test("the position is not beyond the end of the song", () => {
  const { clock, time, report } = create();
  report("playing", 59_900);
  time.ms = 2000;
  assert.equal(clock.positionS, 60);
});

test("the position of a pending seek is its target, and what it skips is not played", () => {
  const { clock, time, report } = create();
  report("playing", 0);
  time.ms = 500;
  clock.startSeek(30);
  assert.equal(clock.positionS, 30);
  report("seeking", 30_000, true);
  clock.endSeek();
  report("playing", 30_000);
  time.ms = 1000;
  clock.extendPlayed();
  assert.deepEqual(clock.played, [
    [0, 1],
    [30, 31],
  ]);
});

test("a stop keeps the extrapolated position; a later position of the engine extends the played range", () => {
  const { clock, time, report } = create();
  report("playing", 0);
  time.ms = 500;
  clock.stop();
  time.isPaused = true;
  assert.deepEqual([clock.positionS, clock.reported.position_ms, clock.played], [1, 1000, [[0, 1]]]);
  report("paused", 1200);
  assert.deepEqual(clock.played, [[0, 1.2]]);
});

test("after a reset nothing of the song before is left", () => {
  const { clock, time, report } = create();
  report("playing", 5000);
  time.ms = 500;
  clock.startSeek(7);
  clock.reset();
  assert.deepEqual([clock.positionS, clock.played, clock.targetS], [0, [], null]);
});

test("play promises are settled together, once, and those added later stay pending", async () => {
  const plays = new PlayPromises();
  const [first, second] = [plays.add(), plays.add()];
  plays.resolveAll();
  const third = plays.add();
  assert.equal(plays.size, 1);
  plays.rejectAll("AbortError", "paused");
  assert.deepEqual(await Promise.all([first, second]), [undefined, undefined]);
  await assert.rejects(third, { name: "AbortError", message: "paused" });
  assert.equal(plays.size, 0);
});
