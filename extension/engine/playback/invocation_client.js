/**
 * Client of the host's invocations: each action is metered before its keys come back.
 */

import { Problem } from "../../shared/problem.js";
import { MOVED } from "./ticket_manager.js";
import { native } from "../link.js";
import { isTransient, retry } from "../../shared/retry.js";

const RENEW_MS = 4_500;
/** Most keys of one request. */
const COUNT = 16;
/** States in which keys are renewed. */
const RENEWING = new Set(["playing", "waiting", "seeking", "starting"]);
/** An action is retried for so long while the server does not answer. */
const TIMEOUT_MS = 20_000;
/** Actions that start a play. */
export const STARTS = new Set(["play", "preview", "live_join"]);
/** Actions that bring keys. */
export const KEYED = new Set([...STARTS, "seek", "resume"]);

/** @param {unknown} error */
const hasMoved = (error) => Problem.of(error).code === MOVED;
/** Station and server may learn of a move at different times. @param {unknown} error */
const isTransientAtStart = (error) => isTransient(error) || hasMoved(error);

/** @typedef {import("./stream.js").Stream} Stream */

export class InvocationClient {
  /** @type {{ms: number, at: number, intervals: number}} metered time of the play, and when the host said so */
  heard = { ms: 0, at: 0, intervals: 0 };
  /** @type {Record<string, number>} remaining uses by action */
  left = {};
  /** @type {Promise<void> | null} */
  renewal = null;
  /** @type {{code: string, retry_ms: number} | null} why the host has no key yet, and when to ask again */
  pace = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  renewing;
  /** @type {number} actions under way that bring keys */
  acting = 0;

  /** @param {Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /**
   * Invokes an action, with a ticket where it starts a play. Retries what brings keys.
   * @param {string} action
   * @param {number} position ms
   * @param {number} segment of the position
   */
  async act(action, position, segment) {
    const { tickets, scheduler } = this.stream;
    const starts = STARTS.has(action);
    // A song that is moving to another server gets its ticket in a retry.
    if (starts && !this.stream.tickets.isReady(this.stream.nowS))
      await this.ensureTicket().catch((error) => {
        if (!hasMoved(error)) throw error;
      });
    const keyed = KEYED.has(action);
    const first = scheduler?.firstToDecode(segment, position) ?? segment;
    const { stream } = this;
    const { session } = stream;
    // The same action at the same position is one invocation for the host: a retry is metered once.
    const options = {
      isWanted: () => session === stream.session && session.isActive,
      onStall: (/** @type {boolean} */ is) => stream.onStall(is),
      timeoutMs: TIMEOUT_MS,
      isRetryable: starts ? isTransientAtStart : isTransient,
    };
    const work = starts ? () => this.start(action, position, first) : () => this.invoke(action, position, first);
    if (keyed) this.acting++;
    const counted = keyed ? retry(work, options).finally(() => this.acting--) : this.invoke(action, position, null);
    // The sealed segment loads while the host decides.
    if (keyed) scheduler?.prefetch(first);
    await counted;
    if (starts) tickets.markUsed();
    if (action === "stop") tickets.reset();
  }

  /** Ensures a valid ticket. Opens the stream again where the host has evicted it. */
  async ensureTicket() {
    const { tickets, info, nowS, recovery } = this.stream;
    return tickets.ensure(info, nowS).catch(async (error) => {
      if (Problem.of(error).code !== "host.stream.unknown") throw error;
      await recovery.recover();
      return tickets.ensure(info, nowS);
    });
  }

  /**
   * Invokes the action that starts a play. Where the song has moved since its ticket was opened, another ticket is
   * drawn, once.
   * @param {string} action
   * @param {number} position
   * @param {number} segment
   */
  async start(action, position, segment) {
    const { tickets, nowS } = this.stream;
    for (let again = true; ; again = false) {
      if (!tickets.isReady(nowS)) await this.ensureTicket();
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
   * Sends one invocation to the host.
   * @param {string} action
   * @param {number} position
   * @param {number | null} segment
   */
  async invoke(action, position, segment) {
    const { ring, scheduler, place, recovery } = this.stream;
    const send = () =>
      native("invoke", {
        stream: place.stream,
        action,
        position_ms: Math.round(position),
        segment,
        count: segment === null ? COUNT : Math.min(COUNT, scheduler?.keyCount(action, segment, position) ?? COUNT),
      });
    if (recovery.pending) await recovery.pending.catch(() => undefined);
    const answer = await send().catch(async (error) => {
      if (!recovery.isNeeded(error)) throw error;
      // What the host metered before it went is not metered again.
      await recovery.recover();
      return send();
    });
    this.left = answer.left;
    this.heard = { ms: answer.heard_ms, at: performance.now(), intervals: answer.intervals };
    this.stream.payment.onIntervals(answer.intervals, action);
    if (answer.grant && scheduler) await ring.addGrant(answer.grant, scheduler.parts.address);
    if (segment !== null) this.pace = answer.grant?.wait ?? null;
  }

  /**
   * Reports the position and gets the next keys.
   * @param {number | null} segment
   * @returns {Promise<number | null>} ms after which to ask again; null: when the music has moved on
   */
  async renew(segment) {
    const { session, sound, scheduler } = this.stream;
    // The answer to an action that is under way brings the keys.
    if (!session.granted || this.acting > 0 || !RENEWING.has(session.state)) return null;
    const { positionMs } = sound;
    this.renewal ??= this.invoke("renew", positionMs, segment ?? scheduler?.firstMissing(positionMs) ?? null).finally(
      () => {
        this.renewal = null;
      },
    );
    await this.renewal;
    return this.pace?.retry_ms ?? null;
  }

  /** Renews regularly from now on. */
  startRenewing() {
    this.stopRenewing();
    const { stream } = this;
    this.renewing = setInterval(() => {
      this.renew(null).then(
        () => stream.onStall(false),
        (error) => (isTransient(error) ? stream.onStall(true) : stream.fail(error)),
      );
    }, RENEW_MS);
  }

  /** Ends the renewals. */
  stopRenewing() {
    clearInterval(this.renewing);
  }
}
