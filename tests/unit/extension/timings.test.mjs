// Latencies of a stream.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Timings } from "../../../extension/engine/playback/timings.js";

test("the first play and each seek are timed from the request to the sound, once", async () => {
  const timings = new Timings(Promise.resolve(12.34));
  await Promise.resolve();
  assert.equal(timings.engine_cold_ms, 12.3);
  timings.onSound();
  assert.equal(timings.first_audio_ms, null);
  timings.onRequest(true);
  timings.onSound();
  const first = timings.first_audio_ms;
  assert.ok(first !== null && first >= 0);
  timings.onRequest(true);
  timings.onSound();
  assert.equal(timings.first_audio_ms, first);
  timings.onRequest(false);
  timings.onSound();
  timings.onSound();
  assert.equal(timings.seek_ms.length, 1);
});

test("the lists are bounded, and a core that does not start leaves no time", async () => {
  const timings = new Timings(Promise.reject(new Error("no core")));
  for (let i = 0; i < 100; i++) {
    timings.onRequest(false);
    timings.onSound();
    timings.onMark("match");
  }
  assert.deepEqual([timings.engine_cold_ms, timings.seek_ms.length, timings.marks.length], [null, 32, 32]);
});
