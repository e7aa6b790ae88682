// The types of the extension's JavaScript: the checker accepts everything of a value whose type is `any`.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../../extension/", import.meta.url);
const FILES = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter(
  (name) => /\.(m?js|d\.m?ts)$/.test(name) && !/^(bundle|vendor|pyodide)\//.test(name),
);
const TYPE_TAG = /@(?:type|param|returns|typedef|property|template|this|throws|satisfies)\s*\{/g;

/** The text in braces from an opening brace on. */
function braced(text, start) {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return text.slice(start, at + 1);
  }
  return text.slice(start);
}

/** The types in a file: of JSDoc tags, or a whole declaration file without its comments. */
function typesOf(name, text) {
  if (name.endsWith("ts")) return [text.replace(/\/\*[\s\S]*?\*\//g, "")];
  const comments = text.match(/\/\*\*[\s\S]*?\*\//g) ?? [];
  return comments.flatMap((comment) =>
    [...comment.matchAll(TYPE_TAG)].map(({ index, 0: tag }) => braced(comment, index + tag.length - 1)),
  );
}

/** Whether a type is or contains `any`; names in quotes are no types. */
const hasAny = (type) => /\bany\b/.test(type.replace(/"[^"\n]*"/g, '""'));

for (const name of FILES)
  test(`${name}: a value without a type`, () => {
    const types = typesOf(name, readFileSync(new URL(name, ROOT), "utf8"));
    assert.deepEqual(types.filter(hasAny), []);
  });

test("an `any` that is not found", () => {
  const source = '/** @param {Record<string, {a: any}>} x in any case @returns {"any"} */\n/** any @type {unknown} */';
  assert.deepEqual(typesOf("a.js", source).filter(hasAny), ["{Record<string, {a: any}>}"]);
  assert.deepEqual(typesOf("a.d.ts", "/** any */ type A = any;").filter(hasAny).length, 1);
  assert.ok(FILES.length > 100);
});
