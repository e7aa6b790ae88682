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
const TIMEOUT_MS = 20_000;
/** Actions that begin a play. */
export const STARTS = new Set(["play", "preview", "live_join"]);
/** Actions that bring keys. */
export const KEYED = new Set([...STARTS, "seek", "resume"]);

/** @param {unknown} error */
const hasMoved = (error) => Problem.of(error).code === MOVED;
/** Station and server agree about a move a moment later. @param {unknown} error */
const isTransientAtStart = (error) => isTransient(error) || hasMoved(error);

/** @typedef {import("./stream.js").Stream} Stream */

export class InvocationClient {
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
    const { tickets, scheduler } = this.stream;
    const starts = STARTS.has(action);
    // A song that moves this moment has its ticket a moment later.
    if (starts && !this.stream.tickets.isReady(this.stream.nowS))
      await this.ensure().catch((error) => {
        if (!hasMoved(error)) throw error;
      });
    const keyed = KEYED.has(action);
    const first = scheduler?.firstToDecode(segment, position) ?? segment;
    const { stream } = this;
    const { session } = stream;
    // The same action at the same place is the same invocation: asked again, it is counted once.
    const options = {
      isWanted: () => session === stream.session && session.isActive,
      onStall: (/** @type {boolean} */ is) => stream.onStall(is),
      timeoutMs: TIMEOUT_MS,
      isRetryable: starts ? isTransientAtStart : isTransient,
    };
    const work = starts ? () => this.start(action, position, first) : () => this.invoke(action, position, first);
    if (keyed) this.acting++;
    const counted = keyed ? retry(work, options).finally(() => this.acting--) : this.invoke(action, position, null);
    // The cipher text is under way while the host decides.
    if (keyed) scheduler?.prefetch(first);
    await counted;
    if (starts) tickets.markUsed();
    if (action === "stop") tickets.reset();
  }

  /** A ticket that is there and lasts. Where the host gave this stream's room to others it opens it once more. */
  async ensure() {
    const { tickets, info, nowS, recovery } = this.stream;
    return tickets.ensure(info, nowS).catch(async (error) => {
      if (Problem.of(error).code !== "host.stream.unknown") throw error;
      await recovery.recover();
      return tickets.ensure(info, nowS);
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
    const { tickets, nowS } = this.stream;
    for (let again = true; ; again = false) {
      if (!tickets.isReady(nowS)) await this.ensure();
      try {
        return await this.invoke(action, position, segment);
      } catch (error) {
        if (!hasMoved(error)) throw error;
        tickets.discard();
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
    const { ring, scheduler, place, recovery } = this.stream;
    const ask = () =>
      native("invoke", {
        stream: place.stream,
        action,
        position_ms: Math.round(position),
        segment,
        count: segment === null ? COUNT : Math.min(COUNT, scheduler?.keyCount(action, segment, position) ?? COUNT),
      });
    if (recovery.pending) await recovery.pending.catch(() => undefined);
    const answer = await ask().catch(async (error) => {
      if (!recovery.isNeeded(error)) throw error;
      // What the host had counted before it went is not counted again.
      await recovery.recover();
      return ask();
    });
    this.left = answer.left;
    this.heard = { ms: answer.heard_ms, at: performance.now(), intervals: answer.intervals };
    this.stream.payment.onIntervals(answer.intervals, action);
    if (answer.grant && scheduler) await ring.addGrant(answer.grant, scheduler.parts.address);
    if (segment !== null) this.pace = answer.grant?.wait ?? null;
  }

  /**
   * Say where the music is, and get the keys that come next.
   * @param {number | null} segment
   * @returns {Promise<number | null>} ms after which to ask again where none came, null: as soon as the music has gone
   *   on
   */
  async renew(segment) {
    const { session, sound, scheduler } = this.stream;
    // Before the host has granted the play or the jump, its own answer brings the keys.
    if (!session.granted || this.acting > 0 || !ASKING.has(session.state)) return null;
    const { positionMs } = sound;
    this.renewal ??= this.invoke("renew", positionMs, segment ?? scheduler?.firstMissing(positionMs) ?? null).finally(
      () => {
        this.renewal = null;
      },
    );
    await this.renewal;
    return this.pace?.retry_ms ?? null;
  }

  /** From now on say it regularly. */
  begin() {
    this.end();
    const { stream } = this;
    this.renewing = setInterval(() => {
      this.renew(null).then(
        () => stream.onStall(false),
        (error) => (isTransient(error) ? stream.onStall(true) : stream.fail(error)),
      );
    }, RENEW_MS);
  }

  end() {
    clearInterval(this.renewing);
  }
}
