/**
 * Recovery words as a person types them.
 */

/**
 * @param {string} text
 * @returns {string[]} lower case, in NFKD as the word list is, numbers such as "1." taken off
 */
export function wordsOf(text) {
  return text.normalize("NFKD").toLowerCase().split(/[\s,;]+/u).map((word) => word.replace(/^\d+[.)]?/, "")).filter((word) => word !== "");
}

/**
 * What is wrong with them before the wallet itself looks.
 * @param {string[]} words
 * @returns {{kind: "count", count: number} | {kind: "letters", word: string, position: number} | null}
 */
export function wordsProblem(words) {
  const position = words.findIndex((word) => !/^[a-z]{3,8}$/.test(word));
  if (position >= 0) return { kind: "letters", word: words[position] ?? "", position: position + 1 };
  if (words.length !== 12 && words.length !== 24) return { kind: "count", count: words.length };
  return null;
}

/**
 * Three places to ask for, one in each third, in rising order.
 * @param {number} count 12 or 24
 * @param {() => number} random 0…1
 * @returns {number[]} from 0
 */
export function places(count, random) {
  const third = count / 3;
  return [0, 1, 2].map((part) => Math.floor(part * third + random() * third));
}
