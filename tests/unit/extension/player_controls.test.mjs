// Controls of a player: requests to the session, settings of the sound, and the speed as an action of the terms.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { ask, fresh, portMessages } from "./wallet_world.mjs";

globalThis.navigator ??= /** @type {any} */ ({});
const { AudioSettings } = await import("../../../extension/engine/playback/audio_settings.js");
const { publishState } = await import("../../../extension/engine/playback/state_publisher.js");
const { PlayerControls } = await import("../../../extension/engine/playback/player_controls.js");
const { now } = await import("../../../extension/engine/wallet/state.js");

const PAGE = 4;

/** Controls of a stream, and the calls to its parts. */
function world({ permissions = ["play"], active = false } = {}) {
  const calls = [];
  const record =
    (name) =>
    async (...values) =>
      void calls.push([name, ...values]);
  const stream = {
    place: { page: PAGE, element: 1, stream: "s" },
    players: [],
    settings: new AudioSettings(),
    sound: { positionMs: 700, aheadMs: 0, ranges: [] },
    info: {},
    song: null,
    tickets: { earns: false },
    payment: { summary: () => null },
    timings: {},
    pageCommands: { isAsking: false, denied: null, done: 0 },
    session: {
      state: "playing",
      granted: active,
      isActive: active,
      request: record("request"),
      prepareSeek: record("prepareSeek"),
      invocations: { heard: { ms: 0, at: 0 }, left: {}, pace: null, invoke: record("invoke") },
    },
    play: record("play"),
    retry: record("retry"),
    notify: ({ code }) => calls.push(["notify", code]),
    changeTrack: record("track"),
    permits: (action) => permissions.includes(action),
    applySettings: () => calls.push(["settings"]),
  };
  const actions = {
    ...stream,
    open: () => (stream.opened = true),
    publish: () => publishState(/** @type {any} */ (stream)),
  };
  const options = { parts: () => stream, settings: stream.settings, actions };
  return { controls: new PlayerControls(/** @type {any} */ (options)), stream, calls };
}

beforeEach(async () => {
  await fresh();
  portMessages.length = 0;
});
after(() => ask("wallet.lock"));

test("requests go to the session, with a position of at least 0", async () => {
  const { controls, calls } = world();
  for (const message of [
    { type: "play" },
    { type: "pause" },
    { type: "seek", position_ms: -3.2 },
    { type: "seek", position_ms: 10.6 },
    { type: "prepare_seek", position_ms: -2 },
    { type: "retry" },
    { type: "track", by: -4 },
    { type: "unknown" },
  ])
    await controls.onMessage(/** @type {any} */ (message));
  assert.deepEqual(calls, [
    ["play", "press"],
    ["request", "pause"],
    ["request", "seek", 0],
    ["request", "seek", 11],
    ["prepareSeek", 0],
    ["retry"],
    ["track", -1, false],
  ]);
});

test("volume, mute and pitch are applied and published", async () => {
  const { controls, stream, calls } = world();
  await controls.onMessage({ type: "volume", value: 3 });
  await controls.onMessage({ type: "mute", value: true });
  await controls.onMessage({ type: "pitch", value: false });
  assert.deepEqual([stream.settings.volume, stream.settings.muted, stream.settings.pitch], [1, true, false]);
  assert.equal(calls.length, 3);
  assert.deepEqual(
    portMessages.map(({ port, message }) => [port, message.state.volume, message.state.muted]),
    [
      [PAGE, 1, false],
      [PAGE, 1, true],
      [PAGE, 1, true],
    ],
  );
});

test("a speed that the terms do not permit is refused, and the normal one is always permitted", async () => {
  const { controls, stream, calls } = world();
  await controls.onMessage({ type: "rate", value: 1.5 });
  assert.deepEqual([stream.settings.rate, calls], [1, [["notify", "policy.action.denied"]]]);
  stream.settings.rate = 2;
  await controls.onMessage({ type: "rate", value: 1 });
  assert.equal(stream.settings.rate, 1);
});

test("the host gets the position at the old speed before the new one begins", async () => {
  const { controls, stream, calls } = world({ permissions: ["rate"], active: true });
  let rateAtInvoke;
  stream.session.invocations.invoke = async (...values) => {
    rateAtInvoke = stream.settings.rate;
    calls.push(values);
  };
  await controls.onMessage({ type: "rate", value: 9 });
  assert.deepEqual([rateAtInvoke, stream.settings.rate, calls[0]], [1, 2, ["rate", 700, null]]);
});

test("opening the extension's window updates the decisions", async () => {
  const { controls, stream } = world();
  let updates = 0;
  now.decisionsChanged = () => (updates += 1);
  await controls.onMessage({ type: "open" });
  assert.deepEqual([stream.opened, updates], [true, 1]);
});
