// The watchdog over a silent element.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Watchdog } from "../../../extension/engine/media/stall_watchdog.js";

/** An element that stands where it is. */
const element = (currentTime, ...ranges) => ({
  currentTime,
  seeking: false,
  played: 0,
  buffered: { length: ranges.length, start: (i) => ranges[i][0], end: (i) => ranges[i][1] },
  async play() {
    this.played++;
  },
});

test("a song that stands still with sound ahead is woken, then pushed on, then given up", () => {
  const dog = new Watchdog();
  const audio = element(4, [0, 12]);
  dog.look(audio, true, 0);
  assert.deepEqual(
    [dog.look(audio, true, 2_000), dog.look(audio, true, 3_000), audio.currentTime, audio.played],
    ["still", "nudged", 4, 1],
  );
  assert.equal(dog.look(audio, true, 6_000), "nudged");
  assert.ok(audio.currentTime > 4);
  const last = [9, 12, 15, 18, 21].map((s) => dog.look(audio, true, s * 1000));
  assert.equal(last.at(-1), "given up");
});

test("a small hole is jumped, an empty buffer is the network's", () => {
  const hole = element(4, [0, 4], [5, 12]);
  const dog = new Watchdog();
  dog.look(hole, true, 0);
  assert.equal(dog.look(hole, true, 3_000), "nudged");
  assert.equal(hole.currentTime, 5.01);
  const empty = element(4, [0, 4], [40, 50]);
  const other = new Watchdog();
  other.look(empty, true, 0);
  assert.deepEqual(
    [other.look(empty, true, 3_000), other.look(empty, true, 60_000), empty.played],
    ["still", "still", 0],
  );
});

test("a pause, a seek and a song that goes on are left alone", () => {
  const dog = new Watchdog();
  const audio = element(4, [0, 12]);
  for (const at of [0, 5_000, 10_000]) assert.equal(dog.look(audio, false, at), "fine");
  for (const at of [11_000, 14_000, 17_000])
    assert.equal(dog.look(Object.assign(audio, { currentTime: at / 1000 }), true, at), "fine");
  assert.equal(audio.played, 0);
});
