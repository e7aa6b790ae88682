/**
 * What is done goes to the host, which counts it before a key comes back.
 */

import { Problem } from "../../shared/problem.js";
import { MOVED } from "./ticket_manager.js";
import { native } from "../link.js";
import { isTransient, retry } from "../../shared/retry.js";

const RENEW_MS = 4_500;
const COUNT = 16;
const ASKING = new Set(["playing", "waiting", "seeking", "starting"]);
/** So long a click is tried again while the server does not answer. */
const ACT_MS = 20_000;
/** Actions that begin a play. */
export const STARTS = new Set(["play", "preview", "live_join"]);
/** Actions that bring keys. */
export const KEYED = new Set([...STARTS, "seek", "resume"]);

/** @param {unknown} error */
const hasMoved = (error) => Problem.of(error).code === MOVED;
/** Station and server agree about a move a moment later. @param {unknown} error */
const mayPass = (error) => isTransient(error) || hasMoved(error);

/** @typedef {import("./stream.js").Stream} Stream */

export class Counting {
  /** @type {{ms: number, at: number, intervals: number}} */
  heard = { ms: 0, at: 0, intervals: 0 };
  /** @type {Record<string, number>} */
  left = {};
  /** @type {Promise<void> | null} */
  renewal = null;
  /**
   * @type {{code: string, retry_ms: number} | null} why the host has no key for the music yet, and when to ask again
   */
  pace = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  renewing;
  /** @type {number} actions that bring keys and are under way */
  acting = 0;

  /** @param {Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /** @param {string} action @param {number} position @param {number} segment */
  async act(action, position, segment) {
    const { admission, feed } = this.stream;
    const starts = STARTS.has(action);
    // A song that moves this moment has its ticket a moment later.
    if (starts && !this.stream.admission.isReady(this.stream.nowS))
      await this.admit().catch((error) => {
        if (!hasMoved(error)) throw error;
      });
    const keyed = KEYED.has(action);
    const first = feed?.lead(segment, position) ?? segment;
    const { stream } = this;
    const { course } = stream;
    // The same action at the same place is the same invocation: asked again, it is counted once.
    const how = {
      isWanted: () => course === stream.course && course.isActive,
      onStalled: (/** @type {boolean} */ is) => stream.isStalled(is),
      giveUpMs: ACT_MS,
      isTransient: starts ? mayPass : isTransient,
    };
    const work = starts ? () => this.start(action, position, first) : () => this.invoke(action, position, first);
    if (keyed) this.acting++;
    const counted = keyed ? retry(work, how).finally(() => this.acting--) : this.invoke(action, position, null);
    // The cipher text is under way while the host decides.
    if (keyed) feed?.fetchAhead(first);
    await counted;
    if (starts) admission.began();
    if (action === "stop") admission.forget();
  }

  /** A ticket that is there and lasts. Where the host gave this stream's room to others it opens it once more. */
  async admit() {
    const { admission, info, nowS, recovery } = this.stream;
    return admission.admit(info, nowS).catch(async (error) => {
      if (Problem.of(error).code !== "host.stream.unknown") throw error;
      await recovery.begin();
      return admission.admit(info, nowS);
    });
  }

  /**
   * The invocation that begins a play. Where the song has moved since its ticket was opened, it takes another ticket,
   * once at once.
   * @param {string} action
   * @param {number} position
   * @param {number} segment
   */
  async start(action, position, segment) {
    const { admission, nowS } = this.stream;
    for (let again = true; ; again = false) {
      if (!admission.isReady(nowS)) await this.admit();
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
    const ask = () =>
      native("invoke", {
        stream: place.stream,
        action,
        position_ms: Math.round(position),
        segment,
        count: segment === null ? COUNT : Math.min(COUNT, feed?.worth(action, segment, position) ?? COUNT),
      });
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
    if (segment !== null) this.pace = answer.grant?.wait ?? null;
  }

  /**
   * Say where the music is, and get the keys that come next.
   * @param {number | null} segment
   * @returns {Promise<number | null>} ms after which to ask again where none came, null: as soon as the music has gone
   *   on
   */
  async renew(segment) {
    const { course, sound, feed } = this.stream;
    // Before the host has granted the play or the jump, its own answer brings the keys.
    if (!course.session.granted || this.acting > 0 || !ASKING.has(course.session.state)) return null;
    const { positionMs } = sound;
    this.renewal ??= this.invoke("renew", positionMs, segment ?? feed?.firstMissing(positionMs) ?? null).finally(() => {
      this.renewal = null;
    });
    await this.renewal;
    return this.pace?.retry_ms ?? null;
  }

  /** From now on say it regularly. */
  begin() {
    this.end();
    const { stream } = this;
    this.renewing = setInterval(() => {
      this.renew(null).then(
        () => stream.isStalled(false),
        (error) => (isTransient(error) ? stream.isStalled(true) : stream.fail(error)),
      );
    }, RENEW_MS);
  }

  end() {
    clearInterval(this.renewing);
  }
}
