/**
 * Loads parts of a song from several mirrors, tried in order.
 *
 * A request without progress is aborted. A mirror that fails is backed off for a time that grows exponentially, with
 * jitter; the loader waits only where every mirror is backed off.
 */

import { Problem } from "../../shared/problem.js";
import { same } from "../bytes.js";
import { Redirected, get, readBody } from "./web_request.js";

export const STALL_MS = 5_000;
export const PART_MS = 10_000;
/** Attempts of one mirror for one part. */
const MAX_TRIES = 4;
const FIRST_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
/** Smaller transfers do not count for the throughput. */
const MIN_MEASURED_BYTES = 32_768;

/**
 * Bytes of a song whose hash the signed header has.
 * @typedef {{offset: number, size: number, sha256: Uint8Array}} Part
 */
/** A timer of a clock. @typedef {number | ReturnType<typeof setTimeout> | null} Timer */
/**
 * Time and chance. `now`: ms.
 * @typedef {{now: () => number, later: (work: () => void, ms: number) => Timer, cancel: (timer: Timer) => void,
 *   random: () => number}} Clock
 */
/** @typedef {(part: Part, options: FetchOptions) => Promise<Uint8Array<ArrayBuffer>>} Get */
/**
 * @typedef {object} FetchOptions
 * @property {boolean} reload from the web server, not from a buffer
 * @property {AbortSignal} signal
 * @property {(bytes: number) => void} onProgress
 */

/** A mirror, the end of its backoff, and its failures in a row. */
class Mirror {
  backoffUntil = -Infinity;
  failures = 0;

  /** @param {string} name @param {Get} get */
  constructor(name, get) {
    this.name = name;
    this.get = get;
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
const digest = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

/** @type {Clock} */
const REAL_CLOCK = {
  now: () => performance.now(),
  later: (work, ms) => setTimeout(work, ms),
  cancel: (timer) => clearTimeout(timer ?? undefined),
  random: () => Math.random(),
};

export class MirrorLoader {
  /** Best first. @type {Mirror[]} */
  mirrors = [];
  /** Throughput of the latest parts, kbit/s. @type {number | null} */
  kbps = null;

  /** @param {AbortSignal} signal ends every transfer @param {Clock} [clock] @param {typeof digest} [sha256] */
  constructor(signal, clock = REAL_CLOCK, sha256 = digest) {
    this.signal = signal;
    this.clock = clock;
    this.sha256 = sha256;
  }

  /** True if there is a mirror of a name. @param {string} name */
  has(name) {
    return this.mirrors.some((mirror) => mirror.name === name);
  }

  /** Adds a mirror after the others. @param {string} name @param {Get} get */
  add(name, get) {
    if (!this.has(name)) this.mirrors.push(new Mirror(name, get));
  }

  /**
   * Loads a part from the first mirror whose bytes have the SHA-256 that the signed header names.
   * @param {Part} part
   * @param {AbortSignal} [signal] ends this transfer, and is no failure of a mirror
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async part(part, signal = this.signal) {
    /** @type {Map<Mirror, {tries: number, corrupt: number, isGone: boolean}>} */
    const attempts = new Map(this.mirrors.map((mirror) => [mirror, { tries: 0, corrupt: 0, isGone: false }]));
    /** @type {Problem | null} */
    let failure = null;
    for (;;) {
      const open = [...attempts].filter(
        ([, { tries, corrupt, isGone }]) => !isGone && tries < MAX_TRIES && corrupt < 2,
      );
      if (open.length === 0 || signal.aborted)
        throw failure ?? new Problem("sps.segment.missing", { reason: "closed" });
      const [mirror, attempt] = this.nextMirror(open);
      await this.backoff(mirror, signal);
      const hasOther = open.some(([other]) => other !== mirror && other.backoffUntil <= this.clock.now());
      attempt.tries++;
      const options = { reload: attempt.corrupt > 0, isTimed: hasOther, signal };
      const result = await this.fetchFrom(mirror, part, options);
      if (result instanceof Uint8Array) {
        mirror.failures = 0;
        return result;
      }
      if (signal.aborted) throw result;
      // A cache may have corrupted it: the mirror is tried once more at once, past every cache.
      const corrupt = result.code !== "sps.segment.missing";
      if (corrupt) attempt.corrupt++;
      attempt.isGone = typeof result.detail["status"] === "number";
      if (!corrupt || attempt.corrupt > 1) this.recordFailure(mirror);
      if (!failure || result.code === "sps.segment.hash") failure = result;
    }
  }

  /**
   * The first mirror that is not backed off, else the one whose backoff ends first.
   * @private
   * @template T
   * @param {[Mirror, T][]} open
   * @returns {[Mirror, T]}
   */
  nextMirror(open) {
    const now = this.clock.now();
    const best =
      open.find(([mirror]) => mirror.backoffUntil <= now) ??
      open.reduce((a, b) => (b[0].backoffUntil < a[0].backoffUntil ? b : a));
    return best;
  }

  /** Backs a mirror off. @private @param {Mirror} mirror */
  recordFailure(mirror) {
    mirror.failures++;
    const wait = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** mirror.failures);
    mirror.backoffUntil = this.clock.now() + wait * (0.5 + this.clock.random() / 2);
  }

  /**
   * Waits until the backoff of a mirror ends.
   * @private
   * @param {Mirror} mirror @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  async backoff(mirror, signal) {
    const ms = mirror.backoffUntil - this.clock.now();
    if (ms <= 0 || signal.aborted) return;
    await new Promise((resolve) => {
      const done = () => {
        this.clock.cancel(timer);
        signal.removeEventListener("abort", done);
        resolve(undefined);
      };
      const timer = this.clock.later(done, ms);
      signal.addEventListener("abort", done);
    });
  }

  /**
   * Loads a part from one mirror.
   * @private
   * @param {Mirror} mirror
   * @param {Part} part
   * @param {{reload: boolean, isTimed: boolean, signal: AbortSignal}} options `isTimed`: fails after PART_MS, as
   *   another mirror is available
   * @returns {Promise<Uint8Array<ArrayBuffer> | Problem>}
   */
  async fetchFrom(mirror, part, { reload, isTimed, signal }) {
    const stop = new AbortController();
    const { clock } = this;
    const began = clock.now();
    let abortReason = "";
    const abort = (/** @type {string} */ reason) => () => {
      abortReason = reason;
      stop.abort(reason);
    };
    let first = 0;
    let stalled = clock.later(abort("stalled"), STALL_MS);
    const late = isTimed ? clock.later(abort("slow"), PART_MS) : null;
    const ended = abort("closed");
    signal.addEventListener("abort", ended, { once: true });
    const onProgress = () => {
      first ||= clock.now();
      clock.cancel(stalled);
      stalled = clock.later(abort("stalled"), STALL_MS);
    };
    // A mirror that ignores the signal is abandoned all the same.
    const aborted = new Promise((_, reject) =>
      stop.signal.addEventListener("abort", () => reject(new Error(abortReason)), { once: true }),
    );
    try {
      if (signal.aborted) throw new Error("closed");
      const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (
        await Promise.race([mirror.get(part, { reload, signal: stop.signal, onProgress }), aborted])
      );
      this.recordThroughput(bytes.length, clock.now() - (first || began));
      if (bytes.length < part.size)
        return new Problem("sps.truncated", { offset: part.offset, size: part.size, got: bytes.length });
      if (!same(await this.sha256(bytes), part.sha256)) return new Problem("sps.segment.hash", { offset: part.offset });
      return bytes;
    } catch (error) {
      if (error instanceof Problem) return error;
      return new Problem("sps.segment.missing", {
        reason: (abortReason || String(error)).slice(0, 120),
        place: mirror.name.slice(0, 120),
      });
    } finally {
      clock.cancel(stalled);
      clock.cancel(late);
      signal.removeEventListener("abort", ended);
    }
  }

  /** Updates the throughput by a transfer. @param {number} bytes @param {number} ms */
  recordThroughput(bytes, ms) {
    if (bytes < MIN_MEASURED_BYTES) return;
    const rate = (8 * bytes) / Math.max(1, ms);
    this.kbps = this.kbps === null ? rate : 0.6 * this.kbps + 0.4 * rate;
  }
}

/**
 * Address of a part in a folder of the exploded packaging.
 * @param {string} folder ends in "/"
 * @param {Uint8Array} sha256
 */
export const partUrl = (folder, sha256) =>
  `${folder}${Array.from(sha256, (byte) => byte.toString(16).padStart(2, "0")).join("")}.part`;

/**
 * Loads a part by its own address with one request.
 * @param {string} url
 * @param {number} size of the part, bytes, after which the transfer is stopped
 * @param {FetchOptions} options
 * @param {string} [page] origin of the page that it is read for; the part's own by default
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function getPart(url, size, { signal, onProgress }, page = url) {
  const response = await get(url, { page, signal, follow: true }).catch((error) => {
    throw error instanceof Redirected ? new Problem("sps.segment.missing", { status: 302 }) : error;
  });
  if (response.status === 404 || response.status === 410)
    throw new Problem("sps.segment.missing", { status: response.status });
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  onProgress(0);
  return readBody(response, onProgress, size);
}
