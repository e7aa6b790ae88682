// Retries while an outage passes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isTransient, retry } from "../../../extension/shared/retry.js";
import { Problem } from "../../../extension/shared/problem.js";

const GONE = new Problem("server.unreachable");

test("a loss of the network is transient; a refusal and wrong bytes are not", () => {
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

/** Work that fails so often, and a clock that moves with every rest. */
function world(failures, error = GONE) {
  const reported = [];
  const clock = { ms: 0, wanted: true };
  let left = failures;
  const options = {
    isWanted: () => clock.wanted,
    onStall: (is) => reported.push(is),
    now: () => clock.ms,
    wait: async (ms) => void (clock.ms += ms),
  };
  return {
    reported,
    clock,
    options,
    work: async () => {
      if (left-- > 0) throw error;
      return "done";
    },
  };
}

test("an outage of some seconds is waited for, and reported once", async () => {
  const { reported, clock, options, work } = world(5);
  assert.equal(await retry(work, options), "done");
  assert.deepEqual(reported, [true, false]);
  assert.ok(clock.ms > 8_000 && clock.ms < 16_000, String(clock.ms));
});

test("the timeout ends it, and so does work that is no longer wanted", async () => {
  const long = world(1000);
  await assert.rejects(retry(long.work, long.options), { code: "server.unreachable" });
  assert.ok(long.clock.ms > 120_000 && long.clock.ms < 140_000);
  const left = world(1000);
  left.options.wait = async () => void (left.clock.wanted = false);
  await assert.rejects(retry(left.work, left.options), { code: "server.unreachable" });
});

test("a refusal is not retried", async () => {
  const { reported, options, work } = world(1, new Problem("policy.count.exhausted"));
  await assert.rejects(retry(work, options), { code: "policy.count.exhausted" });
  assert.deepEqual(reported, []);
});
