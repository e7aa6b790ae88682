// Scheduling of segments whose keys are released later: the requests after a seek, and their repetition.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Problem } from "../../../extension/shared/problem.js";
import { host } from "./wallet_world.mjs";

globalThis.navigator ??= /** @type {any} */ ({});
const { AHEAD_MS, SegmentScheduler } = await import("../../../extension/engine/media/segment_scheduler.js");
const { InvocationClient } = await import("../../../extension/engine/playback/invocation_client.js");

const SEGMENT_MS = 2_000;
const segments = Array.from({ length: 300 }, (_, i) => [i * 10, 10, i * SEGMENT_MS, SEGMENT_MS, "AA=="]);
const ADDRESS = { content: new Uint8Array(20), rendition: 0, epochs: [] };
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
    rate: 1,
    joining: false,
    isBuffered: () => false,
    seek: (ms) => Object.assign(sound, { positionMs: ms, aheadMs: ms }),
    evict() {},
    finish() {},
  };
  const ring = { keys: new Map(), trim() {} };
  const source = { part: () => new Promise(() => undefined) };
  const scheduler = new SegmentScheduler(
    /** @type {any} */ ({ source, ring, sound, info: { codec: "flac", segments }, address: ADDRESS }),
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

test("the lead is loaded at once, and again once 6 s of it were played, also at other speeds", async () => {
  for (const rate of [1, 2, 16]) {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const { scheduler, sound, ring } = song(async () => null);
      const loads = [];
      mock.method(crypto.subtle, "decrypt", async () => new ArrayBuffer(1));
      scheduler.take = async (/** @type {number} */ index) => (loads.push(index), new Uint8Array(28));
      for (let i = 0; i < 299; i++) ring.keys.set(i, {});
      sound.rate = rate;
      let playedMs = 0;
      sound.append = async () => void (sound.aheadMs += SEGMENT_MS);
      scheduler.start(0, 0);
      await settle();
      assert.equal(loads.length, AHEAD_MS / SEGMENT_MS + 1);
      let least = Infinity;
      const bursts = [];
      for (; playedMs < 60_000; playedMs += 100 * rate) {
        sound.positionMs = playedMs;
        const before = loads.length;
        mock.timers.tick(100);
        await settle();
        if (loads.length > before) bursts.push(loads.length - before);
        least = Math.min(least, sound.aheadMs - playedMs);
      }
      assert.ok(least >= (rate > 2 ? 4_000 : 8_000), `${least} ms of sound left at rate ${rate}`);
      assert.ok(
        bursts.slice(0, -1).every((count) => count >= 3),
        `${bursts}`,
      );
      scheduler.stop();
    } finally {
      mock.reset();
    }
  }
});

test("a key that is not released yet is asked for less often, the more sound is buffered", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    let asked = 0;
    const { scheduler, sound } = song(async () => (asked++, null));
    sound.aheadMs = 12_000;
    sound.isBuffered = () => true;
    scheduler.start(0, 0);
    await settle();
    assert.equal(asked, 1);
    mock.timers.tick(2_999);
    await settle();
    assert.equal(asked, 1);
    mock.timers.tick(1);
    await settle();
    assert.equal(asked, 2);
    scheduler.stop();
  } finally {
    mock.timers.reset();
  }
});

test("after a seek few keys are requested, and more with what is played from there", () => {
  const { scheduler } = song(async () => null);
  scheduler.start(0, 0);
  assert.equal(scheduler.targetAheadMs(0), AHEAD_MS);
  assert.equal(scheduler.keyCount("play", 0, 0), null);
  assert.equal(scheduler.keyCount("seek", 30, 61_000), 3);
  scheduler.start(61_000, 30);
  scheduler.stop();
  assert.equal(scheduler.targetAheadMs(61_000), 4_000);
  assert.equal(scheduler.keyCount("renew", 31, 63_000), 3);
  assert.equal(scheduler.targetAheadMs(69_000), 8_000);
  assert.equal(scheduler.targetAheadMs(90_000), AHEAD_MS);
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
    sound: { positionMs: 60_000, aheadMs: 60_000, rate: 1, ranges: [] },
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

/** A scheduler with real bytes and keys, and everything that it does, in order. */
async function playable() {
  const done = [];
  const loads = [];
  const { scheduler, sound, ring } = song(async () => null);
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const address = { content: new Uint8Array(20), rendition: 0, epochs: [[0, 0]] };
  const { aad } = await import("../../../extension/engine/playback/key_ring.js");
  const iv = new Uint8Array(12);
  const sealed = async (index) => {
    const algorithm = { name: "AES-GCM", iv, additionalData: aad(/** @type {any} */ (address), index) };
    const bytes = await crypto.subtle.encrypt(algorithm, key, Uint8Array.of(index));
    return new Uint8Array([...iv, ...new Uint8Array(bytes)]);
  };
  const source = {
    part(offset, size, sha256, signal) {
      const segment = offset / 10;
      done.push(`load ${segment}`);
      return new Promise((resolve, reject) => {
        loads.push({ segment, resolve: async () => resolve(await sealed(segment)), reject, signal });
        signal.addEventListener("abort", () => reject(new Problem("sps.segment.missing", { reason: "closed" })));
      });
    },
  };
  Object.assign(scheduler.parts, { source, address });
  Object.assign(sound, {
    evict: () => done.push("evict"),
    append: async (bytes) => void done.push(`append ${new Uint8Array(bytes)[0]}`),
  });
  return { scheduler, sound, done, loads, open: (index) => ring.keys.set(index, key) };
}

/** Everything that is ready happens, also in the browser's cryptography. */
async function settleAll() {
  for (let i = 0; i < 10; i++) {
    // An operation of the browser's cryptography takes a thread of its own, and those before it come first.
    await crypto.subtle.digest("SHA-256", new Uint8Array(1));
    await new Promise(setImmediate);
  }
}

test("a segment that was loaded before its key is appended without another request, and before anything is evicted", async () => {
  const { scheduler, done, loads, open } = await playable();
  scheduler.prefetch(30);
  scheduler.prefetch(30);
  assert.deepEqual(done, ["load 30"]);
  loads[0].resolve();
  open(30);
  scheduler.start(60_000, 30);
  await settleAll();
  assert.deepEqual(done, ["load 30", "append 30", "evict", "load 31"]);
  scheduler.stop();
});

test("one segment is loaded ahead of its key: another one replaces it, and the running loop's own is not touched", async () => {
  const { scheduler, done, loads, open } = await playable();
  open(0);
  scheduler.start(0, 0);
  await settleAll();
  scheduler.prefetch(30);
  scheduler.prefetch(40);
  assert.deepEqual(
    loads.map(({ segment, signal }) => [segment, signal.aborted]),
    [
      [0, false],
      [30, true],
      [40, false],
    ],
  );
  loads[0].resolve();
  await settleAll();
  assert.deepEqual(done, ["load 0", "load 30", "load 40", "append 0", "evict", "load 1"]);
  // The grant of the seek: the old loop's transfer ends, and the new one has its segment.
  scheduler.start(80_000, 40);
  assert.deepEqual(
    loads.map(({ signal }) => signal.aborted),
    [false, true, false, true],
  );
  await settleAll();
  assert.equal(done.length, 6);
  scheduler.stop();
});

test("a seek within the segment that is being loaded uses that transfer", async () => {
  const { scheduler, done, loads, open } = await playable();
  scheduler.start(60_000, 30);
  await settleAll();
  scheduler.prefetch(30);
  scheduler.start(61_000, 30);
  open(30);
  loads[0].resolve();
  await settleAll();
  assert.deepEqual(done, ["load 30", "append 30", "evict", "load 31"]);
  assert.equal(loads[0].signal.aborted, false);
  scheduler.stop();
});

test("a loop that ends while its segment is appended loads nothing more", async () => {
  const { scheduler, sound, done, loads, open } = await playable();
  let appended = () => {};
  sound.append = () => new Promise((resolve) => (appended = () => resolve(undefined)));
  open(0);
  scheduler.start(0, 0);
  loads[0].resolve();
  await settleAll();
  scheduler.stop();
  appended();
  await settleAll();
  assert.deepEqual(done, ["load 0", "evict"]);
});

test("a failed load ahead of the key is forgotten, and the loop loads the segment at once", async () => {
  const { scheduler, done, loads, open } = await playable();
  scheduler.prefetch(30);
  loads[0].reject(new Problem("sps.segment.missing", { status: 404 }));
  await settleAll();
  open(30);
  scheduler.start(60_000, 30);
  await settleAll();
  loads[1].resolve();
  await settleAll();
  assert.deepEqual(done.slice(0, 3), ["load 30", "load 30", "append 30"]);
  scheduler.stop();
});
