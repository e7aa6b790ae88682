// The player's keyboard shortcuts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { actionOf } from "../../../extension/player/keys.js";

const PLAYBACK = { isPlayback: true, duration: 200_000, rate: 1 };
const press = (key, where = {}, shiftKey = false) => actionOf({ key, shiftKey }, { ...PLAYBACK, ...where });

test("space and k toggle playback; on a focused button, space presses the button", () => {
  assert.deepEqual([press(" "), press("k"), press("K")], [{ kind: "toggle" }, { kind: "toggle" }, { kind: "toggle" }]);
  assert.equal(press(" ", { onButton: true }), null);
  assert.deepEqual(press("k", { onButton: true }), { kind: "toggle" });
  assert.deepEqual(press(" ", { isPlayback: false }), { kind: "toggle" });
});

test("j, l and the arrows seek by ten seconds, with shift by five", () => {
  for (const [key, ms] of [
    ["j", -10_000],
    ["l", 10_000],
    ["ArrowLeft", -10_000],
    ["ArrowRight", 10_000],
  ])
    assert.deepEqual(press(key), { kind: "by", ms });
  assert.deepEqual(press("ArrowLeft", {}, true), { kind: "by", ms: -5_000 });
});

test("digits seek to tenths of the song", () => {
  assert.deepEqual(
    [press("0"), press("9")],
    [
      { kind: "to", ms: 0 },
      { kind: "to", ms: 180_000 },
    ],
  );
});

test("m, up and down change the volume, < and > the rate, shift n and p the track", () => {
  assert.deepEqual(
    [press("m"), press("ArrowUp"), press("ArrowDown")],
    [{ kind: "mute" }, { kind: "volume", by: 0.05 }, { kind: "volume", by: -0.05 }],
  );
  assert.deepEqual(
    [press(">"), press("<"), press(">", { rate: 2 }), press("<", { rate: 1.1 })].map(({ value }) => value),
    [1.25, 0.75, 2, 1],
  );
  assert.deepEqual(
    [press("N", {}, true), press("P", {}, true), press("n")],
    [{ kind: "track", by: 1 }, { kind: "track", by: -1 }, null],
  );
});

test("keys of a focused field, of the slider and of a view without playback have no action", () => {
  for (const key of ["k", " ", "m", "5", "ArrowLeft"]) assert.equal(press(key, { onField: true }), null);
  assert.deepEqual(press("t", { onField: true }), { kind: "terms" });
  assert.deepEqual([press("Home"), press("End", { onSlider: true })], [null, { kind: "to", ms: 200_000 }]);
  for (const key of ["j", "5", "m", "ArrowUp", ">"]) assert.equal(press(key, { isPlayback: false }), null);
  for (const key of ["Tab", "Enter", "Escape", "x"]) assert.equal(press(key), null);
});
