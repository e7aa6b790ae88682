// How much one page may ask, and for whom it speaks.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

Object.assign(globalThis, { location: { protocol: "moz-extension:" }, chrome: { runtime: {} } });
const { Allowance, TabAllowances, MOST_IN_TAB, MOST_OF_SITE, MOST_SHOWN, roomFor, roomForSite } =
  await import("../../../extension/background/token_bucket.js");
const { originOf } = await import("../../../extension/shared/compat.js");

test("a burst is heard, what is too much is told once, and time gives it back", () => {
  let now = 0;
  const allowance = new Allowance(() => now, 3, 2);
  assert.deepEqual(
    Array.from({ length: 6 }, () => allowance.take()),
    ["yes", "yes", "yes", "tell", "no", "no"],
  );
  now = 1000;
  assert.deepEqual(
    Array.from({ length: 4 }, () => allowance.take()),
    ["yes", "yes", "tell", "no"],
  );
  now = 1e9;
  assert.deepEqual(
    Array.from({ length: 4 }, () => allowance.take()),
    ["yes", "yes", "yes", "tell"],
  );
});

test("the frames of a tab are heard as often as four documents together, and another tab as if there were none", () => {
  let now = 0;
  const tabs = new TabAllowances(() => now);
  const heard = (tab, times) =>
    Array.from({ length: times }, () => tabs.take(tab)).filter((one) => one === "yes").length;
  assert.equal(heard(1, 5000), 1200);
  assert.equal(heard(2, 300), 300);
  now = 1000;
  assert.equal(heard(1, 5000), 240);
  // A tab that comes meanwhile resets nothing.
  assert.equal(heard(3, 1), 1);
  assert.equal(heard(1, 10), 0);
  now = 60_000;
  assert.equal(heard(4, 1), 1);
  assert.equal(heard(1, 5000), 1200);
});

test("a page and a tab have room for so many players", () => {
  const shown = (count, page, tab) => Array.from({ length: count }, () => ({ page, tab }));
  assert.ok(roomFor(shown(MOST_SHOWN - 1, 1, 1), 1, 1));
  assert.equal(roomFor(shown(MOST_SHOWN, 1, 1), 1, 1), false);
  assert.ok(roomFor(shown(MOST_SHOWN, 1, 1), 2, 1));
  assert.equal(roomFor(shown(MOST_IN_TAB, 1, 1), 2, 1), false);
  assert.ok(roomFor(shown(MOST_IN_TAB, 1, 1), 2, 2));
});

test("a site has room for so many players in all its tabs, and takes none of another's", () => {
  const shown = Array.from({ length: MOST_OF_SITE }, () => ({ site: "https://many.example" }));
  assert.ok(roomForSite(shown.slice(1), "https://many.example"));
  assert.equal(roomForSite(shown, "https://many.example"), false);
  assert.ok(roomForSite(shown, "https://radio.example"));
  const room = readFileSync(new URL("../../../native_host/playback/stream_quota.py", import.meta.url), "utf8");
  assert.equal(Number(/^MOST_OF_SITE: Final = (\d+)$/m.exec(room)[1]), MOST_OF_SITE);
});

test("a document in a sandbox speaks for no site", () => {
  assert.equal(originOf({ origin: "https://music.example", url: "https://music.example/a" }), "https://music.example");
  assert.equal(originOf({ url: "https://music.example/a" }), "https://music.example");
  assert.equal(originOf({ origin: "null", url: "https://music.example/a" }), "null");
});
