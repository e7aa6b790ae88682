// How much one page may ask, and whose answer counts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

Object.assign(globalThis, { location: { protocol: "moz-extension:" }, chrome: { runtime: {}, tabs: { sendMessage: (...asked) => around(...asked) } } });
let around = async () => undefined;
const { Allowance, MOST_IN_TAB, MOST_OF_SITE, MOST_SHOWN, roomFor, roomForSite } = await import("../../../extension/background/limits.js");
const { Looks } = await import("../../../extension/background/looks.js");
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

test("a site has room for so many players in all its tabs, and takes none of another's", () => {
  const shown = Array.from({ length: MOST_OF_SITE }, () => ({ site: "https://many.example" }));
  assert.ok(roomForSite(shown.slice(1), "https://many.example"));
  assert.equal(roomForSite(shown, "https://many.example"), false);
  assert.ok(roomForSite(shown, "https://radio.example"));
  const room = readFileSync(new URL("../../../native_host/room.py", import.meta.url), "utf8");
  assert.equal(Number(/^MOST_OF_SITE: Final = (\d+)$/m.exec(room)[1]), MOST_OF_SITE);
});

/** A page that answers a look with what is given. */
function scene(covered, frame = 0, page = 7) {
  const looks = new Looks();
  const port = { postMessage: ({ id, element }) => looks.hear(page, { element, id, covered, still_ms: 900 }) };
  return looks.look({ port, page: 7, element: 3, tab: 1, frame });
}
const clear = (still_ms) => ({ covered: null, still_ms });
const way = async (seen) => (await seen).covered;

test("what the page's content script sees is the answer, and another page's word is none", async () => {
  assert.deepEqual(await scene(null), clear(900));
  assert.equal(await way(scene("covered")), "covered");
  assert.equal(await way(scene(null, 0, 8)), "nobody answered");
});

test("a page in a frame is looked at from the pages around it too", async () => {
  const frames = { 5: { around: 4, covered: null, still_ms: 500 }, 4: { around: 0, covered: null, still_ms: 300 } };
  const asked = [];
  around = async (tab, message) => {
    asked.push([tab, message.frame]);
    return frames[message.frame];
  };
  assert.deepEqual(await scene(null, 5), clear(300));
  assert.deepEqual(asked, [[1, 5], [1, 4]]);
  frames[4].covered = "opacity";
  assert.equal(await way(scene(null, 5)), "opacity");
  frames[4] = undefined;
  assert.equal(await way(scene(null, 5)), "nobody answered");
  frames[5] = { around: 5, covered: null, still_ms: 1 };
  assert.equal(await way(scene(null, 5)), "nobody answered", "a circle ends");
});

test("a document in a sandbox speaks for no site", () => {
  assert.equal(originOf({ origin: "https://music.example", url: "https://music.example/a" }), "https://music.example");
  assert.equal(originOf({ url: "https://music.example/a" }), "https://music.example");
  assert.equal(originOf({ origin: "null", url: "https://music.example/a" }), "null");
});
