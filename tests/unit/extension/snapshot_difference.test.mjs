// The snapshot as a difference to the static data of the WebAssembly.
import assert from "node:assert/strict";
import { test } from "node:test";

import { STATIC_BYTES, toggleDifference } from "../../../extension/engine/snapshot_difference.mjs";

const HEADER = 144;

/** A snapshot whose memory has the values of `at`, and zeros. @param {(i: number) => number} at */
function snapshotOf(at) {
  const snapshot = new Uint8Array(HEADER + STATIC_BYTES + 4096);
  new Uint32Array(snapshot.buffer, 0, 2).set([0x706e7300, HEADER]);
  for (let i = HEADER; i < snapshot.length; i++) snapshot[i] = at(i - HEADER);
  return snapshot;
}

test("unchanged static data is zero in the difference, and comes back with what was changed", () => {
  const memory = new Uint8Array(STATIC_BYTES + 65536).map((_, i) => (i < STATIC_BYTES ? i % 251 : 0));
  const snapshot = snapshotOf((i) => (i === 5000 ? 7 : i < STATIC_BYTES ? i % 251 : 9));
  const original = snapshot.slice();
  toggleDifference(snapshot, memory);
  assert.deepEqual(snapshot.subarray(0, HEADER), original.subarray(0, HEADER));
  const changed = [];
  for (let i = 0; i < STATIC_BYTES; i++) if (snapshot[HEADER + i]) changed.push(i);
  assert.deepEqual(changed, [5000]);
  assert.deepEqual(snapshot.subarray(HEADER + STATIC_BYTES), original.subarray(HEADER + STATIC_BYTES));
  toggleDifference(snapshot, memory);
  assert.ok(Buffer.from(snapshot.buffer).equals(Buffer.from(original.buffer)));
});
