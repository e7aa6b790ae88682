// Outages that pass, and the watchdog over a silent element.
import assert from "node:assert/strict";
import { test } from "node:test";
import { passes, persist } from "../../../extension/shared/retry.js";
import { StallWatchdog } from "../../../extension/engine/media/stall_watchdog.js";
import { Problem } from "../../../extension/shared/problem.js";

const GONE = new Problem("server.unreachable");

test("what the network loses passes; what was decided or came wrong does not", () => {
  for (const error of [GONE, new Problem("sps.segment.missing", { reason: "stalled" })])
    assert.ok(passes(error), error.code);
  for (const error of [
    new Problem("policy.count.exhausted"),
    new Problem("sps.segment.hash"),
    new Problem("sps.segment.missing", { status: 404 }),
    new Problem("sps.segment.missing", { reason: "closed" }),
    new Problem("content.revoked"),
    new Error("x"),
  ])
    assert.equal(passes(error), false);
});

/** Work that fails so often, and a clock that moves with every rest. */
function world(failures, error = GONE) {
  const said = [];
  const clock = { ms: 0, wanted: true };
  let left = failures;
  const how = {
    wanted: () => clock.wanted,
    stalled: (is) => said.push(is),
    now: () => clock.ms,
    wait: async (ms) => void (clock.ms += ms),
  };
  return {
    said,
    clock,
    how,
    work: async () => {
      if (left-- > 0) throw error;
      return "done";
    },
  };
}

test("an outage of some seconds is waited out, and said once", async () => {
  const { said, clock, how, work } = world(5);
  assert.equal(await persist(work, how), "done");
  assert.deepEqual(said, [true, false]);
  assert.ok(clock.ms > 8_000 && clock.ms < 16_000, String(clock.ms));
});

test("patience ends, and nothing is asked for that nobody wants any more", async () => {
  const long = world(1000);
  await assert.rejects(persist(long.work, long.how), { code: "server.unreachable" });
  assert.ok(long.clock.ms > 120_000 && long.clock.ms < 140_000);
  const left = world(1000);
  left.how.wait = async () => void (left.clock.wanted = false);
  await assert.rejects(persist(left.work, left.how), { code: "server.unreachable" });
});

test("a refusal is not asked about twice", async () => {
  const { said, how, work } = world(1, new Problem("policy.count.exhausted"));
  await assert.rejects(persist(work, how), { code: "policy.count.exhausted" });
  assert.deepEqual(said, []);
});

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
  const dog = new StallWatchdog();
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
  const dog = new StallWatchdog();
  dog.look(hole, true, 0);
  assert.equal(dog.look(hole, true, 3_000), "nudged");
  assert.equal(hole.currentTime, 5.01);
  const empty = element(4, [0, 4], [40, 50]);
  const other = new StallWatchdog();
  other.look(empty, true, 0);
  assert.deepEqual(
    [other.look(empty, true, 3_000), other.look(empty, true, 60_000), empty.played],
    ["still", "still", 0],
  );
});

test("a pause, a seek and a song that goes on are left alone", () => {
  const dog = new StallWatchdog();
  const audio = element(4, [0, 12]);
  for (const at of [0, 5_000, 10_000]) assert.equal(dog.look(audio, false, at), "fine");
  for (const at of [11_000, 14_000, 17_000])
    assert.equal(dog.look(Object.assign(audio, { currentTime: at / 1000 }), true, at), "fine");
  assert.equal(audio.played, 0);
});
