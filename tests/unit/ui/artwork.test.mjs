// Pictures made from addresses, and the ring of the tuning eye.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { shapes } from "../../../extension/ui/artwork.js";
import { ring } from "../../../extension/ui/reward_meter.js";

const address = (i) => `0x${createHash("sha256").update(String(i)).digest("hex").slice(0, 40)}`;

test("the same address has the same picture, whatever the case of its letters", () => {
  assert.deepEqual(shapes(address(1)), shapes(address(1)));
  assert.deepEqual(shapes(address(1)), shapes(`0x${address(1).slice(2).toUpperCase()}`));
});

test("the pictures are the recorded ones, which the station draws as well", () => {
  const vectors = JSON.parse(readFileSync(new URL("../../vectors/artwork.json", import.meta.url), "utf8"));
  assert.ok(vectors.length > 20);
  for (const { address: at, shapes: expected } of vectors)
    assert.deepEqual(
      shapes(at).map(({ tag, attributes }) => [tag, attributes]),
      expected,
      at,
    );
});

test("a hundred songs have many pictures, in every palette and family", () => {
  const pictures = Array.from({ length: 100 }, (_, i) => shapes(address(i)));
  assert.ok(new Set(pictures.map((picture) => JSON.stringify(picture))).size > 95);
  assert.equal(new Set(pictures.map(([sky]) => sky.attributes.fill)).size, 8);
});

test("no shape has a coordinate that is not a number", () => {
  for (let i = 0; i < 200; i += 1) assert.doesNotMatch(JSON.stringify(shapes(address(i))), /NaN|null|undefined/);
});

test("the ring is empty at nothing, closes at one, and takes any number", () => {
  assert.equal(ring(0), "");
  assert.equal(ring(-3), "");
  assert.equal(ring(Number.NaN), "");
  assert.match(ring(0.25), / 0 0 1 /);
  assert.match(ring(0.75), / 0 1 1 /);
  assert.equal(ring(7), ring(1));
});
