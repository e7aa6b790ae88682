// Selection of the segments whose watermark is checked, and the effect of a mismatch.
import assert from "node:assert/strict";
import { after, beforeEach, mock, test } from "node:test";
import { ask, hostRequests, core, fresh, host } from "./wallet_world.mjs";

const { MarkCheck } = await import("../../../extension/engine/media/mark_check.js");

const MARK = { version: 1, layers: ["ultrasonic"], every: 2 };
const RATE = 48_000;

beforeEach(async () => {
  await fresh();
  hostRequests.length = 0;
});
after(() => ask("wallet.lock"));

/** A check of a song with a mark, and its verdicts. */
function world(watermark = MARK) {
  const verdicts = [];
  const problems = [];
  const check = new MarkCheck(
    "s",
    { watermark, rate: RATE },
    new Uint8Array(4),
    (problem) => problems.push(problem.code),
    (verdict) => verdicts.push(verdict),
  );
  return { check, verdicts, problems };
}

test("the first segment with a mark is checked, and then every sixteenth", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { check } = world();
  const checked = [];
  check.check = async (index) => void checked.push(index);
  for (let index = 1; index < 40; index++) check.onSegment(index, new ArrayBuffer(8));
  mock.timers.tick(1_000);
  mock.timers.reset();
  assert.deepEqual(checked, [2, 16, 32]);
});

test("a song without a mark is not checked", () => {
  for (const watermark of [null, { layers: ["in-band"] }, { ...MARK, every: 0 }, { ...MARK, every: 1.5 }])
    assert.equal(world(/** @type {any} */ (watermark)).check.carries(0), false);
});

test("the core's verdict is passed on, and another address is a problem, which the host records", async () => {
  globalThis.OfflineAudioContext = /** @type {any} */ (
    class {
      async decodeAudioData() {
        const data = new Float32Array(2 * RATE);
        return { length: data.length, numberOfChannels: 2, getChannelData: () => data };
      }
    }
  );
  host.problem = () => ({});
  const { check, verdicts, problems } = world();
  for (const verdict of ["match", "mismatch"]) {
    core["mark.check"] = ({ soft }) => ({ verdict, found: soft.length === 420 ? "0x1" : null, block: 3 });
    await check.check(0, new ArrayBuffer(8));
  }
  assert.deepEqual([verdicts, problems], [["match", "mismatch"], ["watermark.mismatch"]]);
  assert.deepEqual(
    hostRequests.filter(({ op }) => op === "problem").map(({ code }) => code),
    ["watermark.mismatch"],
  );
});
