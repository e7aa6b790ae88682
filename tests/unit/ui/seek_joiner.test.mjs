// Seeks in quick succession, of which the terms count each one that is sent.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { SeekJoiner } from "../../../extension/player/seek_joiner.js";

test("seeks in quick succession are sent as one, to the last target", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const sent = [];
  const seeks = new SeekJoiner((ms) => sent.push([ms, seeks.targetMs]));
  assert.equal(seeks.targetMs, null);
  for (const ms of [1000, 11_000, 21_000]) {
    seeks.request(ms);
    mock.timers.tick(349);
  }
  assert.deepEqual([sent, seeks.targetMs], [[], 21_000]);
  mock.timers.tick(1);
  assert.deepEqual(sent, [[21_000, null]]);
  seeks.request(5000);
  mock.timers.tick(350);
  assert.deepEqual(sent[1], [5000, null]);
  mock.timers.reset();
});

test("a single seek is sent at once, and those that follow within the delay are one more", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const sent = [];
  const seeks = new SeekJoiner((ms) => sent.push(ms));
  for (let i = 0; i < 100; i++) {
    seeks.requestNow(1000 * i);
    mock.timers.tick(10);
  }
  assert.deepEqual([sent, seeks.targetMs], [[0], 99_000]);
  mock.timers.tick(350);
  assert.deepEqual(sent, [0, 99_000]);
  mock.timers.tick(350);
  seeks.requestNow(5000);
  assert.deepEqual(sent, [0, 99_000, 5000]);
  // A key pressed just before it is part of the same succession.
  mock.timers.tick(350);
  seeks.request(1000);
  seeks.requestNow(2000);
  mock.timers.tick(350);
  assert.deepEqual(sent, [0, 99_000, 5000, 2000]);
  mock.timers.reset();
});
