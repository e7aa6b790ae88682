// Localised texts: the same keys in both languages, all of them used, with every error code.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), "utf8");
const en = JSON.parse(read("extension/_locales/en/messages.json"));
const zh = JSON.parse(read("extension/_locales/zh_CN/messages.json"));
const sources = ["player", "popup", "onboarding", "ui", "approve"]
  .flatMap((room) =>
    readdirSync(new URL(`extension/${room}/`, ROOT))
      .filter((name) => name.endsWith(".js"))
      .map((name) => read(`extension/${room}/${name}`)),
  )
  .join("\n");
const FAMILIES =
  /^(cause|fix|choose|collect|collectSub|earn|host|strength|walletNote|walletAction|payNeed)_|_(one|other)$|^app/;

test("both languages have the same keys with the same places for values", () => {
  assert.deepEqual(Object.keys(en).sort(), Object.keys(zh).sort());
  for (const key of Object.keys(en)) {
    const gaps = ({ message }) => [...new Set(message.match(/\$\d/g) ?? [])].sort().join();
    assert.equal(gaps(en[key]), gaps(zh[key]), key);
    assert.ok(en[key].message !== "" && zh[key].message !== "", key);
    assert.match(key, /^[A-Za-z0-9_]+$/);
  }
});

test("keys differ by more than the case of their letters, which chrome.i18n does not tell apart", () => {
  assert.equal(new Set(Object.keys(en).map((key) => key.toLowerCase())).size, Object.keys(en).length);
});

test("every key that the pages name exists, and every plain key is named", () => {
  const named = new Set([...sources.matchAll(/\bt\(\s*"([A-Za-z0-9_]+)"/g)].map(([, key]) => key));
  for (const key of named) assert.ok(key in en, `missing ${key}`);
  for (const [, key] of sources.matchAll(/plural\(\s*"([A-Za-z0-9_]+)"/g))
    assert.ok(`${key}_one` in en && `${key}_other` in en, key);
  for (const key of Object.keys(en)) if (!FAMILIES.test(key)) assert.ok(sources.includes(`"${key}"`), `unused ${key}`);
});

test("every code of the registry has its cause in both languages, and no other code has", () => {
  const codes = [...read("pywallet/errors.py").matchAll(/^ {8}"([a-z_.]+)": /gm)].map(([, code]) =>
    code.replaceAll(".", "_"),
  );
  assert.ok(codes.length > 60);
  for (const code of codes) assert.ok(`cause_${code}` in en && `cause_${code}` in zh, `no sentence for ${code}`);
  for (const key of Object.keys(en))
    if (/^(cause|fix)_/.test(key)) assert.ok(codes.includes(key.replace(/^(cause|fix)_/, "")), `${key} is no code`);
});

test("an apostrophe is one character everywhere, and no quotation mark is a plain one", () => {
  for (const texts of [en, zh])
    for (const [key, { message }] of Object.entries(texts)) assert.doesNotMatch(message, /['"`´‘]/, key);
  // What a person is shown of the terms comes from Python.
  assert.doesNotMatch(read("pywallet/policy/sentences.py"), /[a-z]'[a-z]/);
});

test("a node's objection is not part of a text", () => assert.doesNotMatch(en.stepNotKnown.message, /\$/));

test("the Chinese sentences are Chinese", () => {
  const same = new Set(["appName"]);
  for (const [key, { message }] of Object.entries(zh))
    if (!same.has(key) && key !== "lang") assert.match(message, /[\u4e00-\u9fff]/, key);
});
