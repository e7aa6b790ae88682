// Redraws are delayed during a press.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { pressGuard } from "../../../extension/ui/press_guard.js";

/** A window with a clock of its own, and what was drawn in it. */
function shown() {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  const listeners = {};
  globalThis.addEventListener = (name, work) => void (listeners[name] ??= []).push(work);
  const drawn = [];
  const mustWait = pressGuard(() => drawn.push(mustWait()));
  return { say: (name, event = {}) => listeners[name].forEach((work) => work(event)), drawn, mustWait };
}

for (const [down, up] of [
  ["pointerdown", "pointerup"],
  ["pointerdown", "pointercancel"],
  ["keydown", "keyup"],
  ["pointerdown", "blur"],
]) {
  test(`between ${down} and ${up} nothing is drawn, and once after it`, () => {
    const { say, drawn, mustWait } = shown();
    assert.equal(mustWait(), false);
    say(down, { key: " " });
    assert.deepEqual([mustWait(), mustWait()], [true, true]);
    say(up);
    // The click comes with the end of the press.
    assert.deepEqual([mustWait(), drawn], [true, []]);
    mock.timers.tick(1);
    assert.deepEqual([mustWait(), drawn], [false, [false]]);
  });
}

test("a press without an end delays for a second at most, and without a change nothing is drawn", () => {
  const { say, drawn, mustWait } = shown();
  say("pointerdown");
  mustWait();
  mock.timers.tick(1_000);
  assert.deepEqual([mustWait(), drawn], [false, [false]]);
  say("pointerdown");
  say("pointerup");
  mock.timers.tick(1_000);
  assert.deepEqual([mustWait(), drawn.length], [false, 1]);
});

test("keys that press no button delay nothing", () => {
  const { say, mustWait } = shown();
  say("keydown", { key: "ArrowRight" });
  assert.equal(mustWait(), false);
});
