// Failures of the player: each has a cause, help and an action in both languages, and the help refers only to what is
// on the screen.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

globalThis.chrome = { i18n: { getMessage: () => "" } };
const { remedy } = await import("../../../extension/player/model.js");
const { hostCommands, hostRemedy } = await import("../../../extension/ui/host.js");
const ROOT = new URL("../../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), "utf8");
const TEXTS = ["en", "zh_CN"].map((language) => JSON.parse(read(`extension/_locales/${language}/messages.json`)));
const FAILURES = [
  ...read("tests/ui_preview/failures.py").matchAll(
    /^ {4}FailureSample\("([a-z_.]+)", "([a-z]+)"(?:.*wallet="([a-z]+)")?/gm,
  ),
].map(([, code, action, wallet]) => ({ code, action, wallet: wallet ?? "open" }));
/** Phrases of the help, and the actions that show what they refer to. */
const PROMISES = [
  [/commands? below|下面的命令/, ["command", "upgrade", "repair"]],
  [/from the song’s player|歌曲的播放器/, ["network"]],
  [/^(?!.*(tell the station|later)).*try again|^(?!.*(告知|稍后)).*重试/i, ["retry", "popup", "unlock", "upgrade"]],
  [/under Sites/, ["popup"]],
  [/host’s settings|主机程序的设置/, []],
  [/gomaa host doctor/, []],
];

test("too few samples are read", () => assert.ok(FAILURES.length > 40, String(FAILURES.length)));

for (const { code, action, wallet } of FAILURES)
  test(`${code} with ${action}: the help refers to something that is not on the screen`, () => {
    const key = code.replaceAll(".", "_");
    for (const texts of TEXTS) {
      assert.ok(texts[`cause_${key}`]?.message && texts[`fix_${key}`]?.message, code);
      for (const [words, actions] of PROMISES)
        if (words.test(texts[`fix_${key}`].message))
          assert.ok(actions.includes(action), `${texts[`fix_${key}`].message} without ${actions}`);
    }
    assert.equal(remedy(code, /** @type {any} */ ({ wallet })), action);
  });

test("a code with commands has complete ones", () => {
  for (const { code } of FAILURES) {
    const kind = hostRemedy(code);
    if (!kind) continue;
    const commands = hostCommands("gomaa host install --network https://harbour.example", kind);
    assert.deepEqual(
      commands,
      {
        command: ["pipx install gomaa", "gomaa host install --network https://harbour.example"],
        upgrade: ["pipx upgrade gomaa", "gomaa host install --network https://harbour.example"],
        repair: ["gomaa host repair"],
      }[kind],
    );
  }
});
