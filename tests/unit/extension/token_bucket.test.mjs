// Limits for messages and players of pages, and the origin of a document.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

Object.assign(globalThis, { location: { protocol: "moz-extension:" }, chrome: { runtime: {} } });
const {
  MAX_STREAMS_OF_PAGE,
  MAX_STREAMS_OF_SITE,
  MAX_STREAMS_OF_TAB,
  TabBuckets,
  TokenBucket,
  hasRoomForPage,
  hasRoomForSite,
} = await import("../../../extension/background/token_bucket.js");
const { originOf } = await import("../../../extension/shared/compat.js");

/** Takes tokens in turn: true, or whether a refusal is the first of its series. */
const takeAll = (bucket, times) =>
  Array.from({ length: times }, () =>
    bucket.take() ? "granted" : bucket.isFirstRefusal ? "first refusal" : "refused",
  );

test("a bucket grants a burst, marks the first refusal only, and refills with time", () => {
  let now = 0;
  const bucket = new TokenBucket(() => now, 3, 2);
  assert.deepEqual(takeAll(bucket, 6), ["granted", "granted", "granted", "first refusal", "refused", "refused"]);
  now = 1000;
  assert.deepEqual(takeAll(bucket, 4), ["granted", "granted", "first refusal", "refused"]);
  now = 1e9;
  assert.deepEqual(takeAll(bucket, 4), ["granted", "granted", "granted", "first refusal"]);
});

test("the frames of a tab share the capacity of four documents, and another tab has its own", () => {
  let now = 0;
  const tabs = new TabBuckets(() => now);
  const granted = (tab, times) => Array.from({ length: times }, () => tabs.of(tab).take()).filter(Boolean).length;
  assert.equal(granted(1, 5000), 1200);
  assert.equal(granted(2, 300), 300);
  now = 1000;
  assert.equal(granted(1, 5000), 240);
  // A new tab resets no other.
  assert.equal(granted(3, 1), 1);
  assert.equal(granted(1, 10), 0);
  now = 60_000;
  assert.equal(granted(4, 1), 1);
  assert.equal(granted(1, 5000), 1200);
});

test("the number of players of a page and of a tab is limited", () => {
  const shown = (count, page, tab) => Array.from({ length: count }, () => ({ page, tab }));
  assert.ok(hasRoomForPage(shown(MAX_STREAMS_OF_PAGE - 1, 1, 1), 1, 1));
  assert.equal(hasRoomForPage(shown(MAX_STREAMS_OF_PAGE, 1, 1), 1, 1), false);
  assert.ok(hasRoomForPage(shown(MAX_STREAMS_OF_PAGE, 1, 1), 2, 1));
  assert.equal(hasRoomForPage(shown(MAX_STREAMS_OF_TAB, 1, 1), 2, 1), false);
  assert.ok(hasRoomForPage(shown(MAX_STREAMS_OF_TAB, 1, 1), 2, 2));
});

test("the number of players of a site is limited over all its tabs, for that site only", () => {
  const shown = Array.from({ length: MAX_STREAMS_OF_SITE }, () => ({ site: "https://many.example" }));
  assert.ok(hasRoomForSite(shown.slice(1), "https://many.example"));
  assert.equal(hasRoomForSite(shown, "https://many.example"), false);
  assert.ok(hasRoomForSite(shown, "https://radio.example"));
  const room = readFileSync(new URL("../../../native_host/playback/stream_quota.py", import.meta.url), "utf8");
  assert.equal(Number(/^MOST_OF_SITE: Final = (\d+)$/m.exec(room)[1]), MAX_STREAMS_OF_SITE);
});

test("a sandboxed document has no site", () => {
  assert.equal(originOf({ origin: "https://music.example", url: "https://music.example/a" }), "https://music.example");
  assert.equal(originOf({ url: "https://music.example/a" }), "https://music.example");
  assert.equal(originOf({ origin: "null", url: "https://music.example/a" }), "null");
});
