// Periodic work of an active play: its published state, stalls, and the end of a track without a successor.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { ask, fresh, portMessages } from "./wallet_world.mjs";

globalThis.navigator ??= /** @type {any} */ ({});
const { publishState } = await import("../../../extension/engine/playback/state_publisher.js");
const { PlaybackMonitor } = await import("../../../extension/engine/playback/playback_monitor.js");

/** A monitor of a stream whose track of 10 s is at a position. */
function world({ positionMs = 0, active = true, next = null } = {}) {
  const errors = [];
  const stream = {
    place: { page: 1, element: 2, stream: "s" },
    players: [],
    settings: { volume: 1, muted: false, rate: 1, pitch: true },
    sound: { positionMs, aheadMs: 0, ranges: [], audio: {}, finish: async () => void (stream.finished = true) },
    info: { duration_ms: 10_000 },
    song: null,
    next,
    finished: false,
    scheduler: { isContinued: true, isComplete: true },
    tickets: { earns: false },
    payment: { summary: () => null },
    timings: {},
    pageCommands: { isAsking: false, denied: null, done: 0 },
    session: { isActive: active, state: "playing", invocations: { heard: { ms: 0, at: 0 }, left: {}, pace: null } },
    fail: (error) => errors.push(error.code),
  };
  const monitor = new PlaybackMonitor({
    parts: () => /** @type {any} */ (stream),
    fail: stream.fail,
    publish: () => publishState(/** @type {any} */ (stream)),
  });
  monitor.watchdog.check = () => "fine";
  return { monitor, stream, errors };
}

beforeEach(async () => {
  await fresh();
  portMessages.length = 0;
});
after(() => ask("wallet.lock"));

test("the state of an active play is published, and that of another is not", async () => {
  world({ active: false }).monitor.tick();
  await null;
  assert.equal(portMessages.length, 0);
  world().monitor.tick();
  await null;
  assert.equal(portMessages.length, 1);
});

test("a play that the watchdog gives up fails", () => {
  const { monitor, errors } = world();
  monitor.watchdog.check = () => "given up";
  monitor.tick();
  assert.deepEqual(errors, ["media.decode"]);
});

test("a complete track without a successor ends 200 ms before its end", () => {
  const early = world({ positionMs: 9_799 });
  early.monitor.tick();
  assert.deepEqual([early.stream.finished, early.stream.scheduler.isContinued], [false, true]);
  const last = world({ positionMs: 9_800 });
  last.monitor.tick();
  assert.deepEqual([last.stream.finished, last.stream.scheduler.isContinued], [true, false]);
});

test("a track whose handover has started, or whose segments are missing, is not ended", () => {
  const handedOver = world({ positionMs: 9_900, next: /** @type {any} */ ({ isStarted: true }) });
  handedOver.monitor.tick();
  const incomplete = world({ positionMs: 9_900 });
  incomplete.stream.scheduler.isComplete = false;
  incomplete.monitor.tick();
  assert.deepEqual([handedOver.stream.finished, incomplete.stream.finished], [false, false]);
});

test("the checks come every two seconds, and one in time for the end of a track that may have to be ended", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { monitor, stream } = world({ positionMs: 8_900 });
  stream.sound.rate = 1;
  monitor.start();
  stream.sound.positionMs = 9_799;
  context.mock.timers.tick(899);
  assert.equal(stream.finished, false);
  stream.sound.positionMs = 9_800;
  context.mock.timers.tick(1);
  assert.equal(stream.finished, true);
  context.mock.timers.tick(200);
  let checks = 0;
  monitor.tick = () => void checks++;
  for (let i = 0; i < 20; i++) context.mock.timers.tick(1_000);
  assert.equal(checks, 10);
  monitor.stop();
  context.mock.timers.tick(20_000);
  assert.equal(checks, 10);
});

test("a check that stops the checks is the last one", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { monitor } = world();
  let checks = 0;
  monitor.tick = () => {
    checks++;
    monitor.stop();
  };
  monitor.start();
  for (let i = 0; i < 10; i++) context.mock.timers.tick(1_000);
  assert.equal(checks, 1);
});
