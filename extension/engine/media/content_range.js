/**
 * Parser of the headers of range responses (RFC 9110 section 14), tolerant of servers that violate the standard.
 */

const RANGE = /^\s*bytes[ =]+(\d{1,15})\s*-\s*(\d{1,15})\s*\/\s*(\d{1,15}|\*)\s*$/i;
const UNSATISFIED = /^\s*bytes[ =]+\*\s*\/\s*(\d{1,15})\s*$/i;
const BOUNDARY = /^multipart\/(?:x-)?byteranges\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i;
const HEADERS_END = "\r\n\r\n";
/** Characters of the headers of one part. */
const MOST_HEADERS = 4096;

/**
 * @typedef {{first: number, end: number, total: number | null}} Range bytes [first, end) of a file; total: its size,
 *   null where unknown
 */

/**
 * A `Content-Range` of an answer with status 206.
 * @param {string} text
 * @returns {Range | null} null for what names no range
 */
export function contentRange(text) {
  const [, first, last, all] = RANGE.exec(text) ?? [];
  if (first === undefined || last === undefined) return null;
  const range = { first: Number(first), end: Number(last) + 1, total: all === "*" ? null : Number(all) };
  return range.end > range.first && (range.total === null || range.end <= range.total) ? range : null;
}

/**
 * The size of the file by the `Content-Range` of an answer with status 416; null where it says none.
 * @param {string} text
 */
export function sizeOfUnsatisfied(text) {
  const [, all] = UNSATISFIED.exec(text) ?? [];
  return all === undefined ? null : Number(all);
}

/** The boundary by a `Content-Type` of `multipart/byteranges`; null for another type. @param {string} type */
export function boundaryOf(type) {
  const [, quoted, plain] = BOUNDARY.exec(type) ?? [];
  return quoted ?? plain ?? null;
}

/**
 * The part of a `multipart/byteranges` body that holds a byte of the file.
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
    // Each byte is looked at once: the next part begins after these headers.
    if (head < 0 || head - mark > MOST_HEADERS) return null;
    const line = /^content-range:(.*)$/im.exec(text.slice(mark, head))?.[1] ?? "";
    const range = contentRange(line);
    const begins = head + HEADERS_END.length;
    if (range && range.first <= at && at < range.end)
      return { range, bytes: body.slice(begins, begins + range.end - range.first) };
    mark = text.indexOf(begin, begins);
  }
  return null;
}
