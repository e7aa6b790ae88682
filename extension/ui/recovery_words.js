/**
 * The positions of the recovery words that a person types as a check.
 */

/**
 * Draws three positions, one in each third, in rising order.
 * @param {number} count of words
 * @param {() => number} random 0…1
 * @returns {number[]} from 0
 */
export function checkPositions(count, random) {
  const third = count / 3;
  return [0, 1, 2].map((part) => Math.floor(part * third + random() * third));
}
