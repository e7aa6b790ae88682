/**
 * Amounts as text. Wei are BigInt throughout, never floating point.
 */

const DECIMALS = 18;
const UNIT = 10n ** BigInt(DECIMALS);

/**
 * Parses an amount.
 * @param {string | bigint | null | undefined} value a decimal string of wei
 * @returns {bigint} 0n for invalid text
 */
export function wei(value) {
  if (typeof value === "bigint") return value;
  return typeof value === "string" && /^-?\d{1,40}$/.test(value) ? BigInt(value) : 0n;
}

/**
 * An amount with a fixed number of decimals, truncated.
 * @param {string | bigint | null | undefined} value wei
 * @param {number} [places]
 * @returns {string} such as "46.8400"
 */
export function show(value, places = 4) {
  const amount = wei(value);
  const positive = amount < 0n ? -amount : amount;
  const whole = group((positive / UNIT).toString());
  const part = (positive % UNIT).toString().padStart(DECIMALS, "0").slice(0, places);
  return `${amount < 0n ? "-" : ""}${whole}${places > 0 ? "." : ""}${part}`;
}

/**
 * An amount with all its decimals, for tooltips.
 * @param {string | bigint | null | undefined} value wei
 * @returns {string} such as "0.00201 GoMAA"
 */
export function exact(value) {
  const amount = wei(value);
  const positive = amount < 0n ? -amount : amount;
  const part = (positive % UNIT).toString().padStart(DECIMALS, "0").replace(/0+$/, "");
  return `${amount < 0n ? "-" : ""}${positive / UNIT}${part ? `.${part}` : ""} GoMAA`;
}

/**
 * Shares as whole thousandths for a bar. The parts need not add up to 1000: the bar uses flex-grow.
 * @param {bigint[]} parts
 * @returns {number[]} each at least 4 where its part is not zero, so that it is visible
 */
export function shares(parts) {
  const total = parts.reduce((sum, part) => sum + part, 0n);
  return parts.map((part) => (part <= 0n || total <= 0n ? 0 : Math.max(4, Number((part * 1000n) / total))));
}

/** @param {string} digits */
function group(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}
