// Recovery words and passwords as people type them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { strength } from "../../../extension/ui/password_strength.js";
import { checkPositions } from "../../../extension/ui/recovery_words.js";

test("the three positions to check are different, in order and within the words", () => {
  for (const random of [() => 0, () => 0.5, () => 0.999999]) {
    for (const count of [12, 15, 18, 21, 24]) {
      const [a, b, c] = checkPositions(count, random);
      assert.ok(a >= 0 && a < b && b < c && c < count);
    }
  }
});

test("short, easy, fair and strong passwords are distinguished", () => {
  assert.equal(strength(""), "empty");
  assert.equal(strength("abc12"), "short");
  for (const easy of ["password1", "aaaaaaaaaaaa", "abcdefgh", "87654321", "harbours"])
    assert.equal(strength(easy), "easy", easy);
  assert.equal(strength("Lantern7box"), "fair");
  for (const strong of ["saltwater at dawn 7", "correct horse battery staple", "末班渡轮今晚不开了吧"])
    assert.equal(strength(strong), "strong", strong);
});
