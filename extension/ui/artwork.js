/**
 * Generates a picture for a song from its content address: one of several landscapes in one of several palettes.
 * Nothing is fetched.
 */

import { h, s } from "./dom.js";

/** @typedef {{sky: string, light: string, far: string, mid: string, near: string}} Palette */

/** @type {Palette[]} */
const PALETTES = [
  { sky: "#f2b56b", light: "#fbe7c4", far: "#b8524a", mid: "#7d2450", near: "#3b1530" },
  { sky: "#c9dcd2", light: "#f0ae4b", far: "#6fa39a", mid: "#1f5b5e", near: "#12373c" },
  { sky: "#2d2350", light: "#f3e3c3", far: "#5b478a", mid: "#3f3170", near: "#1b1436" },
  { sky: "#24485a", light: "#f5d48b", far: "#3c6a78", mid: "#c8513d", near: "#12303d" },
  { sky: "#e7e9ee", light: "#c8513d", far: "#a9b6c9", mid: "#5b6f8c", near: "#33435c" },
  { sky: "#f0cfc4", light: "#fff4e0", far: "#d98b7e", mid: "#a5485a", near: "#5a1f3a" },
  { sky: "#d9cfc3", light: "#d58518", far: "#a79a86", mid: "#6d6148", near: "#3e2c15" },
  { sky: "#17454c", light: "#f6e9d2", far: "#2c6e72", mid: "#f0ae4b", near: "#0c2a30" },
];

/**
 * A pseudorandom sequence seeded with the address (mulberry32).
 * @param {string} address
 * @returns {() => number} each 0…1
 */
export function numbers(address) {
  let state = 0x9e3779b9;
  for (let i = 0; i < address.length; i += 1)
    state = Math.imul(state ^ address.charCodeAt(i), 0x85ebca6b) + (state >>> 7);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * @typedef {{tag: "rect" | "circle" | "path", attributes: Record<string, string | number>}} Shape
 * @param {string} fill
 * @param {string} d
 * @returns {Shape}
 */
const path = (fill, d) => ({ tag: "path", attributes: { fill, d } });

/**
 * @param {string} fill
 * @param {number} cx
 * @param {number} cy
 * @param {number} r
 * @returns {Shape}
 */
const disc = (fill, cx, cy, r) => ({ tag: "circle", attributes: { fill, cx, cy, r } });

/** @type {((p: Palette, n: () => number) => Shape[])[]} */
const FAMILIES = [
  function tide(p, n) {
    const x = Math.round(18 + n() * 44);
    const wave = (/** @type {number} */ y, /** @type {number} */ lean) =>
      `M${-20 + lean} ${y}q10-7 20 0t20 0 20 0 20 0 20 0 20 0v40H-20z`;
    return [
      disc(p.light, x, 27, 13),
      path(p.far, wave(42, Math.round(n() * 18))),
      path(p.mid, wave(54, Math.round(n() * 18))),
      path(p.near, wave(66, Math.round(n() * 18))),
    ];
  },
  function mountains(p, n) {
    const a = Math.round(16 + n() * 16);
    const b = Math.round(48 + n() * 14);
    const top = Math.round(20 + n() * 8);
    return [
      disc(p.light, a > 24 ? 64 : 14, 17, 7),
      path(p.far, `M-4 80 ${b} ${top + 8}l36 40v32z`),
      path(p.mid, `M-8 80 ${a} ${top}l30 42v18z`),
      path(p.light, `m${a} ${top} 8 11-8 4-8-4z`),
      path(p.near, "M-2 74q20-8 42 0t42-2v10H-2z"),
    ];
  },
  function lighthouse(p, n) {
    const x = Math.round(28 + n() * 24);
    return [
      {
        tag: "path",
        attributes: { fill: p.light, opacity: 0.6, d: `M${x} 26 ${x + 46} 8v34zM${x} 26 ${x - 46} 8v34z` },
      },
      path("#f6eee6", `M${x - 5} 32h10l5 48h-20z`),
      path("#c8513d", `M${x - 6.6} 47h13.200l1.300 12h-15.800z`),
      path("#f0ae4b", `M${x - 6} 20h12v12h-12z`),
      path(p.near, "M-2 72q16-7 30 0t54-1v11H-2z"),
    ];
  },
  function moon(p, n) {
    const x = Math.round(28 + n() * 24);
    const bars = [12, 30, 50, 68].map((at) => `M${at - 2} 60h4v20h-4z`).join("");
    return [
      disc(p.light, x, 36, 20),
      disc(p.sky, x + 10 + Math.round(n() * 6), 33, 18),
      path(p.far, `M0 57h80v4H0z${bars}`),
    ];
  },
  function hills(p, n) {
    const x = Math.round(14 + n() * 52);
    const lean = Math.round(n() * 16);
    return [
      disc(p.light, x, 24, 10),
      path(p.far, `M-10 56q${26 + lean}-30 54-4t46-6v40H-10z`),
      path(p.mid, `M-10 68q${40 - lean}-26 62-2t40-4v24H-10z`),
      path(p.near, `M${60 - lean} 62h3v14h-3zM${61.5 - lean} 44l8 20h-16z`),
      path(p.near, "M-2 75q24-5 42 0t44-1v8H-2z"),
    ];
  },
  function rain(p, n) {
    const strokes = [10, 26, 42, 58, 72]
      .map((at) => `M${at - 1.5} ${Math.round(n() * 8)}h3v${8 + Math.round(n() * 9)}h-3z`)
      .join("");
    return [path(p.far, strokes), disc(p.mid, 40, 48, 24), disc(p.light, 40, 48, 16), disc(p.near, 40, 48, 7)];
  },
  function city(p, n) {
    /** @type {string[]} */
    const towers = [];
    const windows = [];
    for (let at = 4; at < 76; at += 13) {
      const top = Math.round(30 + n() * 26);
      towers.push(`M${at} ${top}h11v${82 - top}h-11z`);
      if (n() > 0.3) windows.push(`M${at + 3} ${top + 6}h2v3h-2zM${at + 7} ${top + 13}h2v3h-2z`);
    }
    return [
      disc(p.light, Math.round(20 + n() * 40), 20, 9),
      path(p.far, "M-2 60h84v22H-2z"),
      path(p.near, towers.join("")),
      path(p.light, windows.join("")),
    ];
  },
];

/**
 * The shapes of a picture on a field of 80 x 80, from back to front.
 * @param {string} address a content address, or other text
 * @returns {Shape[]}
 */
export function shapes(address) {
  const n = numbers(address.toLowerCase());
  n();
  const palette = /** @type {Palette} */ (PALETTES[Math.floor(n() * PALETTES.length)]);
  const family = /** @type {(typeof FAMILIES)[number]} */ (FAMILIES[Math.floor(n() * FAMILIES.length)]);
  return [{ tag: "rect", attributes: { width: 80, height: 80, fill: palette.sky } }, ...family(palette, n)];
}

/**
 * @param {string | null | undefined} address
 * @param {string} [kind] class of the frame
 * @returns {HTMLElement} decorative: title and artist are shown beside it
 */
export function artwork(address, kind = "") {
  const drawn = address
    ? shapes(address).map(({ tag, attributes }) => s(tag, attributes))
    : [s("rect", { class: "blank", width: 80, height: 80 })];
  return h("span", { class: `art ${kind}`.trim(), "aria-hidden": "true" }, s("svg", { viewBox: "0 0 80 80" }, drawn));
}
