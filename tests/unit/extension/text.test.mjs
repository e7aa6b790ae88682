// The core's table of characters that are drawn as nothing, against the Unicode data of the JavaScript engine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { visibleText } from "../../../extension/ui/text.js";

const source = readFileSync(new URL("../../../pywallet/provider/safe_text.py", import.meta.url), "utf8");

test("the table of Default_Ignorable_Code_Point is the standard's, over all code points", () => {
  const ranges = [...source.matchAll(/\(0x([0-9A-F]+), 0x([0-9A-F]+)\)/g)].map(([, first, last]) => [
    parseInt(first, 16),
    parseInt(last, 16),
  ]);
  assert.ok(ranges.length > 10);
  for (let code = 0; code <= 0x10ffff; code++) {
    const ours = ranges.some(([first, last]) => first <= code && code <= last);
    if (ours !== /\p{Default_Ignorable_Code_Point}/u.test(String.fromCodePoint(code))) assert.fail(code.toString(16));
  }
});

test("pages make the same characters visible, and keep letters and emoji", () => {
  const blanks = [...(/BLANK.*\(\((.*?)\)\)/.exec(source)?.[1] ?? "").matchAll(/0x([0-9A-F]+)/g)].map(([, code]) =>
    parseInt(code, 16),
  );
  assert.ok(blanks.length > 3);
  for (let code = 0; code <= 0x10ffff; code++) {
    const c = String.fromCodePoint(code);
    const unseen =
      blanks.includes(code) || /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(c);
    if (unseen && c !== "\n" && c !== "\t" && visibleText(`a${c}b`) !== `a\\u{${code.toString(16)}}b`)
      assert.fail(code.toString(16));
    if (/[\p{L}\p{N}\p{P}\p{S}]/u.test(c) && !unseen && visibleText(c) !== c) assert.fail(code.toString(16));
    if (/\p{Zs}/u.test(c)) assert.equal(visibleText(c), " ");
  }
  for (const text of [
    "I \u2764\uFE0F U",
    "\u{1F469}\u200D\u{1F3A4}",
    "\u{1F3F3}\uFE0F\u200D\u{1F308}",
    "\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645",
    "Tie\u0302\u0301ng Vie\u0323\u0302t",
    "\u4E16\u754C\uFF0C\u4F60\u597D",
  ])
    assert.equal(visibleText(text), text);
  assert.equal(visibleText("Radio\u200D Two\uFE0F \u202Eevil"), "Radio\\u{200d} Two\\u{fe0f} \\u{202e}evil");
  assert.equal(visibleText("1\uFE0F"), "1\\u{fe0f}");
  assert.equal(visibleText("a" + "\u0301".repeat(6)), "a" + "\u0301".repeat(4) + "\\u{301}\\u{301}");
});
