/**
 * Holds in the player: the first sound is there before the press, is heard for two seconds at most without a grant, and
 * is not used where another play would have to end first.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, mock, test } from "node:test";

import { Problem } from "../../../extension/shared/problem.js";
import { host, hostRequests } from "./wallet_world.mjs";

globalThis.navigator ??= /** @type {any} */ ({});
const { PlaybackSession } = await import("../../../extension/engine/playback/session.js");
const { MAX_HOLDS, PlayHold } = await import("../../../extension/engine/playback/play_hold.js");

const { table } = JSON.parse(readFileSync(new URL("../../vectors/transitions.json", import.meta.url), "utf8"));
const ANSWER = { left: {}, heard_ms: 0, intervals: 0, grant: null };
const CAPTURE_MS = 2_000;

const settled = async () => {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
};

/** Players of the present test. @type {any[]} */
let players = [];

afterEach(() => {
  for (const { stream, session } of players) {
    session.invocations.stopRenewing();
    stream.hold.close();
  }
  players = [];
  mock.timers.reset();
});

/** A player whose song is loaded and whose ticket is open. */
function player({ begins = "play", costs = false } = {}) {
  const seen = { sound: [], invoked: [], failed: [] };
  const audio = { currentTime: 0, paused: true, readyState: 4, play: async () => void seen.sound.push("play") };
  const tickets = { prepared: Promise.resolve(), ticket: {}, isReady: () => true, markUsed() {}, reset() {} };
  const stream = {
    place: { stream: "s", page: 1, element: "e" },
    info: { duration_ms: 40_000, interval_s: 30, reward_wei: "0", content: "0x" },
    song: { duration_ms: 40_000, extent: { from_ms: 0 } },
    tickets,
    recovery: { pending: null, isNeeded: () => false },
    ring: { addGrant: async () => {} },
    payment: { onIntervals() {}, summary: () => null, costs },
    players: [],
    timings: Object.create({ onRequest() {}, onSound() {} }),
    settings: { rate: 1, volume: 1, muted: false, pitch: true },
    nowS: 0,
    sound: {
      positionMs: 0,
      audio,
      isBuffered: () => true,
      aheadMs: 4_000,
      pause: () => seen.sound.push("off"),
      ranges: [],
    },
    scheduler: {
      generation: 0,
      parts: {},
      firstToDecode: (segment) => segment,
      firstToLoad: () => 2,
      segmentAt: (position) => Math.floor(position / 2000),
      prefetch() {},
      start: (position) => seen.sound.push(`start ${position}`),
      stop() {},
      firstMissing: () => 0,
      keyCount: () => null,
      hold: async () => true,
    },
    pageCommands: { isAsking: false, denied: null, done: 0 },
    stalled: false,
    problem: null,
    onStall() {},
    gate: { refusalOf: () => null },
    notify() {},
    fail: async (error) => {
      seen.failed.push(error.code);
      await stream.session.onProblem(error.code);
    },
    get isActive() {
      return stream.session.isActive;
    },
  };
  const session = new PlaybackSession(/** @type {any} */ (stream));
  Object.assign(stream, { session, hold: new PlayHold(/** @type {any} */ (() => stream)) });
  session.load(table, { begins, from_ms: 0 }, 40_000);
  /** The host answers each action that no test keeps back. */
  const answers = { play: async () => ANSWER };
  host.invoke = async (request) => {
    seen.invoked.push(request.action);
    return (await answers[request.action]?.()) ?? ANSWER;
  };
  const made = { stream, session, seen, tickets, answers };
  players.push(made);
  return made;
}

/** A player that holds its next play. */
async function holding(options) {
  const made = player(options);
  await made.stream.hold.take();
  assert.equal(made.session.held, true);
  made.seen.invoked.length = 0;
  return made;
}

/** The host answers plays when it is let, with a result or an error. */
function pending(answers) {
  let settle;
  const answered = new Promise((resolve, reject) => (settle = { resolve: () => resolve(ANSWER), reject }));
  answered.catch(() => undefined);
  answers.play = () => answered;
  return settle;
}

test("a press sounds in its task, the play is invoked beside it, and the sound goes on with the grant", async () => {
  const { session, stream, seen, answers } = await holding();
  const { resolve } = pending(answers);
  const requests = hostRequests.length;
  const play = session.request("play");
  assert.deepEqual([seen.sound, hostRequests.length - requests], [["play"], 1]);
  // The keys that follow those of the hold.
  assert.deepEqual([hostRequests.at(-1).action, hostRequests.at(-1).segment], ["play", 2]);
  session.onMediaEvent("playing");
  assert.deepEqual([session.state, session.granted], ["playing", false]);
  stream.sound.positionMs = 30;
  resolve();
  await play;
  assert.deepEqual([session.state, session.granted, session.held], ["playing", true, false]);
  assert.deepEqual(seen.sound, ["play", "start 30", "play"]);
});

test("what the host has not granted within two seconds falls silent, and sounds again with the grant", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { session, stream, seen, answers } = await holding();
  const { resolve } = pending(answers);
  const play = session.request("play");
  session.onMediaEvent("playing");
  mock.timers.tick(CAPTURE_MS - 1);
  assert.equal(seen.sound.includes("off"), false);
  stream.sound.positionMs = CAPTURE_MS;
  mock.timers.tick(1);
  assert.deepEqual([seen.sound.at(-1), session.state, session.granted], ["off", "starting", false]);
  // Another press gives no more sound.
  await session.request("pause");
  await session.request("play");
  assert.equal(seen.sound.at(-1), "off");
  mock.timers.reset();
  resolve();
  await play;
  assert.deepEqual(seen.sound.slice(-2), ["start 2000", "play"]);
});

test("a hundred presses of play and pause sound two seconds in all, and are one play", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { session, seen, answers } = await holding();
  const { resolve } = pending(answers);
  for (let press = 0; press < 100; press++) {
    session.request("play");
    session.onMediaEvent("playing");
    mock.timers.tick(CAPTURE_MS / 100);
    session.request("pause");
  }
  seen.sound.length = 0;
  session.request("play");
  assert.deepEqual(seen.sound, []);
  mock.timers.reset();
  resolve();
  await settled();
  assert.deepEqual(seen.invoked, ["play"]);
});

test("a refused capture is silent, with its code", async () => {
  const { session, seen, answers } = await holding();
  const { reject } = pending(answers);
  const play = session.request("play");
  session.onMediaEvent("playing");
  reject(new Problem("policy.count.exhausted"));
  await play;
  assert.deepEqual([seen.failed, session.state, seen.sound.at(-1)], [["policy.count.exhausted"], "refused", "off"]);
});

test("a revocation before the grant is silent, and the late grant starts nothing", async () => {
  const { session, stream, seen, answers } = await holding();
  const { resolve } = pending(answers);
  const play = session.request("play");
  session.onMediaEvent("playing");
  await stream.fail(new Problem("content.revoked"));
  resolve();
  await play;
  assert.deepEqual([session.state, seen.sound], ["refused", ["play", "off"]]);
});

test("a pause before the grant is silent at once, and is invoked after it", async () => {
  const { session, seen, answers } = await holding();
  const { resolve } = pending(answers);
  const play = session.request("play");
  session.onMediaEvent("playing");
  await session.request("pause");
  assert.deepEqual([seen.sound.at(-1), seen.invoked], ["off", ["play"]]);
  resolve();
  await play;
  assert.deepEqual([session.state, seen.invoked], ["paused", ["play", "pause"]]);
});

test("a seek before the grant is silent until the host has granted both", async () => {
  const { session, seen, answers } = await holding();
  const { resolve } = pending(answers);
  const play = session.request("play");
  session.onMediaEvent("playing");
  await session.request("seek", 20_000);
  assert.equal(seen.sound.at(-1), "off");
  resolve();
  await play;
  assert.deepEqual(
    [seen.invoked, seen.sound.slice(-2)],
    [
      ["play", "seek"],
      ["start 20000", "play"],
    ],
  );
});

test("an expired ticket, another ticket and another active stream make a hold useless", async () => {
  const useless = [
    ({ tickets }) =>
      Object.assign(tickets, { isReady: () => false, ensure: async () => void (tickets.isReady = () => true) }),
    ({ tickets }) => Object.assign(tickets, { ticket: {} }),
    (_, other) => other.session.request("play"),
  ];
  for (const change of useless) {
    const other = player();
    const made = await holding();
    await change(made, other);
    const { resolve } = pending(made.answers);
    const play = made.session.request("play");
    assert.deepEqual([made.session.held, made.seen.sound], [false, []], String(change));
    resolve();
    await play;
    assert.equal(made.session.granted, true);
    for (const { stream } of players) stream.hold.close();
  }
});

test("no hold is taken for a preview, for what costs the listener, beside an active stream, or without a ticket", async () => {
  const active = player();
  await active.session.request("play");
  const beside = player();
  await beside.stream.hold.take();
  active.stream.hold.close();
  const others = [player({ begins: "preview" }), player({ costs: true }), player()];
  others[2].tickets.ticket = null;
  for (const { stream } of others) await stream.hold.take();
  for (const { session, seen } of [beside, ...others]) assert.deepEqual([session.held, seen.invoked], [false, []]);
});

test("no more than a few streams hold their play at once", async () => {
  const made = Array.from({ length: MAX_HOLDS + 2 }, () => player());
  for (const { stream } of made) await stream.hold.take();
  assert.equal(made.filter(({ session }) => session.held).length, MAX_HOLDS);
  made[0].stream.hold.end();
  await made.at(-1).stream.hold.take();
  assert.equal(made.at(-1).session.held, true);
});

test("a refused hold is no problem, and the next play starts without one", async () => {
  const { session, stream, seen, answers } = player();
  answers["hold"] = async () => {
    throw new Problem("policy.hold.limit");
  };
  await stream.hold.take();
  assert.deepEqual([session.state, session.held, seen.failed], ["ready", false, []]);
  await session.request("play");
  assert.deepEqual(seen.sound, ["start 0", "play"]);
});

test("a press that overtakes the hold goes without it", async () => {
  const { session, stream, seen, answers } = player();
  let resolve;
  answers["hold"] = () => new Promise((done) => (resolve = done));
  const taken = stream.hold.take();
  await settled();
  await session.request("play");
  resolve(ANSWER);
  await taken;
  assert.deepEqual([session.held, seen.invoked, seen.sound], [false, ["hold", "play"], ["start 0", "play"]]);
});
