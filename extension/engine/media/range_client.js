/**
 * Range requests for one file, also to servers that violate RFC 9110.
 *
 * The range of a response is that of its `Content-Range`, which may differ from the requested one. A server whose
 * ranges are invalid is sent requests without a range from then on.
 */

import { Problem } from "../../shared/problem.js";
import { boundaryOf, contentRange, partOf, sizeOfUnsatisfied } from "./content_range.js";
import { Redirected, get, readBody, readerOf } from "./web_request.js";

const MAX_MULTIPART_BYTES = 8 << 20;

/** @typedef {import("./mirror_loader.js").FetchOptions} FetchOptions */
/** Version of a file by a response. @typedef {{total: number | null, tag: string | null}} Version */
/**
 * A body with its offsets in the file. `end` and `total`, the size of the file, are null where unknown.
 * @typedef {{reader: import("./web_request.js").Reader, start: number, end: number | null, total: number | null}} Body
 */
/**
 * A response. `whole`: its body goes to the end of the file; `surplus`: it has more bytes than requested; `stop` aborts
 * it; `detach`: the signal of the request does not abort it any more.
 * @typedef {Body & {whole: boolean, surplus: boolean, version: Version, stop: AbortController, detach: () => void}}
 *   RangeResponse
 */
/**
 * Origin of the page that a file is read for, and origin of the tab.
 * @typedef {{page: string, site: string}} Origins
 */

export class RangeClient {
  /** Bytes, by the latest response that has it. @type {number | null} */
  size = null;
  /** Address after redirects. @type {string} */
  location;
  /** A range was answered with the whole file. */
  unranged = false;
  /** The ranges of the server are invalid: requests have none. @private */
  whole = false;

  /** @param {string} url @param {string} page origin of the page that the file is read for */
  constructor(url, page) {
    this.url = url;
    this.page = page;
    this.location = url;
  }

  /**
   * Requests the bytes [at, end).
   * @param {number} at
   * @param {number} end
   * @param {FetchOptions} options
   * @returns {Promise<RangeResponse | null>} a response that has the byte at `at`; null where the file ends before it
   * @throws {Problem} sps.segment.missing with the status
   */
  async request(at, end, options) {
    for (let last = end; ;) {
      const ranged = !this.whole;
      /** @type {Record<string, string>} */
      const headers = ranged ? { Range: `bytes=${at}-${last - 1}` } : {};
      const { response, stop, detach } = await this.send(headers, options.signal);
      const dismiss = () => {
        detach();
        stop.abort();
      };
      const { status } = response;
      if (status === 416) {
        dismiss();
        if (!ranged) return null;
        const size = sizeOfUnsatisfied(response.headers.get("Content-Range") ?? "");
        if (size !== null) this.size = size;
        if (size === null ? at > 0 : at >= size) return null;
        // It has these bytes and refuses them, because the range goes past the end or for no reason.
        if (size !== null && last > size) last = size;
        else this.whole = true;
        continue;
      }
      if (status === 404 || status === 410) {
        dismiss();
        throw new Problem("sps.segment.missing", { status });
      }
      if (status !== 200 && status !== 206) {
        dismiss();
        throw new Error(`status ${status}`);
      }
      options.onProgress(0);
      this.location = response.url || this.url;
      const whole = status === 200;
      const body = whole ? wholeBody(response) : await partialBody(response, at, options.onProgress);
      if (body) {
        if (body.total !== null) this.size = body.total;
        if (ranged) this.unranged = whole;
        const surplus = body.end === null ? whole : body.end > last;
        return { ...body, whole, surplus, version: versionOf(response, body.total), stop, detach };
      }
      dismiss();
      if (!ranged) throw new Error("a range that nobody asked for");
      this.whole = true;
    }
  }

  /** @private @param {Record<string, string>} headers @param {AbortSignal} signal */
  async send(headers, signal) {
    // A transfer that is buffered goes on when the read that began it has ended.
    const stop = new AbortController();
    const abort = () => stop.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    const detach = () => signal.removeEventListener("abort", abort);
    try {
      const response = await get(this.url, { page: this.page, headers, signal: stop.signal, follow: true });
      return { response, stop, detach };
    } catch (error) {
      detach();
      if (error instanceof Redirected) throw new Problem("sps.segment.missing", { status: 302 });
      throw error;
    }
  }
}

/** Body of a response with the whole file. @param {Response} response @returns {Body} */
function wholeBody(response) {
  const total = isPlain(response) ? lengthOf(response) : null;
  return { reader: readerOf(response), start: 0, end: total, total };
}

/**
 * Body of a response with status 206.
 * @param {Response} response
 * @param {number} at requested offset
 * @param {(bytes: number) => void} onProgress
 * @returns {Promise<Body | null>} null for one that cannot be used
 */
async function partialBody(response, at, onProgress) {
  if (!isPlain(response)) return null;
  const boundary = boundaryOf(response.headers.get("Content-Type") ?? "");
  if (boundary !== null) {
    if ((lengthOf(response) ?? 0) > MAX_MULTIPART_BYTES) return null;
    const part = partOf(await readBody(response, onProgress, MAX_MULTIPART_BYTES), boundary, at);
    if (!part) return null;
    const { first, end, total } = part.range;
    return { reader: readerOf(new Response(part.bytes)), start: first, end, total };
  }
  const header = response.headers.get("Content-Range");
  if (header === null) return { reader: readerOf(response), start: at, end: null, total: null };
  const range = contentRange(header);
  if (!range || at < range.first || at >= range.end) return null;
  const length = lengthOf(response);
  if (length !== null && length !== range.end - range.first) return null;
  return { reader: readerOf(response), start: range.first, end: range.end, total: range.total };
}

/** True if a response has no content coding. @param {Response} response */
const isPlain = (response) =>
  ["", "identity"].includes((response.headers.get("Content-Encoding") ?? "").trim().toLowerCase());

/** Length of a body by its header, bytes. @param {Response} response @returns {number | null} */
function lengthOf(response) {
  const text = response.headers.get("Content-Length") ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** @param {Response} response @param {number | null} total @returns {Version} */
function versionOf(response, total) {
  const tag = response.headers.get("ETag")?.replace(/^W\//, "") ?? response.headers.get("Last-Modified");
  // Servers behind one address may tag the same file differently.
  return { total, tag: response.redirected ? null : tag };
}

/** True if two responses are certainly of two versions. @param {Version} a @param {Version} b */
export const differ = (a, b) =>
  (a.total !== null && b.total !== null && a.total !== b.total) ||
  (a.tag !== null && b.tag !== null && a.tag !== b.tag);
