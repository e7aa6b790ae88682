// Errors from outside of the extension: registered codes and filtered details.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const { Problem } = await import("../../../extension/shared/problem.js");
const { CODES } = await import("../../../extension/shared/codes.js");
const CASES = JSON.parse(readFileSync(new URL("../../vectors/outside.json", import.meta.url), "utf8"));

for (const { name, error, code, detail } of CASES)
  test(`a station says ${name}`, () => {
    assert.deepEqual(Problem.ofStation(error).toJSON(), { code, detail });
  });

test("an unknown code of a host is host.answer, without its text", () => {
  assert.deepEqual(Problem.ofHost({ code: "host.new", message: "Enter your 12 words" }).toJSON(), {
    code: "host.answer",
    detail: {},
  });
  assert.deepEqual(Problem.ofHost("no").toJSON(), { code: "host.answer", detail: {} });
  const long = Problem.ofHost({
    code: "chain.reverted",
    message: "x",
    detail: { reason: "y".repeat(999), nested: { a: 1 }, "<b>": 1, command: "poweroff" },
  });
  assert.deepEqual([long.message, long.detail], ["chain.reverted", { reason: "y".repeat(200) }]);
});

test("an unregistered code inside the extension is an internal error", () => {
  assert.equal(Problem.of({ code: "made.up", message: "Enter your 12 words" }).code, "internal");
  assert.equal(Problem.of({ code: "wallet.locked" }).code, "wallet.locked");
  for (const error of [null, undefined, 7, "x", new Error("y"), { code: "toString" }])
    assert.ok(CODES.has(Problem.of(error).code));
});

test("of a browser's error only name and place are used, since its message may quote a text", () => {
  const words = "Enter your 12 words at evil.example";
  for (const work of [
    () => JSON.parse(words),
    () => BigInt(words),
    () => new URL(`http://${words}`),
    () => decodeURIComponent("%"),
    () => null[words],
    () => "x".repeat(-1),
  ]) {
    let thrown;
    try {
      work();
    } catch (error) {
      thrown = Problem.of(error);
    }
    assert.equal(thrown.code, "internal");
    assert.match(thrown.detail.reason, /^[A-Za-z]+Error problem\.test\.mjs:\d+$|^[A-Za-z]+Error$/);
  }
  assert.equal(Problem.of(new Error("worker ended")).detail.reason, "worker ended");
});
