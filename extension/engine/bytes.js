/**
 * Conversions between bytes and text.
 */

/** Encodes bytes as base64. @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

/** Decodes base64. @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** Decodes hexadecimal digits. @param {string} text 0x-hex @returns {Uint8Array<ArrayBuffer>} */
export const fromHex = (text) => Uint8Array.from(text.slice(2).match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** True if two byte strings are equal. @param {Uint8Array} a @param {Uint8Array} b */
export const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

/** Concatenates bytes. @param {...(Uint8Array | string)} parts text as UTF-8 @returns {Uint8Array<ArrayBuffer>} */
export function join(...parts) {
  const list = parts.map((part) => (typeof part === "string" ? new TextEncoder().encode(part) : part));
  const out = new Uint8Array(list.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of list) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Encodes an integer in big-endian order. @param {number} value @param {number} size bytes */
export function bigEndian(value, size) {
  const out = new Uint8Array(size);
  for (let i = size - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) out[i] = rest & 255;
  return out;
}
