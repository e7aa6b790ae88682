// How much one page may ask, and for whom it speaks.
import assert from "node:assert/strict";
import { test } from "node:test";

Object.assign(globalThis, { location: { protocol: "moz-extension:" }, chrome: { runtime: {} } });
const { Allowance, MOST_IN_TAB, MOST_SHOWN, roomFor } = await import("../../../extension/background/limits.js");
const { originOf } = await import("../../../extension/shared/compat.js");

test("a burst is heard, what is too much is told once, and time gives it back", () => {
  let now = 0;
  const allowance = new Allowance(() => now, 3, 2);
  assert.deepEqual(Array.from({ length: 6 }, () => allowance.take()), ["yes", "yes", "yes", "tell", "no", "no"]);
  now = 1000;
  assert.deepEqual(Array.from({ length: 4 }, () => allowance.take()), ["yes", "yes", "tell", "no"]);
  now = 1e9;
  assert.deepEqual(Array.from({ length: 4 }, () => allowance.take()), ["yes", "yes", "yes", "tell"]);
});

test("a page and a tab have room for so many players", () => {
  const shown = (count, page, tab) => Array.from({ length: count }, () => ({ page, tab }));
  assert.ok(roomFor(shown(MOST_SHOWN - 1, 1, 1), 1, 1));
  assert.equal(roomFor(shown(MOST_SHOWN, 1, 1), 1, 1), false);
  assert.ok(roomFor(shown(MOST_SHOWN, 1, 1), 2, 1));
  assert.equal(roomFor(shown(MOST_IN_TAB, 1, 1), 2, 1), false);
  assert.ok(roomFor(shown(MOST_IN_TAB, 1, 1), 2, 2));
});

test("a document in a sandbox speaks for no site", () => {
  assert.equal(originOf({ origin: "https://music.example", url: "https://music.example/a" }), "https://music.example");
  assert.equal(originOf({ url: "https://music.example/a" }), "https://music.example");
  assert.equal(originOf({ origin: "null", url: "https://music.example/a" }), "null");
});
