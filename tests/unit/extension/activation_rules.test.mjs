// Activation rules: which surface may begin an action of which cost.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isSurface,
  isLimited,
  MAY,
  mayBegin,
  downgrade,
  costOf,
} from "../../../extension/engine/playback/activation_rules.js";

const SURFACES = ["page", "activated", "frame", "press", "own"];
const FREE = { permissions: ["play", "seek"], price: { payer: "station" } };

/** [cost, allowance, surfaces that may]. */
const ROWS = [
  ["free", false, ["activated", "press", "own"]],
  ["free", true, ["activated", "press", "own"]],
  ["limited", false, ["press", "own"]],
  ["limited", true, ["press", "own"]],
  ["costs", false, []],
  ["costs", true, ["press", "own"]],
];

for (const [cost, allowance, may] of ROWS) {
  test(`${cost} ${allowance ? "with" : "without"} an allowance may begin by: ${may.join(", ") || "nothing"}`, () => {
    assert.deepEqual(
      SURFACES.filter((surface) => mayBegin(cost, surface, allowance)),
      may,
    );
  });
}

test("the table has a row for each cost and a column for each surface, and other names are no surface", () => {
  assert.deepEqual(Object.keys(MAY), ["free", "limited", "costs"]);
  for (const row of Object.values(MAY)) assert.deepEqual(Object.keys(row), SURFACES);
  for (const word of ["toString", "__proto__", "", "Press", null, 1, undefined]) {
    assert.equal(isSurface(word), false);
    assert.equal(mayBegin("free", word, true), false);
  }
  assert.ok(SURFACES.every(isSurface));
});

test("a script may begin no more than a press, and a press no more than the extension's own window", () => {
  for (const cost of Object.keys(MAY))
    for (const allowance of [false, true]) {
      const may = SURFACES.map((surface) => mayBegin(cost, surface, allowance));
      const [page, activated, frame, press, own] = may;
      assert.ok(!page && !frame && activated <= press && press <= own, `${cost} ${may}`);
    }
});

test("terms with counts or times make an action limited; free terms do not", () => {
  const counted = (counts) => ({ ...FREE, counts });
  for (const action of ["play", "resume", "seek", "preview", "rate"]) {
    assert.equal(costOf(FREE, action, false), "free", action);
    assert.equal(costOf(counted({ [action]: { limit: 3 } }), action, false), "limited", action);
  }
  /** @type {[object, string[]][]} */
  const rows = [
    [counted({ play: { limit: 10 } }), ["play"]],
    [counted({ play: { limit: 100, unit: "timed", after_s: 10 } }), ["play"]],
    [counted({ play: { limit: 600, unit: "second" } }), ["play", "preview", "resume", "seek"]],
    [counted({ play: { limit: 60, unit: "segment" } }), ["play", "preview", "resume", "seek"]],
    [counted({ preview: { limit: 3, per_s: 86_400 } }), ["preview"]],
    [counted({ seek: { limit: 30 } }), ["seek"]],
    [counted({ resume: { limit: 1 } }), ["resume"]],
    [{ ...FREE, metered_s: 3600 }, ["play", "preview", "resume", "seek"]],
    [{ ...FREE, ttl_s: 172_800 }, ["play", "preview"]],
    [{ ...FREE, devices: 2 }, ["play", "preview"]],
    [{ ...FREE, expires_s: 9, not_before_s: 1, preview_s: 30, concurrent: 1 }, []],
  ];
  for (const [policy, limited] of rows) {
    assert.deepEqual(
      ["play", "preview", "resume", "seek", "rate", "pause"].filter((action) => isLimited(policy, action)),
      limited,
      JSON.stringify(policy),
    );
  }
});

test("actions that begin, resume or extend a paid play cost; without terms an action is free", () => {
  for (const action of ["play", "resume", "preview", "seek"]) assert.equal(costOf(FREE, action, true), "costs");
  assert.equal(costOf(FREE, "rate", true), "free");
  for (const none of [null, undefined]) assert.equal(costOf(none, "play", false), "free");
});

test("a press for a song that may have been replaced counts as the page's script with user activation", () => {
  assert.deepEqual(SURFACES.map(downgrade), ["page", "activated", "frame", "activated", "activated"]);
  for (const surface of SURFACES)
    for (const cost of ["limited", "costs"]) assert.equal(mayBegin(cost, downgrade(surface), true), false);
});
