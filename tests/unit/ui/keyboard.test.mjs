// Execution of the player's keyboard shortcuts.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.chrome = { i18n: { getMessage: (key) => key } };
const { Keyboard } = await import("../../../extension/player/keyboard.js");
const { INITIAL_STATE } = await import("../../../extension/player/model.js");

/** A keyboard with a model in a state; `calls` has the actions. */
function create(state) {
  const calls = [];
  const actions = new Proxy(
    {},
    {
      get:
        (_, name) =>
        (...args) =>
          void calls.push([name, ...args]),
    },
  );
  const terms = { facts: {}, permits: ["seek"] };
  const model = { terms, state: { ...INITIAL_STATE, ...state, duration_ms: 100_000 }, problem: null, at: 0 };
  const keyboard = new Keyboard(model, actions);
  const press = (key, fields = {}) => {
    let isDefaultPrevented = false;
    keyboard.onKeyDown({
      isTrusted: true,
      key,
      target: { closest: () => null, matches: () => false },
      preventDefault: () => (isDefaultPrevented = true),
      ...fields,
    });
    return isDefaultPrevented;
  };
  return { press, calls };
}

test("space pauses what sounds, continues what is paused, and starts a song only when it is ready", () => {
  for (const [state, expected] of [
    ["playing", [["send", { type: "pause" }]]],
    ["paused", [["send", { type: "play" }]]],
    ["ready", [["send", { type: "play" }]]],
    ["loading", []],
  ]) {
    const { press, calls } = create({ state });
    assert.ok(press(" "));
    assert.deepEqual(calls, expected, state);
  }
});

test("keys of a script, with a modifier, or without an action are left to the page", () => {
  const { press, calls } = create({ state: "playing" });
  for (const [key, fields] of [
    [" ", { isTrusted: false }],
    [" ", { ctrlKey: true }],
    ["k", { metaKey: true }],
    ["Tab", {}],
  ])
    assert.equal(press(key, fields), false);
  assert.deepEqual(calls, []);
});

test("repeats of a held key seek and change the volume, and toggle nothing", () => {
  const { press, calls } = create({ state: "paused", position_ms: 50_000 });
  for (const key of [" ", "m", "l", "ArrowUp"]) press(key, { repeat: true });
  assert.deepEqual(calls, [
    ["seekTo", 60_000],
    ["changeVolume", 0.05],
  ]);
});

test("mute is announced with what it does", () => {
  const { press, calls } = create({ state: "playing", muted: true });
  press("m");
  assert.deepEqual(calls, [
    ["send", { type: "mute", value: false }],
    ["say", "unmute"],
  ]);
});
