// Recovery words and passwords as people type them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { strength } from "../../../extension/ui/strength.js";
import { places, wordsOf, wordsProblem } from "../../../extension/ui/words.js";

const TWELVE = "legal winner thank year wave sausage worth useful legal winner thank yellow";

test("words are found however they are separated, numbered or written", () => {
  assert.deepEqual(wordsOf("  1. Legal\n2) WINNER,thank\t"), ["legal", "winner", "thank"]);
  assert.equal(wordsOf(TWELVE.replaceAll(" ", "\u3000")).join(" "), TWELVE);
  assert.deepEqual(wordsOf(" \n"), []);
});

test("twelve and twenty-four words pass; another number and a strange word are named", () => {
  assert.equal(wordsProblem(wordsOf(TWELVE)), null);
  assert.equal(wordsProblem(wordsOf(`${TWELVE} ${TWELVE}`)), null);
  assert.deepEqual(wordsProblem(wordsOf("legal winner")), { kind: "count", count: 2 });
  assert.deepEqual(wordsProblem(wordsOf("legal w1nner thank")), { kind: "letters", word: "w1nner", position: 2 });
});

test("the three places asked for are different, in order and within the words", () => {
  for (const random of [() => 0, () => 0.5, () => 0.999999]) {
    for (const count of [12, 24]) {
      const [a, b, c] = places(count, random);
      assert.ok(a >= 0 && a < b && b < c && c < count);
    }
  }
});

test("short, easy, fair and strong passwords are told apart", () => {
  assert.equal(strength(""), "empty");
  assert.equal(strength("abc12"), "short");
  for (const easy of ["password1", "aaaaaaaaaaaa", "abcdefgh", "87654321", "harbours"]) assert.equal(strength(easy), "easy", easy);
  assert.equal(strength("Lantern7box"), "fair");
  for (const strong of ["saltwater at dawn 7", "correct horse battery staple", "末班渡轮今晚不开了吧"]) assert.equal(strength(strong), "strong", strong);
});
