// Most-loved passages: what a station publishes, and which bars of the waveform show it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { passagesOf } from "../../../extension/engine/playback/ticket.js";
import { loved } from "../../../extension/player/model.js";

const CONTENT = `0x${"c0".repeat(20)}`;

/** Replaces fetch by a station with a record and an answer; the requested addresses. */
function station(t, record, answer) {
  const asked = [];
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  globalThis.fetch = async (url) => {
    asked.push(String(url));
    return new Response(JSON.stringify(String(url).endsWith("gomaa.json") ? record : answer));
  };
  return asked;
}

test("passages come from the address that the station's record names", async (t) => {
  const asked = station(t, { passages: "/gomaa/passages/" }, { segment_s: 5, listeners: [20, 0, 31] });
  assert.deepEqual(await passagesOf("https://one.example", CONTENT), [20, 0, 31]);
  assert.equal(asked[1], `https://one.example/gomaa/passages/${CONTENT}`);
});

test("a station without passages is not asked for them", async (t) => {
  const asked = station(t, { tickets: "/gomaa/tickets" }, {});
  assert.equal(await passagesOf("https://two.example", CONTENT), null);
  assert.equal(asked.length, 1);
});

test("another origin's address is not requested", async (t) => {
  const asked = station(t, { passages: "https://elsewhere.example/p/" }, { listeners: [20] });
  assert.equal(await passagesOf("https://three.example", CONTENT), null);
  assert.equal(asked.length, 1);
});

for (const [name, listeners] of Object.entries({
  "no list": { 0: 20 },
  "an empty list": [],
  "a text": ["20"],
  "a negative number": [20, -1],
  "a fraction": [20.5],
  "more than two days of passages": Array.from({ length: 35_001 }, () => 20),
})) {
  test(`an answer with ${name} has no passages`, async (t) => {
    station(t, { passages: "/p/" }, { listeners });
    assert.equal(await passagesOf(`https://${name.replaceAll(" ", "-")}.example`, CONTENT), null);
  });
}

test("the bars of the passages that most listeners heard are loved", () => {
  assert.deepEqual([...loved([20, 100, 79, 81], 8)], [2, 3, 6, 7]);
  assert.deepEqual([...loved([20, 100], 1)], []);
});

test("no bar is loved without passages, or where all were heard alike", () => {
  for (const passages of [null, undefined, [], [0, 0], [50, 50, 49]]) assert.equal(loved(passages, 9).size, 0);
});
