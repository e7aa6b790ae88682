/**
 * What is done goes to the host, which counts it before a key comes back.
 */

import { Problem } from "../shared/problem.js";
import { MOVED } from "./admission.js";
import { native } from "./link.js";
import { passes, persist } from "./patience.js";

const RENEW_MS = 4_500;
const COUNT = 16;
/** So long a click is tried again while the server does not answer. */
const ACT_MS = 20_000;
const STARTS = new Set(["play", "preview", "live_join"]);
/** Actions that bring keys. */
export const KEYED = new Set([...STARTS, "seek", "resume"]);

/** @param {unknown} error */
const hasMoved = (error) => Problem.of(error).code === MOVED;
/** Station and server agree about a move a moment later. @param {unknown} error */
const mayPass = (error) => passes(error) || hasMoved(error);

/** @typedef {import("./stream.js").Stream} Stream */

export class Counting {
  /** @type {{ms: number, at: number, intervals: number}} */ heard = { ms: 0, at: 0, intervals: 0 };
  /** @type {Record<string, number>} */ left = {};
  /** @type {Promise<void> | null} */ renewal = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */ renewing;

  /** @param {Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /** @param {string} action @param {number} position @param {number} segment */
  async act(action, position, segment) {
    const { admission, feed, info, nowS } = this.stream;
    const starts = STARTS.has(action);
    // A song that moves this moment has its ticket a moment later.
    if (starts && !admission.isReady(nowS)) await admission.admit(info, nowS).catch((error) => { if (!hasMoved(error)) throw error; });
    const keyed = KEYED.has(action);
    const first = feed?.lead(segment, position) ?? segment;
    const { stream } = this;
    const { course } = stream;
    // The same action at the same place is the same invocation: asked again, it is counted once.
    const how = { wanted: () => course === stream.course && course.isActive, stalled: (/** @type {boolean} */ is) => stream.isStalled(is), patienceMs: ACT_MS, passing: starts ? mayPass : passes };
    const work = starts ? () => this.start(action, position, first) : () => this.invoke(action, position, first);
    const counted = keyed ? persist(work, how) : this.invoke(action, position, null);
    // The cipher text is under way while the host decides.
    if (keyed) feed?.fetchAhead(first);
    await counted;
    if (starts) admission.began();
    if (action === "stop") admission.forget();
  }

  /**
   * The invocation that begins a play. Where the song has moved since its ticket was opened, it takes another ticket, once at once.
   * @param {string} action
   * @param {number} position
   * @param {number} segment
   */
  async start(action, position, segment) {
    const { admission, info, nowS } = this.stream;
    for (let again = true; ; again = false) {
      if (!admission.isReady(nowS)) await admission.admit(info, nowS);
      try {
        return await this.invoke(action, position, segment);
      } catch (error) {
        if (!hasMoved(error)) throw error;
        admission.spoil();
        if (!again) throw error;
      }
    }
  }

  /**
   * One invocation at the host.
   * @param {string} action
   * @param {number} position
   * @param {number | null} segment
   */
  async invoke(action, position, segment) {
    const { ring, feed, place, recovery } = this.stream;
    const ask = () => native("invoke", { stream: place.stream, action, position_ms: Math.round(position), segment, count: COUNT });
    if (recovery.under) await recovery.under.catch(() => undefined);
    const answer = await ask().catch(async (error) => {
      if (!recovery.isNeeded(error)) throw error;
      // What the host had counted before it went is not counted again.
      await recovery.begin();
      return ask();
    });
    this.left = answer.left;
    this.heard = { ms: answer.heard_ms, at: performance.now(), intervals: answer.intervals };
    this.stream.paying.heard(answer.intervals, action);
    if (answer.grant && feed) await ring.take(answer.grant, feed.parts.address);
  }

  /** Say where the music is, and get the keys that come next. @param {number | null} segment */
  async renew(segment) {
    const { course, sound, feed } = this.stream;
    if (course.session.state !== "playing" && course.session.state !== "waiting") return;
    const { positionMs } = sound;
    this.renewal ??= this.invoke("renew", positionMs, segment ?? feed?.firstMissing(positionMs) ?? null).finally(() => {
      this.renewal = null;
    });
    await this.renewal;
  }

  /** From now on say it regularly. */
  begin() {
    this.end();
    const { stream } = this;
    this.renewing = setInterval(() => {
      this.renew(null).then(() => stream.isStalled(false), (error) => (passes(error) ? stream.isStalled(true) : stream.fail(error)));
    }, RENEW_MS);
  }

  end() {
    clearInterval(this.renewing);
  }
}
