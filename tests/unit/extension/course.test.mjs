/**
 * The course of a play with a stand-in core and host: wishes that overtake each other while the host decides.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { core, host } from "./wallet_world.mjs";

globalThis.navigator ??= /** @type {any} */ ({});
const { Course } = await import("../../../extension/engine/playback/session.js");

const command = (kind, action) => ({ kind, action, position_ms: 0, segment: 0 });
const foreseen = { state: "starting", invoke: "resume", sound: "on", from_start: false };

/** A promise and what resolves it. */
function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { opened, open };
}

/** A paused play whose host and core answer when they are let; what sounded and what failed. */
function paused() {
  const seen = { sound: [], failed: [], events: [] };
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
    admission: { isReady: () => true, began() {}, forget() {}, earns: false },
    recovery: { under: null, isNeeded: () => false },
    ring: { take: async () => {} },
    paying: { heard() {}, told: () => null, costs: false },
    players: [],
    timings: { clicked() {}, sounded() {} },
    rate: 1,
    volume: 1,
    muted: false,
    nowS: 0,
    isActive: true,
    sound: { positionMs: 1000, audio, holds: () => true, aheadMs: 0, pause: () => seen.sound.push("off"), ranges: [] },
    feed: {
      turn: 0,
      parts: {},
      lead: () => 0,
      segmentAt: () => 0,
      fetchAhead() {},
      start: () => seen.sound.push("start"),
      stop() {},
      firstMissing: () => 0,
      worth: () => null,
    },
    page: { asks: false, denied: null, done: 0 },
    pitch: true,
    stalled: false,
    problem: null,
    isStalled() {},
    fail: async (error) => void seen.failed.push(error),
  };
  const course = new Course(/** @type {any} */ (stream));
  Object.assign(stream, { course });
  course.session = {
    state: "paused",
    position_ms: 1000,
    duration_ms: 40_000,
    granted: true,
    code: null,
    next: { play: foreseen },
  };
  return { course, seen };
}

const session = (state) => ({
  state,
  position_ms: 1000,
  duration_ms: 40_000,
  granted: true,
  code: null,
  next: { play: foreseen },
});

test("a pause that the core has not answered yet, when the host has counted the play, leaves it silent and fails nothing", async () => {
  const { course, seen } = paused();
  const counted = gate();
  const answered = gate();
  host.invoke = async ({ action }) => {
    if (action === "resume") await counted.opened;
    return { left: {}, heard_ms: 0, intervals: 0, grant: null };
  };
  core["player.begin"] = async ({ action }) => {
    if (action === "play") return { ...session("starting"), commands: [command("invoke", "resume")] };
    counted.open();
    await answered.opened;
    return { ...session("paused"), commands: [command("sound", "off"), command("invoke", "pause")] };
  };
  core["player.event"] = async ({ event }) => {
    seen.events.push(event);
    return { ...session("paused"), commands: [] };
  };
  const play = course.wish("play");
  const pause = course.wish("pause");
  await counted.opened;
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  answered.open();
  await Promise.all([play, pause]);
  course.counting.end();
  assert.deepEqual(seen, { sound: ["off"], failed: [], events: [] });
  assert.equal(course.session.state, "paused");
});

test("a problem that the core hears of before the host's answer is what is shown, and nothing sounds", async () => {
  const { course, seen } = paused();
  host.invoke = async () => ({ left: {}, heard_ms: 0, intervals: 0, grant: null });
  core["player.begin"] = async () => ({ ...session("starting"), commands: [command("invoke", "resume")] });
  core["player.event"] = async ({ event }) => {
    seen.events.push(event);
    return { ...session("failed"), commands: [] };
  };
  await course.wish("play");
  course.counting.end();
  assert.deepEqual(seen, { sound: ["start", "play", "off"], failed: [], events: ["granted"] });
  assert.equal(course.session.state, "failed");
});

test("a second play while the first one starts changes nothing: it sounds", async () => {
  const { course, seen } = paused();
  const counted = gate();
  let begun = 0;
  host.invoke = async () => {
    await counted.opened;
    return { left: {}, heard_ms: 0, intervals: 0, grant: null };
  };
  core["player.begin"] = async () => ({
    ...session("starting"),
    commands: begun++ ? [] : [command("invoke", "resume")],
  });
  core["player.event"] = async ({ event }) => {
    seen.events.push(event);
    return { ...session("starting"), commands: [command("sound", "on")] };
  };
  const both = [course.wish("play"), course.wish("play")];
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  counted.open();
  await Promise.all(both);
  course.counting.end();
  assert.deepEqual(seen, { sound: ["start", "play"], failed: [], events: ["granted"] });
});

test("a page's play that is asked as the song ends begins no counted play anew; a press does", async () => {
  for (const [surface, begins] of /** @type {[any, boolean][]} */ ([
    ["activated", false],
    ["press", true],
  ])) {
    const { course, seen } = paused();
    const { stream } = course;
    const noted = [];
    // What may go on may not begin: the page was allowed the first, and the core has heard of the end meanwhile.
    Object.assign(stream, {
      note: (problem) => noted.push(problem.code),
      refusalOf: (action, from) => (action === "play" && from === "activated" ? { code: "player.press" } : null),
    });
    course.session = {
      ...session("playing"),
      next: { play: { ...foreseen, invoke: null, sound: null, state: "playing" } },
    };
    const invoked = [];
    host.invoke = async ({ action }) => {
      invoked.push(action);
      return { left: {}, heard_ms: 0, intervals: 0, grant: null };
    };
    const wishes = [];
    core["player.begin"] = async ({ action }) => {
      wishes.push(action);
      return action === "stop"
        ? { ...session("ready"), granted: false, commands: [] }
        : { ...session("starting"), commands: [command("invoke", "play")] };
    };
    core["player.event"] = async ({ event }) => {
      seen.events.push(event);
      return { ...session("playing"), commands: [] };
    };
    await course.wish("play", undefined, surface);
    course.counting.end();
    assert.deepEqual(
      [invoked, noted, wishes, seen.events],
      begins ? [["play"], [], ["play"], ["granted"]] : [[], ["player.press"], ["play", "stop"], []],
    );
    assert.equal(course.session.state, begins ? "playing" : "ready");
  }
});
