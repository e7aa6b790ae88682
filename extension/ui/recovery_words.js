/**
 * The recovery words that a person is asked for; the core reads and judges what is typed.
 */

/**
 * Three places to ask for, one in each third, in rising order.
 * @param {number} count of words
 * @param {() => number} random 0…1
 * @returns {number[]} from 0
 */
export function places(count, random) {
  const third = count / 3;
  return [0, 1, 2].map((part) => Math.floor(part * third + random() * third));
}
