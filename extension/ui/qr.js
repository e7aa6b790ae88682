/**
 * A QR code, generated locally.
 */

import { qrcode } from "../vendor/qrcode-generator.mjs";
import { s } from "./dom.js";

/**
 * @param {string} text
 * @param {string} label for screen readers
 * @returns {SVGSVGElement} dark on white in both themes, with the quiet zone
 */
export function qr(text, label) {
  const code = qrcode(0, "M");
  code.addData(text, "Byte");
  code.make();
  const size = code.getModuleCount();
  let d = "";
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      if (code.isDark(row, column)) d += `M${column} ${row}h1v1h-1z`;
    }
  }
  return s(
    "svg",
    {
      class: "qr",
      viewBox: `-4 -4 ${size + 8} ${size + 8}`,
      role: "img",
      "aria-label": label,
      "shape-rendering": "crispEdges",
    },
    s("path", { d }),
  );
}
