// Which states a page and its players get: only what has changed, once for each task, and pictures after the sound.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { QUIET_MS, StateOutbox } from "../../../extension/engine/playback/state_outbox.js";

const STATE = {
  type: "state",
  state: "ready",
  position_ms: 0,
  duration_ms: 240_000,
  rate: 1,
  heard_ms: 0,
  heard_rate: 0,
  next_ms: 60_000,
  earned_wei: "0",
  pace: null,
};
const PAGE = { ranges: [[0, 12_000]], done: 0 };
const PLAYER = 7;

/** An outbox of a stream with one player, on a clock that the test sets; `sent` has what went out, in order. */
function world() {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  const sent = [];
  const stream = { now: 0, state: { ...STATE }, page: { ...PAGE } };
  const outbox = new StateOutbox(
    {
      states: () => {
        const { state, position_ms, duration_ms, rate } = stream.state;
        return { state: stream.state, page: { ...stream.page, state, position_ms, duration_ms, rate } };
      },
      players: () => [PLAYER],
      toPage: (state) => sent.push(["page", state]),
      toPlayer: (port, message) => sent.push([port, message]),
      onSent: (state) => sent.push(["drawn", state]),
    },
    () => stream.now,
  );
  const set = async (changes, page = {}) => {
    stream.state = { ...stream.state, ...changes };
    stream.page = { ...stream.page, ...page };
    outbox.publish();
    await null;
  };
  /** Advances clock and music, with a tick of the monitor each second. @param {number} seconds @param {object} each */
  const run = async (seconds, each = {}) => {
    for (let second = 0; second < seconds; second++) {
      stream.now += 1000;
      mock.timers.tick(1000);
      const { position_ms, heard_ms, heard_rate, rate, next_ms } = stream.state;
      const heard = 1000 * heard_rate;
      const by = { position_ms: position_ms + 1000 * rate, heard_ms: heard_ms + heard, next_ms: next_ms - heard };
      const ranges = [[0, by.position_ms + 12_000]];
      await set({ ...by, ...each }, { ranges });
    }
  };
  const to = (who) => sent.filter(([target]) => target === who).map(([, message]) => message);
  const clear = () => void (sent.length = 0);
  return { outbox, stream, sent, set, run, to, clear };
}

/** A world whose song has played for a while. */
async function playing() {
  const here = world();
  await here.set({ state: "playing", heard_rate: 1 });
  await here.run(2);
  here.clear();
  return here;
}

test("a player gets at most one message between a request for sound and the sound, and the page gets it first", async () => {
  const { stream, sent, set, to, outbox, clear } = world();
  await set({});
  clear();
  await set({ state: "starting" });
  stream.now = 100;
  await set({ pace: "invocation.pace" });
  await set({}, { done: 1 });
  outbox.sendTerms([PLAYER], /** @type {any} */ ({ type: "terms", title: "t" }));
  assert.deepEqual([to(PLAYER).map(({ state }) => state), to("drawn")], [["starting"], []]);
  clear();
  stream.now = 200;
  await set({ state: "playing", pace: null });
  assert.deepEqual(
    sent.map(([target, message]) => [target, message.type === "terms" ? "terms" : message.state]),
    [
      ["page", "playing"],
      [PLAYER, "playing"],
      [PLAYER, "terms"],
      ["drawn", "playing"],
    ],
  );
});

test("a start that takes longer is shown with what has changed meanwhile", async () => {
  const { stream, set, to, clear } = world();
  await set({ state: "starting" });
  await set({ pace: "invocation.pace" });
  clear();
  stream.now = QUIET_MS;
  mock.timers.tick(QUIET_MS);
  assert.deepEqual(
    to(PLAYER).map(({ pace }) => pace),
    ["invocation.pace"],
  );
});

test("states of one task are one message with the last of them", async () => {
  const { stream, outbox, to } = world();
  for (const state of ["ready", "starting", "playing"]) {
    stream.state = { ...stream.state, state };
    outbox.publish();
  }
  await null;
  assert.deepEqual(
    [to("page"), to(PLAYER)].map((all) => all.map(({ state }) => state)),
    [["playing"], ["playing"]],
  );
});

test("while nothing changes but the time, half a minute of playback sends a player nothing", async () => {
  const { run, to } = await playing();
  await run(30);
  assert.deepEqual(to(PLAYER), []);
});

test("a page gets the buffered ranges before the sound that it knows of has played, and nothing else", async () => {
  const { run, to } = await playing();
  await run(30);
  const { length } = to("page");
  assert.ok(length >= 3 && length <= 4, `${length} messages`);
  for (const { ranges, position_ms } of to("page")) assert.equal(ranges[0][1] - position_ms, 12_000);
});

test("a position that deviates from the extrapolated one, and a stopped count of the heard time, are sent once", async () => {
  const { stream, set, run, to, clear } = await playing();
  await set({ position_ms: stream.state.position_ms - 99 });
  assert.equal(to(PLAYER).length, 0);
  await set({ position_ms: stream.state.position_ms - 2 });
  await run(3);
  assert.equal(to(PLAYER).length, 1);
  clear();
  await set({ heard_rate: 0 });
  await run(3);
  assert.equal(to(PLAYER).length, 1);
});

test("settings, rewards and a pause are sent at once", async () => {
  for (const change of [{ volume: 0.5 }, { earned_wei: "5" }, { state: "paused" }, { rate: 2 }]) {
    const { set, to } = await playing();
    await set(change);
    assert.equal(to(PLAYER).length, 1, JSON.stringify(change));
  }
});

test("another page and a new player get the state though it has not changed", async () => {
  const { outbox, to } = await playing();
  outbox.forgetPage();
  outbox.flush();
  assert.equal(to("page").length, 1);
  outbox.forgetPlayer(PLAYER);
  outbox.flush();
  assert.equal(to(PLAYER).length, 1);
});

test("terms that have not changed are sent once to each player", async () => {
  const { outbox, to } = await playing();
  for (const port of [PLAYER, PLAYER, 8]) outbox.sendTerms([port], /** @type {any} */ ({ type: "terms", title: "t" }));
  assert.deepEqual([to(PLAYER).length, to(8).length], [1, 1]);
});
