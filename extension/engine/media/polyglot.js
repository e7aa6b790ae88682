/**
 * Reader of HTML polyglots: a song in a web page (docs/format/html.md). The counterpart of pywallet/sps/polyglot.py.
 */

import { Problem } from "../../shared/problem.js";

/** The mark is within the first bytes of the page. */
const MARK_BYTES = 1024;
const MAX_PROLOGUE_BYTES = 256 << 10;
const MAX_PATCHES = 4096;
/** The character ">". */
const GREATER_THAN = 0x3e;
const MARK = /<meta name="sps" content="v=(\d{1,3});off=(\d{1,10});len=(\d{1,12});sha256=([0-9a-f]{64})">/;
const PATCHES = /<meta name="sps-fix" content="(\d{1,12}(?:,\d{1,12})*)">/;

/**
 * Place of a song in a page, bytes. `patches`: offsets at which a ">" of the song is replaced by another byte.
 * @typedef {{offset: number, size: number, patches: number[]}} SongPlace
 */

/** @param {Uint8Array} bytes */
const latin = (bytes) => new TextDecoder("latin1").decode(bytes);

/** True if a file starts as an HTML page does. @param {Uint8Array} start */
export const isPage = (start) => latin(start.subarray(0, 15)).toLowerCase() === "<!doctype html>";

/**
 * Finds the song in a page.
 * @param {Uint8Array} start first bytes of the page, up to the song
 * @returns {SongPlace}
 * @throws {Problem} sps.magic, sps.version, sps.truncated
 */
export function locateSong(start) {
  const mark = MARK.exec(latin(start.subarray(0, MARK_BYTES)));
  if (!mark) throw new Problem("sps.magic", { reason: "a page without a song" });
  if (Number(mark[1]) !== 1) throw new Problem("sps.version", { version: Number(mark[1]) });
  const [offset, size] = [Number(mark[2]), Number(mark[3])];
  if (offset < 19 || offset > MAX_PROLOGUE_BYTES || size === 0) throw new Problem("sps.magic", { reason: "place" });
  if (start.length < offset) throw new Problem("sps.truncated", { offset });
  const head = latin(start.subarray(0, offset));
  if (!head.endsWith("<!--")) throw new Problem("sps.magic", { reason: "no song at its place" });
  const patches = (PATCHES.exec(head)?.[1] ?? "").split(",").filter(Boolean).map(Number);
  const isAscending = patches.every((at, i) => at < size && (i === 0 || at > /** @type {number} */ (patches[i - 1])));
  if (patches.length > MAX_PATCHES || !isAscending) throw new Problem("sps.magic", { reason: "patches" });
  return { offset, size, patches };
}

/**
 * Undoes the patches in bytes of the song, in place.
 * @template {Uint8Array} B
 * @param {SongPlace} place
 * @param {B} bytes of the page
 * @param {number} at their offset in the song
 * @returns {B}
 */
export function restore({ patches }, bytes, at) {
  for (const patch of patches) if (patch >= at && patch < at + bytes.length) bytes[patch - at] = GREATER_THAN;
  return bytes;
}
