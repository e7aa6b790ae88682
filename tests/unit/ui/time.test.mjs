// Positions and moments as text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, moment, secondsLeft } from "../../../extension/ui/time.js";

test("a position has minutes and two digits of seconds, hours only where there are some", () => {
  assert.equal(clock(138_999), "2:18");
  assert.equal(clock(0), "0:00");
  assert.equal(clock(3_725_000), "1:02:05");
});

test("an invalid or negative position is 0:00", () => {
  for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY]) assert.equal(clock(bad), "0:00");
});

test("a time of today has no date, one of another day has", () => {
  const now = new Date(2026, 10, 23, 15, 0).getTime();
  const at = (day, hour) => new Date(2026, 10, day, hour, 11).getTime() / 1000;
  assert.equal(moment(at(23, 15), "en", now), "15:11");
  assert.match(moment(at(24, 0), "en", now), /24.*00:11/);
  assert.match(moment(at(24, 0), "zh-CN", now), /11月24日.*00:11/);
  assert.match(moment(new Date(2025, 0, 2, 3, 4).getTime() / 1000, "en", now), /2025/);
});

test("seconds until something are rounded up and never below zero", () => {
  assert.equal(secondsLeft(11_001), 12);
  assert.equal(secondsLeft(-5), 0);
  assert.equal(secondsLeft(Number.NaN), 0);
});
