/**
 * The reward meter: a ring that closes as an interval fills. It is hidden from screen readers, which announce rewards.
 */

import { h, s } from "./dom.js";

const CENTRE = 26;
const RADIUS = 17.2;

/**
 * The path of the filled part, with its gap at the top.
 * @param {number} part 0…1
 * @returns {string} a path, empty for 0
 */
export function ring(part) {
  const p = Math.min(0.9999, Math.max(0, Number.isFinite(part) ? part : 0));
  if (p === 0) return "";
  const half = p * Math.PI;
  const point = (/** @type {number} */ angle) =>
    `${(CENTRE + RADIUS * Math.sin(angle)).toFixed(2)} ${(CENTRE + RADIUS * Math.cos(angle)).toFixed(2)}`;
  return `M${point(half)}A${RADIUS} ${RADIUS} 0 ${p > 0.5 ? 1 : 0} 1 ${point(-half)}`;
}

/**
 * Creates a meter.
 * @param {number} [part] 0…1
 * @param {string} [size] a class: "small", "", "big", "huge"
 * @returns {{node: HTMLElement, set: (part: number, still?: boolean) => void}}
 */
export function rewardMeter(part = 0, size = "") {
  const glow = s("path", { class: "glow", d: ring(part) });
  const node = h(
    "span",
    { class: `tuning ${size}`.trim(), "aria-hidden": "true" },
    s(
      "svg",
      { viewBox: "0 0 52 52" },
      s("circle", { class: "disc", cx: CENTRE, cy: CENTRE, r: 25 }),
      s("circle", { class: "rest", cx: CENTRE, cy: CENTRE, r: RADIUS }),
      glow,
      s("circle", { class: "centre", cx: CENTRE, cy: CENTRE, r: 4.6 }),
    ),
  );
  return {
    node,
    set(value, still = false) {
      glow.setAttribute("d", ring(value));
      node.classList.toggle("still", still);
    },
  };
}
