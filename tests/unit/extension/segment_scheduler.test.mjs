// Scheduling of segments whose keys are released later: the requests after a seek, and their repetition.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { host } from "./wallet_world.mjs";

globalThis.navigator ??= /** @type {any} */ ({});
const { SegmentScheduler } = await import("../../../extension/engine/media/segment_scheduler.js");
const { InvocationClient } = await import("../../../extension/engine/playback/invocation_client.js");

const SEGMENT_MS = 2_000;
const segments = Array.from({ length: 300 }, (_, i) => [i * 10, 10, i * SEGMENT_MS, SEGMENT_MS, "AA=="]);
const PACE = { code: "invocation.pace", retry_ms: 4_000 };

/** Everything that is ready happens. */
async function settle() {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

/** A scheduler whose decoder takes everything; each key is one that opens nothing but is there. */
function song(renew) {
  const sound = {
    positionMs: 0,
    aheadMs: 0,
    joining: false,
    isBuffered: () => false,
    seek: (ms) => Object.assign(sound, { positionMs: ms, aheadMs: ms }),
    evict() {},
    finish() {},
  };
  const ring = { keys: new Map(), trim() {} };
  const source = { part: () => new Promise(() => undefined) };
  const scheduler = new SegmentScheduler(
    /** @type {any} */ ({ source, ring, sound, info: { codec: "flac", segments }, address: {} }),
    renew,
    (error) => {
      throw error;
    },
  );
  return { scheduler, sound, ring };
}

test("a key that is released later is requested after the server's delay on an underrun, and otherwise after a second", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const asked = [];
    let answer = PACE.retry_ms;
    const { scheduler, sound, ring } = song(async (segment) => {
      asked.push(segment);
      return answer;
    });
    scheduler.start(60_000, 30);
    await settle();
    assert.deepEqual(asked, [30]);
    mock.timers.tick(3_999);
    await settle();
    assert.deepEqual(asked, [30]);
    mock.timers.tick(1);
    await settle();
    assert.deepEqual(asked, [30, 30]);
    // With sound left, what is heard opens keys sooner than waiting does.
    sound.aheadMs = sound.positionMs + 1_500;
    mock.timers.tick(4_000);
    await settle();
    mock.timers.tick(1_000);
    await settle();
    assert.deepEqual(asked, [30, 30, 30, 30]);
    answer = null;
    ring.keys.set(30, {});
    mock.timers.tick(1_000);
    await settle();
    assert.equal(asked.length, 4);
    scheduler.stop();
  } finally {
    mock.timers.reset();
  }
});

test("after a seek few keys are requested, and more with what is played from there", () => {
  const { scheduler } = song(async () => null);
  scheduler.start(0, 0);
  assert.equal(scheduler.targetAheadMs(0), 12_000);
  assert.equal(scheduler.keyCount("play", 0, 0), null);
  assert.equal(scheduler.keyCount("seek", 30, 61_000), 3);
  scheduler.start(61_000, 30);
  scheduler.stop();
  assert.equal(scheduler.targetAheadMs(61_000), 4_000);
  assert.equal(scheduler.keyCount("renew", 31, 63_000), 3);
  assert.equal(scheduler.targetAheadMs(69_000), 8_000);
  assert.equal(scheduler.targetAheadMs(90_000), 12_000);
  assert.equal(scheduler.keyCount("renew", 50, 90_000), null);
  // The one that sounds is always worth a key, and so is the last.
  assert.equal(scheduler.keyCount("seek", 299, 599_999), 1);
});

/** A play that has jumped, and a host that has no key for it yet. */
function jumped(state) {
  const asked = [];
  const states = [];
  let grant = { ephemeral: "", keys: [], wait: PACE };
  host.invoke = ({ action, segment }) => {
    asked.push([action, segment]);
    return { left: {}, heard_ms: 0, intervals: 0, grant };
  };
  const stream = {
    session: { state, granted: true, position_ms: 60_000, isActive: true, playWhenReady: false },
    info: { interval_s: 30, content: "0x" },
    nowS: 1,
    place: { stream: "s", page: 1, element: "e" },
    tickets: {},
    recovery: { pending: null, isNeeded: () => false },
    payment: { onIntervals() {}, summary: () => null },
    ring: { addGrant: async () => undefined },
    settings: { rate: 1, volume: 1, muted: false, pitch: true },
    players: [],
    page: {},
    timings: {},
    sound: { positionMs: 60_000, aheadMs: 60_000, ranges: [] },
    onStall() {},
    scheduler: { parts: {}, keyCount: () => 3, firstMissing: () => 30 },
  };
  const invocations = new InvocationClient(/** @type {any} */ (stream));
  Object.assign(stream.session, { invocations });
  return { invocations, stream, asked, states, give: (next) => (grant = next) };
}

test("during a seek keys are requested, and the reason of the wait is published until they arrive", async () => {
  const { stateOf } = await import("../../../extension/engine/playback/state_publisher.js");
  const { invocations, stream, asked, give } = jumped("seeking");
  assert.equal(await invocations.renew(30), PACE.retry_ms);
  assert.deepEqual(asked, [["renew", 30]]);
  assert.equal(stateOf(/** @type {any} */ (stream)).pace, "invocation.pace");
  stream.session.state = "playing";
  assert.equal(stateOf(/** @type {any} */ (stream)).pace, null);
  stream.session.state = "seeking";
  give({ ephemeral: "", keys: [] });
  assert.equal(await invocations.renew(30), null);
  assert.equal(stateOf(/** @type {any} */ (stream)).pace, null);
});

test("before the host's result of the seek, and during a pause, no keys are requested", async () => {
  const { invocations, stream, asked } = jumped("seeking");
  invocations.acting = 1;
  await invocations.renew(30);
  invocations.acting = 0;
  stream.session.granted = false;
  await invocations.renew(30);
  Object.assign(stream.session, { granted: true, state: "paused" });
  await invocations.renew(30);
  assert.deepEqual(asked, []);
});
