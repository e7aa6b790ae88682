/**
 * Parser of the headers of range responses (RFC 9110 section 14), tolerant of servers that violate the standard.
 */

const RANGE = /^\s*bytes[ =]+(\d{1,15})\s*-\s*(\d{1,15})\s*\/\s*(\d{1,15}|\*)\s*$/i;
const UNSATISFIED = /^\s*bytes[ =]+\*\s*\/\s*(\d{1,15})\s*$/i;
const BOUNDARY = /^multipart\/(?:x-)?byteranges\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i;
const HEADERS_END = "\r\n\r\n";
/** Most characters of the headers of a part. */
const MAX_HEADERS = 4096;

/**
 * Bytes [first, end) of a file. `total`: size of the file, null where unknown.
 * @typedef {{first: number, end: number, total: number | null}} Range
 */

/**
 * Parses the `Content-Range` of a response with status 206.
 * @param {string} text
 * @returns {Range | null} null for an invalid range
 */
export function contentRange(text) {
  const [, first, last, all] = RANGE.exec(text) ?? [];
  if (first === undefined || last === undefined) return null;
  const range = { first: Number(first), end: Number(last) + 1, total: all === "*" ? null : Number(all) };
  return range.end > range.first && (range.total === null || range.end <= range.total) ? range : null;
}

/**
 * Size of the file by the `Content-Range` of a response with status 416.
 * @param {string} text
 * @returns {number | null} null where it has none
 */
export function sizeOfUnsatisfied(text) {
  const [, all] = UNSATISFIED.exec(text) ?? [];
  return all === undefined ? null : Number(all);
}

/** Boundary of a `Content-Type` of `multipart/byteranges`; null for another type. @param {string} type */
export function boundaryOf(type) {
  const [, quoted, plain] = BOUNDARY.exec(type) ?? [];
  return quoted ?? plain ?? null;
}

/**
 * Part of a `multipart/byteranges` body that contains a byte of the file.
 * @param {Uint8Array<ArrayBuffer>} body
 * @param {string} boundary
 * @param {number} at offset in the file
 * @returns {{range: Range, bytes: Uint8Array<ArrayBuffer>} | null}
 */
export function partOf(body, boundary, at) {
  // Latin-1 keeps one character for each byte.
  const text = Array.from({ length: Math.ceil(body.length / 0x8000) }, (_, i) =>
    String.fromCharCode(...body.subarray(i * 0x8000, (i + 1) * 0x8000)),
  ).join("");
  const begin = `--${boundary}\r\n`;
  for (let mark = text.indexOf(begin); mark >= 0;) {
    const head = text.indexOf(HEADERS_END, mark);
    // Linear in the body's length: the search for the next part begins after these headers.
    if (head < 0 || head - mark > MAX_HEADERS) return null;
    const line = /^content-range:(.*)$/im.exec(text.slice(mark, head))?.[1] ?? "";
    const range = contentRange(line);
    const begins = head + HEADERS_END.length;
    if (range && range.first <= at && at < range.end)
      return { range, bytes: body.slice(begins, begins + range.end - range.first) };
    mark = text.indexOf(begin, begins);
  }
  return null;
}
