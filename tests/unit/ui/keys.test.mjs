// What keys mean in the player.
import assert from "node:assert/strict";
import { test } from "node:test";
import { meaning } from "../../../extension/player/keys.js";

const MUSIC = { music: true, position: 30_000, duration: 200_000, rate: 1 };
const say = (key, where = {}, shiftKey = false) => meaning({ key, shiftKey }, { ...MUSIC, ...where });

test("space and k play and pause; on a button, space is the button's", () => {
  assert.deepEqual([say(" "), say("k"), say("K")], [{ kind: "toggle" }, { kind: "toggle" }, { kind: "toggle" }]);
  assert.equal(say(" ", { onButton: true }), null);
  assert.deepEqual(say("k", { onButton: true }), { kind: "toggle" });
  assert.deepEqual(say(" ", { music: false }), { kind: "toggle" });
});

test("j, l and the arrows move ten seconds, with shift five", () => {
  for (const [key, ms] of [
    ["j", -10_000],
    ["l", 10_000],
    ["ArrowLeft", -10_000],
    ["ArrowRight", 10_000],
  ])
    assert.deepEqual(say(key), { kind: "by", ms });
  assert.deepEqual(say("ArrowLeft", {}, true), { kind: "by", ms: -5_000 });
});

test("digits are tenths of the song", () => {
  assert.deepEqual(
    [say("0"), say("9")],
    [
      { kind: "to", ms: 0 },
      { kind: "to", ms: 180_000 },
    ],
  );
});

test("m, up and down are the volume; < and > the next speed; shift n and p the next track", () => {
  assert.deepEqual(
    [say("m"), say("ArrowUp"), say("ArrowDown")],
    [{ kind: "mute" }, { kind: "louder", by: 0.05 }, { kind: "louder", by: -0.05 }],
  );
  assert.deepEqual(
    [say(">"), say("<"), say(">", { rate: 2 }), say("<", { rate: 1.1 })].map(({ value }) => value),
    [1.25, 0.75, 2, 1],
  );
  assert.deepEqual(
    [say("N", {}, true), say("P", {}, true), say("n")],
    [{ kind: "track", by: 1 }, { kind: "track", by: -1 }, null],
  );
});

test("a field keeps its keys, home and end are the slider's, and without music there is nothing to move", () => {
  for (const key of ["k", " ", "m", "5", "ArrowLeft"]) assert.equal(say(key, { onField: true }), null);
  assert.deepEqual(say("t", { onField: true }), { kind: "terms" });
  assert.deepEqual([say("Home"), say("End", { onSlider: true })], [null, { kind: "to", ms: 200_000 }]);
  for (const key of ["j", "5", "m", "ArrowUp", ">"]) assert.equal(say(key, { music: false }), null);
  for (const key of ["Tab", "Enter", "Escape", "x"]) assert.equal(say(key), null);
});
