/**
 * Where the song's parts may be had: several places, tried in order, left alone for a while when they fail.
 *
 * A place that answers nothing for a while is given up (the stall watchdog); one that fails rests, longer each time,
 * with jitter,
 * so that a crowd of players does not come back at once. While another place is rested nobody waits.
 */

import { Problem } from "../../shared/problem.js";
import { same } from "../bytes.js";
import { Redirected, collect, get } from "./web_request.js";

export const STALL_MS = 5_000;
export const PART_MS = 10_000;
const TRIES = 4;
const WAIT_MS = 250;
const MOST_WAIT_MS = 30_000;
const FAIR_BYTES = 32_768;

/** @typedef {{offset: number, size: number, sha256: Uint8Array}} Part */
/**
 * @typedef {{now: () => number, later: (work: () => void, ms: number) => any, cancel: (timer: any) => void, random: ()
 *   => number}} Clock
 */
/** @typedef {(part: Part, how: How) => Promise<Uint8Array<ArrayBuffer>>} Get */
/**
 * @typedef {{anew: boolean, signal: AbortSignal, alive: (bytes: number) => void}} How anew: from the web server,
 *   whatever is held; alive: some bytes came
 */

/** One place; ``rests``: until when it is left alone, ``failed``: how often in a row. */
class Place {
  rests = -Infinity;
  failed = 0;

  /** @param {string} name @param {Get} get */
  constructor(name, get) {
    this.name = name;
    this.get = get;
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
const digest = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

/** @type {Clock} */
const REAL = {
  now: () => performance.now(),
  later: (work, ms) => setTimeout(work, ms),
  cancel: (timer) => clearTimeout(timer),
  random: () => Math.random(),
};

export class MirrorLoader {
  /** @type {Place[]} best first */
  places = [];
  /** @type {number | null} what the last parts came with, kbit/s */
  kbps = null;

  /** @param {AbortSignal} signal ends everything @param {Clock} [clock] @param {typeof digest} [sha256] */
  constructor(signal, clock = REAL, sha256 = digest) {
    this.signal = signal;
    this.clock = clock;
    this.sha256 = sha256;
  }

  /** @param {string} name of a place */
  has(name) {
    return this.places.some((place) => place.name === name);
  }

  /** One more place, after the others. @param {string} name @param {Get} get */
  add(name, get) {
    if (!this.has(name)) this.places.push(new Place(name, get));
  }

  /**
   * A part whose SHA-256 the signed header names, from the first place that has it right.
   * @param {Part} part
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async part(part) {
    /** @type {Map<Place, {tries: number, spoilt: number, gone: boolean}>} */
    const seen = new Map(this.places.map((place) => [place, { tries: 0, spoilt: 0, gone: false }]));
    /** @type {Problem | null} */
    let worst = null;
    for (;;) {
      const open = [...seen].filter(([, { tries, spoilt, gone }]) => !gone && tries < TRIES && spoilt < 2);
      if (open.length === 0 || this.signal.aborted)
        throw worst ?? new Problem("sps.segment.missing", { reason: "closed" });
      const [place, mine] = this.choose(open);
      await this.rest(place);
      const others = open.some(([other]) => other !== place && other.rests <= this.clock.now());
      mine.tries++;
      const found = await this.once(place, part, { anew: mine.spoilt > 0, limited: others });
      if (found instanceof Uint8Array) {
        place.failed = 0;
        return found;
      }
      // A cache may have spoilt it: such a place is asked once more at once, past every cache, before anybody is
      // blamed.
      const spoilt = found.code !== "sps.segment.missing";
      if (spoilt) mine.spoilt++;
      mine.gone = typeof found.detail["status"] === "number";
      if (!spoilt || mine.spoilt > 1) this.punish(place);
      if (!worst || found.code === "sps.segment.hash") worst = found;
    }
  }

  /**
   * @private the first that does not rest; else the one that is done resting first
   * @template T
   * @param {[Place, T][]} open
   * @returns {[Place, T]}
   */
  choose(open) {
    const now = this.clock.now();
    const best = open.find(([place]) => place.rests <= now) ?? open.reduce((a, b) => (b[0].rests < a[0].rests ? b : a));
    return best;
  }

  /** @private @param {Place} place */
  punish(place) {
    place.failed++;
    const wait = Math.min(MOST_WAIT_MS, WAIT_MS * 2 ** place.failed);
    place.rests = this.clock.now() + wait * (0.5 + this.clock.random() / 2);
  }

  /** @private @param {Place} place @returns {Promise<void>} */
  async rest(place) {
    const ms = place.rests - this.clock.now();
    if (ms <= 0 || this.signal.aborted) return;
    await new Promise((resolve) => {
      const done = () => {
        this.clock.cancel(timer);
        this.signal.removeEventListener("abort", done);
        resolve(undefined);
      };
      const timer = this.clock.later(done, ms);
      this.signal.addEventListener("abort", done);
    });
  }

  /**
   * @private
   * @param {Place} place
   * @param {Part} part
   * @param {{anew: boolean, limited: boolean}} how limited: another place would do, so this one must be done in time
   * @returns {Promise<Uint8Array<ArrayBuffer> | Problem>}
   */
  async once(place, part, { anew, limited }) {
    const stop = new AbortController();
    const { clock } = this;
    const began = clock.now();
    let why = "";
    const give = (/** @type {string} */ reason) => () => {
      why = reason;
      stop.abort(reason);
    };
    let first = 0;
    let stalled = clock.later(give("stalled"), STALL_MS);
    const late = limited ? clock.later(give("slow"), PART_MS) : null;
    const ended = give("closed");
    this.signal.addEventListener("abort", ended, { once: true });
    const alive = () => {
      first ||= clock.now();
      clock.cancel(stalled);
      stalled = clock.later(give("stalled"), STALL_MS);
    };
    // A place that does not listen to the signal is left behind all the same.
    const given = new Promise((_, reject) =>
      stop.signal.addEventListener("abort", () => reject(new Error(why)), { once: true }),
    );
    try {
      if (this.signal.aborted) throw new Error("closed");
      const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (
        await Promise.race([place.get(part, { anew, signal: stop.signal, alive }), given])
      );
      this.measure(bytes.length, clock.now() - (first || began));
      if (bytes.length < part.size)
        return new Problem("sps.truncated", { offset: part.offset, size: part.size, got: bytes.length });
      if (!same(await this.sha256(bytes), part.sha256)) return new Problem("sps.segment.hash", { offset: part.offset });
      return bytes;
    } catch (error) {
      if (error instanceof Problem) return error;
      return new Problem("sps.segment.missing", {
        reason: (why || String(error)).slice(0, 120),
        place: place.name.slice(0, 120),
      });
    } finally {
      clock.cancel(stalled);
      clock.cancel(late);
      this.signal.removeEventListener("abort", ended);
    }
  }

  /** What a transfer came with. @param {number} bytes @param {number} ms */
  measure(bytes, ms) {
    if (bytes < FAIR_BYTES) return;
    const rate = (8 * bytes) / Math.max(1, ms);
    this.kbps = this.kbps === null ? rate : 0.6 * this.kbps + 0.4 * rate;
  }
}

/**
 * The address of a part in a folder of the exploded packaging.
 * @param {string} folder ends in "/"
 * @param {Uint8Array} sha256
 */
export const partUrl = (folder, sha256) =>
  `${folder}${Array.from(sha256, (byte) => byte.toString(16).padStart(2, "0")).join("")}.part`;

/**
 * A part by its own address: one request; bytes are said as they come.
 * @param {string} url
 * @param {number} size of the part, bytes; what follows is stopped
 * @param {How} how
 * @param {string} [page] the origin that it is read for; the part's own by default
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function getPart(url, size, { signal, alive }, page = url) {
  const answer = await get(url, { page, signal, follow: true }).catch((error) => {
    throw error instanceof Redirected ? new Problem("sps.segment.missing", { status: 302 }) : error;
  });
  if (answer.status === 404 || answer.status === 410)
    throw new Problem("sps.segment.missing", { status: answer.status });
  if (answer.status !== 200) throw new Error(`status ${answer.status}`);
  alive(0);
  return collect(answer, alive, size);
}
