// State of a stream for its page: nothing before host and chain have accepted the song, and few codes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { publicState, publicCode } from "../../../extension/engine/playback/public_state.js";
import { PAGE_STATE, mayReceive } from "../../../extension/background/privileges.js";

const CODES = [
  ...readFileSync(new URL("../../../pywallet/errors.py", import.meta.url), "utf8").matchAll(
    /^ {8}"([a-z_]+(?:\.[a-z_]+)+|internal)":/gm,
  ),
].map(([, code]) => code);

const STATE = { state: "loading", position_ms: 7, duration_ms: 200_000, volume: 1, muted: false, rate: 1 };
function stream(problem, info) {
  const session = { playWhenReady: false, playAfterSeek: false, pendingPause: false };
  return {
    session,
    info,
    problem: problem && { code: problem },
    pageCommands: { isAsking: false, denied: null, done: 0 },
    sound: { ranges: [[0, 2000]] },
    settings: { pitch: true },
    stalled: false,
  };
}
const told = (problem, info = null, state = STATE) => publicState(stream(problem, info), state);

test("before a song is accepted every failure has the same code", () => {
  assert.ok(CODES.length > 100);
  const failures = new Set(CODES.map((code) => JSON.stringify(told(code))));
  assert.equal(failures.size, 1);
  const [failed] = [...failures].map((text) => JSON.parse(text));
  assert.deepEqual(
    [failed.state, failed.code, failed.duration_ms, failed.position_ms, failed.ranges, failed.seekable],
    ["failed", "failed", 0, 0, [], true],
  );
  for (const state of ["ready", "refused", "failed", "loading"])
    assert.deepEqual(told("sps.magic", null, { ...STATE, state }), failed);
});

test("while a song is loading its page gets neither duration nor terms", () => {
  const { state, duration_ms, position_ms, ranges, seekable, code } = told(null, null, { ...STATE, state: "ready" });
  assert.deepEqual([state, duration_ms, position_ms, ranges, seekable, code], ["loading", 0, 0, [], true, null]);
  const after = told(null, { policy: { permissions: ["play"] } }, { ...STATE, state: "ready" });
  assert.deepEqual(
    [after.state, after.duration_ms, after.ranges, after.seekable],
    ["ready", 200_000, [[0, 2000]], false],
  );
});

test("afterwards there are two codes", () => {
  assert.deepEqual([...new Set(CODES.map((code) => publicCode(code, true)))].sort(), ["failed", "refused"]);
  assert.deepEqual([...new Set(CODES.map((code) => publicCode(code, false)))].sort(), ["failed"]);
  for (const code of ["sps.magic", "station.unknown", "content.revoked", "site.address"])
    assert.ok(["failed", "refused"].includes(publicCode(code, true)), code);
  assert.equal(publicCode(null, true), null);
});

test("the state conforms to the background's table", () => {
  for (const [problem, info] of [
    [null, null],
    ["sps.magic", null],
    ["policy.expired", { policy: {} }],
  ]) {
    const state = told(problem, info);
    assert.deepEqual(Object.keys(state).sort(), Object.keys(PAGE_STATE).sort());
    assert.ok(mayReceive("page", { type: "state", element: 1, stream: "s", state }));
  }
});
