// The watermark's demodulator compared with Python's, on the same samples (tests/vectors/mark/make.py).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { demodulate, mono } from "../../../extension/engine/media/mark.js";

const { watermark, segments } = JSON.parse(readFileSync(new URL("../../vectors/mark/segments.json", import.meta.url)));
const samples = (segment) =>
  Float32Array.from(new Int8Array(Buffer.from(segment.samples, "base64")), (step) => step / 2 ** 15);

function agreement(a, b) {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) [ab, aa, bb] = [ab + a[i] * b[i], aa + a[i] ** 2, bb + b[i] ** 2];
  return ab / Math.sqrt(aa * bb);
}

test("every soft bit of a marked segment has the sign of Python's, and nearly its magnitude", () => {
  for (const segment of segments.filter(({ address }) => address)) {
    const soft = demodulate(samples(segment), segment.rate, watermark);
    assert.equal(soft.length, 420);
    const wrong = segment.soft.filter((value, i) => Math.abs(value) > 0.3 && value > 0 !== soft[i] > 0);
    assert.deepEqual(wrong, []);
    assert.ok(agreement(soft, segment.soft) > 0.99, `${agreement(soft, segment.soft)}`);
  }
});

test("the soft bits of a segment without a mark are much weaker", () => {
  const [marked, , , bare] = segments;
  const soft = demodulate(samples(bare), bare.rate, watermark);
  assert.ok(Math.abs(agreement(soft, marked.soft)) < 0.25);
  assert.ok(soft.every(Number.isFinite));
});

test("the soft bits of silence are zero, not NaN", () => {
  assert.ok(demodulate(new Float32Array(96_000), 48_000, watermark).every((value) => value === 0));
});

test("a segment that cannot have a block is not demodulated", () => {
  const pcm = new Float32Array(96_000);
  assert.equal(demodulate(pcm, 48_000, { ...watermark, version: 2 }), null);
  assert.equal(demodulate(pcm, 48_000, { ...watermark, layers: ["inband"] }), null);
  assert.equal(demodulate(pcm, 32_000, watermark), null);
  assert.equal(demodulate(pcm.subarray(1), 48_000, watermark), null);
  assert.equal(demodulate(pcm, 47_999.5, watermark), null);
});

test("samples after the block change nothing, and channels are averaged", () => {
  const [segment] = segments;
  const pcm = samples(segment);
  const longer = new Float32Array(pcm.length + 5000).fill(0.5, pcm.length);
  longer.set(pcm);
  assert.deepEqual(demodulate(longer, segment.rate, watermark), demodulate(pcm, segment.rate, watermark));
  assert.deepEqual([...mono([new Float32Array([1, 0.5]), new Float32Array([0, -0.5])])], [0.5, 0]);
  assert.equal(mono([pcm]), pcm);
  assert.equal(mono([]).length, 0);
});
