// A play by the surface of its request, before and after the song is loaded.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { ask, hostRequests, fresh, host, state, portMessages } from "./wallet_world.mjs";

globalThis.MediaSource ??= /** @type {any} */ ({ isTypeSupported: () => true });
globalThis.navigator ??= /** @type {any} */ ({});
const { Stream } = await import("../../../extension/engine/playback/stream.js");
const { SpsSource } = await import("../../../extension/engine/media/sps_source.js");
const { ActivationGate } = await import("../../../extension/engine/playback/activation_gate.js");
const { AudioSettings } = await import("../../../extension/engine/playback/audio_settings.js");
const { ProblemHandler } = await import("../../../extension/engine/playback/problem_handler.js");
const { SongLoader } = await import("../../../extension/engine/playback/song_loader.js");
const { TrackHandover } = await import("../../../extension/engine/playback/track_handover.js");

const COUNTED = { permissions: ["play", "seek"], counts: { play: { limit: 3 }, seek: { limit: 3 } } };
const FREE = { permissions: ["play", "seek"] };
const SILENT = {
  tickets: { earns: false, offer: async () => ({}) },
  sound: { positionMs: 0, aheadMs: 0, ranges: [] },
  song: {},
  timings: {},
  stalled: false,
  problem: null,
};
let number = 0;

/** A stream with nothing but what decides; what it wished for. */
function stream(policy, { costs = false, on = false, now = "ready", invoke = "play", active = false } = {}) {
  const requests = [];
  const invocations = { heard: { ms: 0, at: 0 }, left: {}, pace: null };
  const next = active ? { seek: { invoke: "seek" } } : { play: { invoke }, seek: { invoke: "seek" } };
  const session = {
    surface: "page",
    playWhenReady: false,
    invocations,
    isActive: active,
    state: now,
    actionOf: (request) => next[request]?.invoke ?? null,
    request: async (request) => void requests.push(request),
  };
  const pageCommands = {
    done: 4,
    denied: null,
    deny() {
      this.denied = this.done;
    },
  };
  const info =
    now === "loading" ? null : { policy, reward_wei: "5", station: { address: "0xs", domain: "s.example", name: "S" } };
  const one = {
    session,
    info,
    pageCommands,
    payment: { costs, on, summary: () => null },
    notice: null,
    players: [7],
    place: { origin: `https://${++number}.example`, page: 1, element: 2, stream: "s" },
    ...SILENT,
  };
  Object.setPrototypeOf(one, Stream.prototype);
  Object.assign(one, {
    settings: new AudioSettings(),
    gate: new ActivationGate(one),
    problems: new ProblemHandler(one),
    loader: new SongLoader(one, session),
  });
  return { one, requests };
}

beforeEach(async () => {
  await fresh();
  Object.assign(state, { collect: "always", answers: [] });
  host.site = () => ({});
  portMessages.length = hostRequests.length = 0;
});

// A wallet that is open has a timer that locks it.
after(() => ask("wallet.lock"));

/** How often the host was told of a site. */
const sites = () => hostRequests.filter(({ op }) => op === "site").length;
const said = () => portMessages.filter(({ message }) => message.type === "problem").map(({ message }) => message.code);

for (const [name, policy, options, may] of /** @type {[string, object, any, string[]][]} */ ([
  ["free music", FREE, {}, ["activated", "press", "own"]],
  ["a counted play", COUNTED, {}, ["press", "own"]],
  ["going on with a counted play", COUNTED, { now: "paused", invoke: "resume" }, ["activated", "press", "own"]],
  [
    "a counted play whose pause is on its way",
    COUNTED,
    { now: "playing", active: true },
    ["activated", "press", "own"],
  ],
  ["a song that costs, within a budget", FREE, { costs: true, on: true }, ["press", "own"]],
  ["going on with it", FREE, { costs: true, on: true, now: "paused", invoke: "resume" }, ["press", "own"]],
  ["its preview", FREE, { costs: true, invoke: "preview" }, ["activated", "press", "own"]],
  ["a song that costs and has neither budget nor preview", FREE, { costs: true }, []],
])) {
  test(`${name} begins by: ${may.join(", ") || "nothing"}`, async () => {
    for (const surface of ["page", "activated", "frame", "press", "own"]) {
      const { one, requests } = stream(policy, options);
      const begun = await one.play(surface);
      assert.equal(begun, may.includes(surface), surface);
      assert.deepEqual([requests, sites()], begun ? [["play"], 1] : [[], 0]);
      assert.deepEqual(
        said(),
        begun ? [] : [options.costs && !options.on && options.invoke !== "preview" ? "site.budget" : "player.press"],
      );
      portMessages.length = hostRequests.length = 0;
    }
  });
}

test("a play before the song is loaded is checked again after loading, and its denial is published to the page", async () => {
  const early = stream(COUNTED, { now: "loading" });
  assert.equal(await early.one.play("page"), false);
  assert.equal(await early.one.play("activated"), true);
  assert.deepEqual([early.requests, early.one.session.surface, sites()], [["play"], "activated", 0]);
  for (const [surface, denied] of [
    ["activated", 4],
    ["press", null],
  ]) {
    const { one, requests } = stream(COUNTED);
    Object.assign(one.session, { playWhenReady: true, surface });
    await one.playPending(one.session);
    assert.deepEqual(
      [one.pageCommands.denied, requests.length, one.session.playWhenReady],
      [denied, denied === null ? 1 : 0, false],
    );
    const heard =
      portMessages.filter(({ port, message }) => port === 1 && message.type === "state").at(-1)?.message.state.denied ??
      null;
    assert.equal(heard, denied);
    portMessages.length = 0;
  }
});

test("a page's script may make free seeks without user activation, and no counted ones", () => {
  assert.equal(stream(COUNTED).one.gate.refusal("seek", "activated").code, "player.press");
  assert.equal(stream(COUNTED).one.gate.refusal("seek", "press"), null);
  for (const surface of ["page", "activated"]) assert.equal(stream(FREE).one.gate.refusal("seek", surface), null);
});

test("a page's seek extends no paid or metered play; the fan's own does", () => {
  const metered = { ...FREE, metered_s: 60 };
  for (const [policy, options] of [
    [metered, {}],
    [FREE, { costs: true, on: true }],
  ]) {
    const { one } = stream(policy, { ...options, now: "playing", active: true });
    for (const surface of ["page", "activated"]) assert.equal(one.gate.refusal("seek", surface).code, "player.press");
    assert.equal(one.gate.refusal("seek", "press"), null);
  }
  assert.equal(
    stream(FREE, { costs: true, now: "playing", active: true }).one.gate.refusal("seek", "activated"),
    null,
    "of a preview",
  );
});

test("a press before the song is loaded starts no counted or paid play", async () => {
  for (const surface of ["press", "own"]) {
    const early = stream(COUNTED, { now: "loading" });
    await early.one.play(surface);
    assert.equal(early.one.session.surface, "activated");
  }
});

test("a press is for the terms that were shown, not for those of a header that replaces them", async () => {
  for (const [policy, options, begun] of /** @type {[object, any, string[]][]} */ ([
    [FREE, {}, ["play"]],
    [COUNTED, {}, []],
    [FREE, { costs: true, on: true }, []],
  ])) {
    const { one, requests } = stream(policy, options);
    one.session.state = "starting";
    Object.assign(one, {
      session: { ...one.session, surface: "press", isStale: false },
      source: { reread: async () => ({ close() {} }) },
      discard() {},
      reset() {
        this.session = stream(policy, options).one.session;
        this.session.request = async (request) => void requests.push(request);
      },
      load() {
        return this.playPending(this.session);
      },
    });
    assert.equal(await one.problems.reread({ code: "station.right.missing" }), true);
    assert.deepEqual(requests, begun);
  }
});

test("a take-over is offered after a press of a person, not after a request of a page's script", () => {
  for (const [surface, opened, code, waits] of /** @type {[string, boolean, string, boolean][]} */ ([
    ["press", false, "session.busy", true],
    ["own", false, "session.busy", true],
    ["activated", false, "session.busy", false],
    ["page", false, "session.busy", false],
    ["activated", true, "session.busy", true],
    ["press", true, "site.paused", false],
  ])) {
    const { one } = stream(FREE);
    Object.assign(one, { opened, problem: { code } });
    one.session.surface = surface;
    assert.equal(one.waitsForTakeOver, waits, `${surface} ${code}`);
  }
});

test("a list continues by itself with free songs only", () => {
  const before = {
    session: { state: "playing" },
    scheduler: { isComplete: true },
    info: { duration_ms: 10_000 },
    sound: { positionMs: 9_500 },
    settings: { rate: 1 },
  };
  for (const [policy, goes] of [
    [FREE, true],
    [COUNTED, false],
  ]) {
    const { one } = stream(policy);
    Object.assign(one.info, { duration_ms: 10_000 });
    assert.equal(Object.setPrototypeOf({ before, after: one, fadeMs: 0 }, TrackHandover.prototype).isDue, goes);
  }
});

test("a play at a station without an answer adds the question, and starts", async () => {
  Object.assign(state, { collect: "ask", vault: "VAULT" });
  const { one, requests } = stream(FREE);
  await one.play("activated");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    [requests, state.answers.map(({ station, collect }) => [station, collect])],
    [["play"], [["0xs", null]]],
  );
});

test("a song that could not be opened drops its bytes, and a retry reads it again", async () => {
  const { one } = stream(FREE, { now: "loading" });
  const web = async () => new Response(new Uint8Array(500_000));
  const { fetch } = globalThis;
  globalThis.fetch = web;
  const source = new SpsSource("https://cdn.example/a.sps", undefined, undefined, false, {
    page: one.place.origin,
    site: one.place.origin,
  });
  Object.assign(one, {
    source,
    song: null,
    ring: { publicKey: Promise.resolve(new Uint8Array(65)) },
    place: { ...one.place, site: one.place.origin },
  });
  one.loader.opening = { stream: "s", header: "x".repeat(100) };
  Object.assign(one.session, { isStale: false, onProblem: async () => undefined });
  await one.loader.load();
  globalThis.fetch = fetch;
  assert.equal(one.problem.code, "sps.magic");
  assert.deepEqual(
    [source.head.length, source.reading, source.stop.signal.aborted, one.loader.opening],
    [0, null, true, { stream: "s" }],
  );
});

test("a page on disk with a station on this computer cannot reach addresses here by the mirrors of its header", async () => {
  const { one } = stream(FREE);
  const places = ["http://localhost:8080/parts/", "http://127.0.0.1/a.sps", "https://cdn.example/a.sps"];
  for (const [src, reached] of [
    ["file:///home/a/song.html", 1],
    ["http://localhost:8080/a.sps", 3],
  ]) {
    Object.assign(one, {
      place: { ...one.place, src, origin: "http://localhost:8080", site: "http://localhost:8080" },
    });
    const source = one.sourceOf(false);
    source.addMirrors(places);
    await source.mirrorsAdded;
    assert.equal(source.loader.mirrors.length - 1, reached, src);
  }
});

test("the songs of a site that the host opens at once are limited, and another site does not wait for them", async () => {
  const open = [];
  host.open = () => new Promise((resolve) => open.push(resolve));
  host.close = () => ({});
  const begun = Array.from({ length: 20 }, (_, i) => {
    const { one } = stream(FREE, { now: "loading" });
    const site = i < 19 ? "https://many.example" : "https://other.example";
    const source = {
      header: async () => new Uint8Array(50),
      addMirrors: (places) => void places.catch(() => undefined),
      close: () => undefined,
      kbps: null,
    };
    Object.assign(one, {
      source,
      song: null,
      ring: { publicKey: Promise.resolve(new Uint8Array(65)) },
      place: { ...one.place, stream: `open ${i}`, site },
    });
    one.session.onProblem = async () => undefined;
    one.session.isStale = false;
    one.loader.load();
    return one;
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 20; i++) await turn();
  const names = () => hostRequests.filter(({ op }) => op === "open").map(({ stream: name }) => name);
  assert.equal(names().length, 9);
  assert.ok(names().includes("open 19"));
  // One that has gone meanwhile is not looked at.
  begun[8].session.isStale = true;
  open[0]({});
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(names().length, 10);
  assert.equal(names().includes("open 8"), false);
});
