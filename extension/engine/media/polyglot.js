/**
 * Reader of HTML polyglots: a song in a web page (docs/format/html.md). The counterpart of pywallet/sps/polyglot.py.
 */

import { Problem } from "../../shared/problem.js";

const SIGHT = 1024;
const MOST_PROLOGUE = 256 << 10;
const MOST_PATCHES = 4096;
const GREATER = 0x3e;
const MARK = /<meta name="sps" content="v=(\d{1,3});off=(\d{1,10});len=(\d{1,12});sha256=([0-9a-f]{64})">/;
const FIXES = /<meta name="sps-fix" content="(\d{1,12}(?:,\d{1,12})*)">/;

/**
 * @typedef {{offset: number, size: number, patches: number[]}} Place in bytes; patches: offsets at which
 *   a ">" of the song is written as another byte
 */

/** @param {Uint8Array} bytes */
const latin = (bytes) => new TextDecoder("latin1").decode(bytes);

/** Whether a file begins as a page. @param {Uint8Array} start */
export const isPage = (start) => latin(start.subarray(0, 15)).toLowerCase() === "<!doctype html>";

/** @param {Uint8Array} start the page's first bytes, up to the song @returns {Place} */
export function find(start) {
  const mark = MARK.exec(latin(start.subarray(0, SIGHT)));
  if (!mark) throw new Problem("sps.magic", { reason: "a page without a song" });
  if (Number(mark[1]) !== 1) throw new Problem("sps.version", { version: Number(mark[1]) });
  const [offset, size] = [Number(mark[2]), Number(mark[3])];
  if (offset < 19 || offset > MOST_PROLOGUE || size === 0) throw new Problem("sps.magic", { reason: "place" });
  if (start.length < offset) throw new Problem("sps.truncated", { offset });
  const head = latin(start.subarray(0, offset));
  if (!head.endsWith("<!--")) throw new Problem("sps.magic", { reason: "no song at its place" });
  const patches = (FIXES.exec(head)?.[1] ?? "").split(",").filter(Boolean).map(Number);
  const rising = patches.every((at, i) => at < size && (i === 0 || at > /** @type {number} */ (patches[i - 1])));
  if (patches.length > MOST_PATCHES || !rising) throw new Problem("sps.magic", { reason: "patches" });
  return { offset, size, patches };
}

/**
 * Bytes of the song as they were, in place.
 * @template {Uint8Array} B
 * @param {Place} place
 * @param {B} bytes of the page
 * @param {number} at where in the song they begin
 * @returns {B}
 */
export function restore({ patches }, bytes, at) {
  for (const patch of patches) if (patch >= at && patch < at + bytes.length) bytes[patch - at] = GREATER;
  return bytes;
}
