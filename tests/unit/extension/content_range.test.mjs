// Multipart responses: parsed in linear time, however many boundaries they contain.
import assert from "node:assert/strict";
import { test } from "node:test";
import { partOf } from "../../../extension/engine/media/content_range.js";

const bytes = (text) => new TextEncoder().encode(text);
const part = (first, last, text, more = "") =>
  `--edge\r\n${more}Content-Range: bytes ${first}-${last}/100\r\n\r\n${text}\r\n`;

test("the part with a byte is found after other parts", () => {
  const body = bytes(`${part(0, 4, "aaaaa")}${part(10, 14, "--edg")}${part(20, 24, "ccccc")}--edge--`);
  const found = partOf(body, "edge", 22);
  assert.deepEqual([found.range, new TextDecoder().decode(found.bytes)], [{ first: 20, end: 25, total: 100 }, "ccccc"]);
  assert.equal(partOf(body, "edge", 30), null);
});

for (const [name, body] of /** @type {[string, string][]} */ ([
  ["beginnings without headers", `${"--edge\r\n".repeat(20_000)}\r\n\r\n`],
  ["beginnings without an end", "--edge\r\n".repeat(20_000)],
  ["a head that is long", `--edge\r\n${"x".repeat(100_000)}\r\n\r\n${part(20, 24, "ccccc")}`],
]))
  test(`${name} are parsed once`, (t) => {
    const { indexOf } = String.prototype;
    let calls = 0;
    t.after(() => (String.prototype.indexOf = indexOf));
    String.prototype.indexOf = function (...given) {
      calls++;
      return indexOf.apply(this, given);
    };
    const found = partOf(bytes(body), "edge", 22);
    String.prototype.indexOf = indexOf;
    assert.equal(found, null);
    assert.ok(calls < 10, String(calls));
  });
