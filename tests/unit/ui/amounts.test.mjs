// Amounts and shares as the extension shows them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { exact, shares, show, wei } from "../../../extension/ui/amounts.js";

const GOMAA = 10n ** 18n;

test("an amount is truncated after four decimals", () => {
  assert.equal(show("46840000000000000000"), "46.8400");
  assert.equal(show("1999999999999999999"), "1.9999");
  assert.equal(show("99999999999999"), "0.0000");
  assert.equal(show("100000000000000"), "0.0001");
});

test("amounts beyond 2^53 wei and 2^53 GoMAA stay exact to the last digit", () => {
  const big = 123456789012345678n * GOMAA + 1n;
  assert.equal(show(big), "123,456,789,012,345,678.0000");
  assert.equal(exact(big), "123456789012345678.000000000000000001 GoMAA");
});

test("the exact value drops only zeros at its end", () => {
  assert.equal(exact("2000000000000000"), "0.002 GoMAA");
  assert.equal(exact("0"), "0 GoMAA");
  assert.equal(exact("-1500000000000000000"), "-1.5 GoMAA");
  assert.equal(show("-1500000000000000000"), "-1.5000");
});

test("invalid wei are zero, never a float", () => {
  for (const bad of ["1.5", "1e18", "", " 1", null, undefined, "0x10"]) assert.equal(wei(bad), 0n);
});

test("the shown amount is never more than the exact one", () => {
  let seed = 1n;
  for (let i = 0; i < 2000; i += 1) {
    seed = (seed * 6364136223846793005n + 1442695040888963407n) % 2n ** 64n;
    const amount = seed * (seed % 100000n);
    const shown = BigInt(show(amount).replace(/[,.]/g, "")) * 10n ** 14n;
    assert.ok(shown <= amount && amount - shown < 10n ** 14n);
  }
});

test("shares of a bar are proportional, and a small share is visible", () => {
  assert.deepEqual(shares([750n, 200n, 50n]), [750, 200, 50]);
  assert.deepEqual(shares([0n, 0n]), [0, 0]);
  assert.deepEqual(shares([10n ** 24n, 1n]), [999, 4]);
});
