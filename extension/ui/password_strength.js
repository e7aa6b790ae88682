/**
 * An estimate of a password's strength, for display. The wallet requires only the length.
 */

/** @typedef {"empty" | "short" | "easy" | "fair" | "strong"} Strength */

/** Least number of characters that the wallet accepts (wallet.password.weak). */
export const SHORTEST = 8;

const COMMON = /^(password|passwort|qwerty|qwertz|letmein|iloveyou|welcome|dragon|monkey|football|music|gomaa|admin)/i;

/**
 * @param {string} password
 * @returns {Strength}
 */
export function strength(password) {
  if (password === "") return "empty";
  const letters = [...password];
  if (letters.length < SHORTEST) return "short";
  const distinct = new Set(letters.map((letter) => letter.toLowerCase())).size;
  if (COMMON.test(password) && letters.length < 16) return "easy";
  if (distinct < 5 || run(letters) >= letters.length - 2) return "easy";
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{Nd}/u, /[^\p{L}\p{Nd}]/u, /\p{Lo}/u].filter((kind) =>
    kind.test(password),
  ).length;
  // A Chinese character has about the entropy of two letters.
  const score = letters.length + 2 * (kinds - 1) + letters.filter((letter) => /\p{Lo}/u.test(letter)).length;
  if (score < 11) return "easy";
  return score < 16 ? "fair" : "strong";
}

/**
 * Length of the longest run of consecutive characters, such as "abcdef" or "987654".
 * @param {string[]} letters
 */
function run(letters) {
  let longest = 1;
  let length = 1;
  let before = 0;
  for (let i = 1; i < letters.length; i += 1) {
    const step = (letters[i]?.codePointAt(0) ?? 0) - (letters[i - 1]?.codePointAt(0) ?? 0);
    length = Math.abs(step) <= 1 && step === before ? length + 1 : Math.abs(step) <= 1 ? 2 : 1;
    before = step;
    longest = Math.max(longest, length);
  }
  return longest;
}
