// Retries of transient failures, and their back-off.
import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs, isTransient, retry } from "../../../extension/shared/retry.js";
import { Problem } from "../../../extension/shared/problem.js";

const GONE = new Problem("server.unreachable");

test("losses of the network are transient; decisions and wrong bytes are not", () => {
  for (const error of [GONE, new Problem("sps.segment.missing", { reason: "stalled" })])
    assert.ok(isTransient(error), error.code);
  for (const error of [
    new Problem("policy.count.exhausted"),
    new Problem("sps.segment.hash"),
    new Problem("sps.segment.missing", { status: 404 }),
    new Problem("sps.segment.missing", { reason: "closed" }),
    new Problem("content.revoked"),
    new Error("x"),
  ])
    assert.equal(isTransient(error), false);
});

test("the delay doubles up to its maximum, spread by a quarter", () => {
  for (const [attempt, delay] of [
    [0, 100],
    [1, 200],
    [3, 800],
    [9, 1000],
  ]) {
    const ms = backoffMs(attempt, { firstMs: 100, maxMs: 1000 });
    assert.ok(ms >= delay * 0.75 && ms <= delay * 1.25, String(ms));
  }
});

/** Work that fails `failures` times, and a clock that advances with every delay. */
function world(failures, error = GONE) {
  const reports = [];
  const clock = { ms: 0, wanted: true };
  let left = failures;
  const options = {
    isWanted: () => clock.wanted,
    onStall: (stalled) => reports.push(stalled),
    now: () => clock.ms,
    wait: async (ms) => void (clock.ms += ms),
  };
  return {
    reports,
    clock,
    options,
    work: async () => {
      if (left-- > 0) throw error;
      return "done";
    },
  };
}

test("an outage of some seconds is retried, and reported once", async () => {
  const { reports, clock, options, work } = world(5);
  assert.equal(await retry(work, options), "done");
  assert.deepEqual(reports, [true, false]);
  assert.ok(clock.ms > 8_000 && clock.ms < 16_000, String(clock.ms));
});

test("retries end after the limit, and when the work is no longer needed", async () => {
  const long = world(1000);
  await assert.rejects(retry(long.work, long.options), { code: "server.unreachable" });
  assert.ok(long.clock.ms > 120_000 && long.clock.ms < 140_000);
  const left = world(1000);
  left.options.wait = async () => void (left.clock.wanted = false);
  await assert.rejects(retry(left.work, left.options), { code: "server.unreachable" });
});

test("a refusal is not retried", async () => {
  const { reports, options, work } = world(1, new Problem("policy.count.exhausted"));
  await assert.rejects(retry(work, options), { code: "policy.count.exhausted" });
  assert.deepEqual(reports, []);
});
