// Bytes as text and back.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { bigEndian, fromBase64, fromHex, join, same, toBase64 } from "../../../extension/engine/bytes.js";

test("base64 is the same as Node's, also above the size of one call", () => {
  for (const size of [0, 1, 2, 3, 0x7fff, 0x8000, 0x8001, 200_001]) {
    const bytes = new Uint8Array(randomBytes(size));
    assert.equal(toBase64(bytes), Buffer.from(bytes).toString("base64"));
    assert.ok(same(fromBase64(toBase64(bytes)), bytes));
  }
});

test("hexadecimal digits begin with 0x", () => {
  assert.deepEqual([...fromHex("0x00ff10")], [0, 255, 16]);
  assert.equal(fromHex("0x").length, 0);
});

test("same compares lengths and every byte", () => {
  assert.ok(same(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  assert.ok(!same(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  assert.ok(!same(Uint8Array.of(1, 2), Uint8Array.of(1)));
  assert.ok(!same(Uint8Array.of(1), Uint8Array.of(1, 2)));
});

test("join concatenates text and bytes", () => {
  assert.deepEqual([...join("é", Uint8Array.of(7), "")], [0xc3, 0xa9, 7]);
  assert.equal(join().length, 0);
});

test("big-endian numbers of every size, past 32 bits", () => {
  assert.deepEqual([...bigEndian(258, 2)], [1, 2]);
  assert.deepEqual([...bigEndian(0xfffffffe, 4)], [255, 255, 255, 254]);
  assert.deepEqual([...bigEndian(2 ** 40 + 5, 8)], [0, 0, 1, 0, 0, 0, 0, 5]);
});
