// The core's table of characters that are drawn as nothing, against the Unicode data of the JavaScript engine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const source = readFileSync(new URL("../../../pywallet/provider/text.py", import.meta.url), "utf8");

test("the table of Default_Ignorable_Code_Point is the standard's, over all code points", () => {
  const ranges = [...source.matchAll(/\(0x([0-9A-F]+), 0x([0-9A-F]+)\)/g)].map(([, first, last]) => [parseInt(first, 16), parseInt(last, 16)]);
  assert.ok(ranges.length > 10);
  for (let code = 0; code <= 0x10ffff; code++) {
    const ours = ranges.some(([first, last]) => first <= code && code <= last);
    if (ours !== /\p{Default_Ignorable_Code_Point}/u.test(String.fromCodePoint(code))) assert.fail(code.toString(16));
  }
});
