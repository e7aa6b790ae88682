// The interpreter of the core's transition table, compared with recorded sessions of the core's state machine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Transitions } from "../../../extension/engine/playback/transitions.js";

const { table, sessions } = JSON.parse(
  readFileSync(new URL("../../vectors/transitions.json", import.meta.url), "utf8"),
);
const START = { begins: "play", from_ms: 0 };
const ready = (start = START) => new Transitions(table, start, 21_000);

test("recorded sessions have the machine's states, positions, problems and commands", () => {
  for (const { start, duration_ms, events, results } of sessions) {
    const session = new Transitions(table, start, duration_ms);
    for (const [i, [name, position, code]] of events.entries()) {
      const commands = code === null ? session.step(name, position ?? undefined) : session.problem(code);
      const { state, granted, pendingPause, playAfterSeek, held, position_ms } = session;
      const written = commands.map(({ kind, action, position_ms: at }) => [kind, action, at]);
      assert.deepEqual(
        [state, granted, pendingPause, playAfterSeek, held, position_ms, session.code, written],
        results[i],
        JSON.stringify({ start, events: events.slice(0, i + 1) }),
      );
    }
  }
});

test("a play starts with an invocation at its position, or at the start where it may not sound there", () => {
  const invoked = (start, position) => ready(start).step("play", position)[0];
  assert.deepEqual(invoked(START, 7), { kind: "invoke", action: "play", position_ms: 7 });
  assert.deepEqual(invoked({ begins: "preview", from_ms: 5_000 }, 7), {
    kind: "invoke",
    action: "preview",
    position_ms: 5_000,
  });
});

test("the action of a request, and the effect of the grant on the sound, are available before", () => {
  const session = ready({ begins: "live_join", from_ms: 0 });
  assert.deepEqual(
    [session.actionOf("play"), session.actionOf("seek"), session.soundOnGrant],
    ["live_join", null, null],
  );
  session.step("play");
  assert.deepEqual([session.actionOf("play"), session.soundOnGrant], [null, "on"]);
  session.step("pause");
  assert.deepEqual([session.pendingPause, session.soundOnGrant], [true, null]);
  session.step("granted");
  assert.equal(session.actionOf("play"), "resume");
  session.step("seek", 3_000);
  assert.equal(session.soundOnGrant, "hold");
});

test("another start applies to the next play only", () => {
  const session = ready();
  session.restart({ begins: "preview", from_ms: 5_000 });
  assert.deepEqual([session.actionOf("play"), session.position_ms], ["preview", 5_000]);
  session.step("play");
  session.restart(START);
  assert.equal(session.start.begins, "preview");
});

test("an event without an effect changes nothing, and neither does an unknown one", () => {
  const session = ready();
  for (const event of ["granted", "playing", "ended", "nonsense", "pause", "retry"])
    assert.deepEqual([session.step(event, 9), session.state, session.position_ms], [[], "ready", 0], event);
});
