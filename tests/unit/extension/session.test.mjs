/**
 * A playback session by the core's transition table, with a stand-in host: requests that overtake each other while the
 * host decides.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Problem } from "../../../extension/shared/problem.js";
import { hostRequests, host, portMessages } from "./wallet_world.mjs";

globalThis.navigator ??= /** @type {any} */ ({});
const { PlaybackSession } = await import("../../../extension/engine/playback/session.js");

const { table } = JSON.parse(readFileSync(new URL("../../vectors/transitions.json", import.meta.url), "utf8"));
const ANSWER = { left: {}, heard_ms: 0, intervals: 0, grant: null };

/** A promise and what resolves it. */
function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { opened, open };
}

const settled = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
};

/**
 * A session that has gone through some events, all of which the host has answered; what sounded, what was invoked and
 * what failed.
 * @param {string[]} events
 * @param {boolean} [buffered] whether the audio element has something to sound
 */
function sessionAfter(events, buffered = true) {
  const seen = { sound: [], invoked: [], failed: [] };
  const loads = [];
  const loop = { stops: 0 };
  const audio = {
    currentTime: 1,
    paused: true,
    readyState: 4,
    play: async () => void seen.sound.push("play"),
    pause() {},
  };
  const stream = {
    place: { stream: "s", page: 1, element: "e" },
    info: { duration_ms: 40_000, interval_s: 30, reward_wei: "0", content: "0x" },
    song: { duration_ms: 40_000, extent: { from_ms: 0 } },
    tickets: { isReady: () => true, markUsed() {}, reset() {}, earns: false },
    recovery: { pending: null, isNeeded: () => false },
    ring: { addGrant: async () => {} },
    payment: { onIntervals() {}, summary: () => null, costs: false },
    players: [],
    timings: Object.create({ onRequest() {}, onSound() {} }),
    settings: { rate: 1, volume: 1, muted: false, pitch: true },
    nowS: 0,
    isActive: true,
    sound: {
      positionMs: 1000,
      audio,
      isBuffered: () => buffered,
      aheadMs: 0,
      pause: () => seen.sound.push("off"),
      ranges: [],
    },
    scheduler: {
      generation: 0,
      parts: {},
      firstToDecode: (segment) => segment,
      firstToLoad: (segment) => segment,
      segmentAt: (position) => Math.floor(position / 2000),
      prefetch: (segment) => loads.push(segment),
      start: (position) => seen.sound.push(`start ${position}`),
      stop: () => loop.stops++,
      firstMissing: () => 0,
      keyCount: () => null,
    },
    hold: { isUsable: true, end() {}, onSound() {} },
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
  };
  const session = new PlaybackSession(/** @type {any} */ (stream));
  Object.assign(stream, { session });
  session.load(table, { begins: "play", from_ms: 0 }, 40_000);
  host.invoke = async ({ action }) => {
    seen.invoked.push(action);
    return ANSWER;
  };
  const forget = () => Object.values(seen).forEach((list) => list.splice(0));
  return { session, stream, seen, audio, forget, loads, loop };
}

/** A session that is paused at 1 s, or in the state after further requests. */
async function paused(buffered = true) {
  const world = sessionAfter([], buffered);
  await world.session.request("play", 1000);
  world.session.onMediaEvent("playing");
  await world.session.request("pause", 1000);
  world.session.invocations.stopRenewing();
  assert.equal(world.session.state, "paused");
  world.forget();
  return world;
}

/** The host answers an action when it is let. */
function hold(seen, held) {
  const { opened, open } = gate();
  host.invoke = async ({ action }) => {
    seen.invoked.push(action);
    if (action === held) await opened;
    return ANSWER;
  };
  return open;
}

test("a press is sent to the host in the same task, and the sound starts with the result", async () => {
  const { session, seen } = await paused();
  const open = hold(seen, "resume");
  const play = session.request("play");
  assert.deepEqual(
    [session.state, hostRequests.at(-1).action, hostRequests.at(-1).position_ms],
    ["starting", "resume", 1000],
  );
  await settled();
  assert.deepEqual(seen, { sound: [], invoked: ["resume"], failed: [] });
  open();
  await play;
  session.invocations.stopRenewing();
  assert.deepEqual(seen.sound, ["start 1000", "play"]);
  session.onMediaEvent("playing");
  assert.equal(session.state, "playing");
});

test("decoder and output start before the grant where nothing is buffered, and a refused seek is undone", async () => {
  const { session, stream, seen, audio } = await paused(false);
  const open = hold(seen, "resume");
  const play = session.request("play");
  assert.deepEqual(seen.sound, ["play"]);
  open();
  await play;
  session.onMediaEvent("playing");
  host.invoke = async () => {
    throw new Problem("policy.count.exhausted");
  };
  seen.sound.length = 0;
  const seek = session.request("seek", 9_000);
  assert.deepEqual([audio.currentTime, session.state], [9, "seeking"]);
  await seek;
  session.invocations.stopRenewing();
  assert.deepEqual([session.state, stream.session.granted, seen.failed], ["playing", true, ["policy.count.exhausted"]]);
  assert.deepEqual(seen.sound, ["play", "start 1000"]);
});

test("a pause before the host's result of the play leaves it silent, without a failure", async () => {
  const { session, seen } = await paused();
  const open = hold(seen, "resume");
  const play = session.request("play");
  const pause = session.request("pause");
  open();
  await Promise.all([play, pause]);
  session.invocations.stopRenewing();
  assert.deepEqual(seen, { sound: ["off"], invoked: ["resume", "pause"], failed: [] });
  assert.equal(session.state, "paused");
});

test("a pause before the first grant is invoked with it", async () => {
  const { session, seen } = sessionAfter([]);
  const open = hold(seen, "play");
  const play = session.request("play", 0);
  await session.request("pause");
  assert.deepEqual([session.state, session.pendingPause, seen.invoked], ["starting", true, ["play"]]);
  open();
  await play;
  session.invocations.stopRenewing();
  assert.deepEqual(seen, { sound: ["off"], invoked: ["play", "pause"], failed: [] });
  assert.equal(session.state, "paused");
});

test("a problem before the host's result is shown, and no sound starts", async () => {
  const { session, stream, seen } = await paused();
  const open = hold(seen, "resume");
  const play = session.request("play");
  await stream.fail(new Problem("content.revoked"));
  open();
  await play;
  session.invocations.stopRenewing();
  assert.deepEqual(seen, { sound: ["off"], invoked: ["resume"], failed: ["content.revoked"] });
  assert.equal(session.state, "refused");
});

test("a second play while the first one starts has no effect", async () => {
  const { session, seen } = await paused();
  const open = hold(seen, "resume");
  const both = [session.request("play"), session.request("play")];
  await settled();
  open();
  await Promise.all(both);
  session.invocations.stopRenewing();
  assert.deepEqual(seen, { sound: ["start 1000", "play"], invoked: ["resume"], failed: [] });
});

test("of two seeks only the result of the latest starts the sound, at its position", async () => {
  const { session, seen, audio } = await paused();
  await session.request("play");
  session.onMediaEvent("playing");
  seen.sound.length = seen.invoked.length = 0;
  Object.assign(audio, { paused: false, readyState: 1 });
  const gates = [gate(), gate()];
  host.invoke = async () => {
    const { opened } = gates[seen.invoked.push("seek") - 1];
    await opened;
    return ANSWER;
  };
  const seeks = [session.request("seek", 5_000), session.request("seek", 7_000)];
  await settled();
  gates[0].open();
  await seeks[0];
  assert.deepEqual([seen.sound, session.state], [[], "seeking"]);
  gates[1].open();
  await seeks[1];
  session.invocations.stopRenewing();
  assert.deepEqual(
    [seen.sound, seen.invoked],
    [
      ["start 7000", "play"],
      ["seek", "seek"],
    ],
  );
  session.onMediaEvent("seeked");
  assert.equal(session.state, "seeking", "the element has nothing to play yet");
  session.onMediaEvent("playing");
  assert.equal(session.state, "playing");
});

test("a page's play that is requested at the end of the song starts no new counted play; a press does", async () => {
  for (const [surface, begins] of /** @type {[any, boolean][]} */ ([
    ["activated", false],
    ["press", true],
  ])) {
    const { session, stream, seen, forget } = await paused();
    const noted = [];
    // What may be resumed may not start: the page was allowed the first, and the song has ended meanwhile.
    Object.assign(stream, {
      notify: (problem) => noted.push(problem.code),
      gate: {
        refusalOf: (action, from) => (action === "play" && from === "activated" ? { code: "player.press" } : null),
      },
    });
    await session.request("play");
    session.onMediaEvent("playing");
    session.onMediaEvent("ended");
    await settled();
    assert.equal(session.state, "ended");
    forget();
    await session.request("play", undefined, surface);
    session.invocations.stopRenewing();
    assert.deepEqual([seen.invoked, noted], begins ? [["play"], []] : [[], ["player.press"]]);
    assert.equal(session.state, begins ? "starting" : "ready");
  }
});

test("an interrupted play is continued at its position, paused or playing as before", async () => {
  for (const playing of [false, true]) {
    const { session, seen, audio } = sessionAfter([]);
    const play = { state: "playing", position_ms: 4_000, heard_ms: 3_000, intervals: 0 };
    await session.resume(play, { position_ms: 5_000, playing });
    session.invocations.stopRenewing();
    assert.equal(audio.currentTime, 5);
    assert.deepEqual(seen.invoked, playing ? ["pause", "resume"] : ["pause"]);
    assert.deepEqual([session.state, session.granted], [playing ? "starting" : "paused", true]);
  }
});

test("a play before the song is loaded is pending, a pause cancels it, and problems of the host are shown", async () => {
  const { stream } = sessionAfter([]);
  const session = new PlaybackSession(/** @type {any} */ (stream));
  stream.session = session;
  await session.request("play");
  assert.deepEqual([session.state, session.playWhenReady], ["loading", true]);
  await session.request("pause");
  assert.equal(session.playWhenReady, false);
  await session.onProblem("sps.magic");
  assert.equal(session.state, "loading");
  await session.onProblem("host.missing");
  assert.deepEqual([session.state, session.isOver], ["failed", true]);
  session.load(table, { begins: "preview", from_ms: 5_000 }, 40_000);
  assert.deepEqual([session.state, session.position_ms, session.actionOf("play")], ["ready", 5_000, "preview"]);
});

test("a handover invokes the stop once, and the end of the track nothing more", async () => {
  const { session, seen, forget } = await paused();
  await session.request("play");
  session.onMediaEvent("playing");
  forget();
  await session.handOver();
  session.onMediaEvent("ended");
  await settled();
  assert.deepEqual([seen.invoked, session.state], [["stop"], "ended"]);
});

test("a pointer that is down loads the segment of its position, and invokes nothing", async () => {
  const { session, stream, seen, loads } = await paused(false);
  loads.length = 0;
  const requests = hostRequests.length;
  session.prepareSeek(20_500);
  assert.deepEqual([loads, session.state, hostRequests.length], [[10], "paused", requests]);
  // Where the sound is buffered, or an action has the segment that is loaded, there is nothing to prepare.
  stream.sound.isBuffered = () => true;
  session.prepareSeek(30_500);
  stream.sound.isBuffered = () => false;
  const open = hold(seen, "seek");
  const seek = session.request("seek", 9_000);
  session.prepareSeek(30_500);
  assert.deepEqual(loads, [10, 4]);
  open();
  await seek;
  session.invocations.stopRenewing();
});

test("before the song has been granted, a pointer that is down loads nothing", () => {
  const { session, loads } = sessionAfter([], false);
  session.prepareSeek(20_500);
  assert.deepEqual(loads, []);
});

test("between a seek and its sound one message goes to the host, before every other one", async () => {
  const { session, stream, seen, loads } = await paused(false);
  await session.request("play");
  session.onMediaEvent("playing");
  Object.values(seen).forEach((list) => list.splice(0));
  [portMessages, hostRequests, loads].forEach((list) => list.splice(0));
  stream.players = /** @type {any} */ ([7]);
  /** Messages to other ports before each request to the host. */
  const before = [];
  const { push } = hostRequests;
  hostRequests.push = (...requests) => (before.push(portMessages.length), push.apply(hostRequests, requests));
  await session.request("seek", 20_500);
  session.invocations.stopRenewing();
  Reflect.deleteProperty(hostRequests, "push");
  assert.deepEqual(before, [0]);
  assert.deepEqual(
    hostRequests.map(({ op, action, position_ms, segment }) => [op, action, position_ms, segment]),
    [["invoke", "seek", 20_500, 10]],
  );
  assert.deepEqual(loads, [10]);
  assert.deepEqual(seen.sound, ["play", "start 20500", "play"]);
  const states = portMessages.filter(({ message }) => message.type === "state" && !("element" in message));
  assert.ok(states.length <= 2, `${states.length} states`);
});

test("a hundred seeks of a page are a hundred invocations, and the last one sounds once", async () => {
  const { session, seen } = await paused(false);
  await session.request("play");
  session.onMediaEvent("playing");
  Object.values(seen).forEach((list) => list.splice(0));
  await Promise.all(Array.from({ length: 100 }, (_, i) => session.request("seek", 1000 + 100 * i)));
  session.invocations.stopRenewing();
  assert.deepEqual(seen.invoked, Array(100).fill("seek"));
  assert.deepEqual(
    seen.sound.filter((entry) => entry.startsWith("start")),
    ["start 10900"],
  );
});

test("a seek to sound that is not buffered ends the present loop before the host answers, others leave it running", async () => {
  for (const buffered of [false, true]) {
    const { session, seen, loop } = await paused(buffered);
    await session.request("play");
    session.onMediaEvent("playing");
    loop.stops = 0;
    const open = hold(seen, "seek");
    const seek = session.request("seek", 20_500);
    assert.equal(loop.stops, buffered ? 0 : 1);
    open();
    await seek;
    session.invocations.stopRenewing();
  }
});
