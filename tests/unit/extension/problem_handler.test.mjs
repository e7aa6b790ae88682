// Problems of a stream: the end of its session, what the player shows, and a header from a stale cache.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { Problem } from "../../../extension/shared/problem.js";
import { ask, fresh, portMessages } from "./wallet_world.mjs";

globalThis.navigator ??= /** @type {any} */ ({});
const { ProblemHandler, isOfStaleHeader } = await import("../../../extension/engine/playback/problem_handler.js");

const PLAYER = 7;

/** A handler of a stream whose host has opened the song, and the calls to its parts. */
function world({ granted = false, reread = async () => null } = {}) {
  const calls = [];
  const record =
    (name) =>
    (...values) =>
      void calls.push([name, ...values]);
  const stream = {
    place: { origin: "https://radio.example", page: 1, element: 2, stream: "s" },
    players: [PLAYER],
    problem: null,
    notice: null,
    info: { interval_s: 30 },
    song: null,
    settings: { volume: 1, muted: false, rate: 1, pitch: true },
    sound: { positionMs: 0, aheadMs: 0, ranges: [], close: record("close sound") },
    ring: { clear: record("clear keys") },
    tickets: { earns: false, reset: record("reset ticket") },
    payment: { summary: () => null },
    timings: {},
    pageCommands: { isAsking: false, denied: null, done: 0 },
    source: { reread },
    session: {
      state: "failed",
      isOver: true,
      isStale: false,
      granted,
      playWhenReady: true,
      surface: "press",
      invocations: { heard: { ms: 0, at: 0 }, left: {}, pace: null },
      onProblem: async (code) => record("session")(code),
      silence: record("silence"),
    },
    discard: record("discard"),
    reset: (source) => {
      record("reset")(source);
      stream.session = { ...stream.session, playWhenReady: false, surface: "page" };
    },
    load: async () => record("load")(),
  };
  return { handler: new ProblemHandler(/** @type {any} */ (stream)), stream, calls };
}
const shown = () => portMessages.filter(({ message }) => message.type === "problem").map(({ message }) => message.code);

beforeEach(async () => {
  await fresh();
  portMessages.length = 0;
});
after(() => ask("wallet.lock"));

test("a notice is shown and stops nothing", () => {
  const { handler, stream, calls } = world();
  handler.notify(new Problem("player.press"));
  assert.deepEqual([shown(), stream.notice?.code, stream.problem, calls], [["player.press"], "player.press", null, []]);
});

test("a problem ends the play and its ticket, and is shown", async () => {
  const { handler, stream, calls } = world();
  await handler.fail(new Problem("policy.count.exhausted"));
  assert.deepEqual(calls, [["session", "policy.count.exhausted"], ["silence"], ["reset ticket"]]);
  assert.deepEqual([shown(), stream.problem?.code], [["policy.count.exhausted"], "policy.count.exhausted"]);
});

test("after a problem of the content its keys and sound are dropped", async () => {
  const { handler, calls } = world();
  await handler.fail(new Problem("server.busy"));
  assert.deepEqual(calls.slice(-1), [["reset ticket"]]);
  const revoked = world({ granted: true });
  await revoked.handler.fail(new Problem("content.revoked"));
  assert.deepEqual(revoked.calls.slice(-2), [["clear keys"], ["close sound"]]);
});

test("a header that is another one past the caches is loaded once, and a press counts as the page's script", async () => {
  const source = {};
  const { handler, stream, calls } = world({ reread: async () => source });
  await handler.fail(new Problem("content.revoked"));
  assert.deepEqual(calls, [["discard"], ["reset", source], ["load"]]);
  assert.deepEqual([stream.session.playWhenReady, stream.session.surface, shown()], [true, "activated", []]);
  await handler.fail(new Problem("content.revoked"));
  assert.deepEqual(shown(), ["content.revoked"]);
});

test("the same header, a granted play and other codes are not loaded again", async () => {
  for (const [options, code] of /** @type {const} */ ([
    [{}, "content.revoked"],
    [{ granted: true, reread: async () => ({}) }, "content.revoked"],
    [{ reread: async () => ({}) }, "ticket.missing"],
  ])) {
    const { handler, calls } = world(/** @type {any} */ (options));
    await handler.fail(new Problem(code));
    assert.deepEqual(calls[0], ["session", code]);
  }
  assert.deepEqual([isOfStaleHeader("sps.truncated"), isOfStaleHeader("sps.magic")], [true, false]);
});

test("a missing host is shown with the command that installs it", async () => {
  const { handler, stream } = world();
  await handler.fail(new Problem("host.missing"));
  assert.equal(stream.problem?.detail["command"], "gomaa host install");
});
