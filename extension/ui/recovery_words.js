/**
 * The positions of the recovery words that a person is asked for.
 */

/**
 * Draws three positions, one in each third, in rising order.
 * @param {number} count of words
 * @param {() => number} random 0…1
 * @returns {number[]} from 0
 */
export function places(count, random) {
  const third = count / 3;
  return [0, 1, 2].map((part) => Math.floor(part * third + random() * third));
}
