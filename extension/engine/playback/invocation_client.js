/**
 * Client of the host's invocations: the host counts each action before it returns the keys.
 */

import { Problem } from "../../shared/problem.js";
import { MOVED } from "./ticket_manager.js";
import { native } from "../link.js";
import { isTransient, retry } from "../../shared/retry.js";

/** Longest and least time between a result and the next renewal; the protocol counts gaps of up to 15 s. */
const MAX_RENEW_MS = 10_000;
const MIN_RENEW_MS = 1_000;
/** Time after the end of an interval at which it surely counts as heard. */
const AFTER_INTERVAL_MS = 100;
/** Most keys of one request. */
const MAX_KEYS = 16;
/** States in which keys are renewed. */
const RENEWING = new Set(["playing", "waiting", "seeking", "starting"]);
/** Time for which an action is retried while the server does not answer. */
const TIMEOUT_MS = 20_000;
/** Actions that start a play. */
export const STARTS = new Set(["play", "preview", "live_join"]);
/** Actions whose results have keys. */
export const KEYED = new Set([...STARTS, "seek", "resume"]);

/** True if the song is at another security server. @param {unknown} error */
const hasMoved = (error) => Problem.of(error).code === MOVED;
/**
 * True if a start may succeed later: station and server may read a move on the chain at different times.
 * @param {unknown} error
 */
const isTransientAtStart = (error) => isTransient(error) || hasMoved(error);

/** @typedef {import("./stream.js").Stream} Stream */
/** @typedef {import("../../shared/protocol.d.ts").GrantWait} GrantWait */

export class InvocationClient {
  /**
   * Heard time of the play, ms, its whole intervals, and the time of that result.
   * @type {{ms: number, at: number, intervals: number}}
   */
  heard = { ms: 0, at: 0, intervals: 0 };
  /** Remaining uses by action. @type {Record<string, number>} */
  left = {};
  /** The running renewal. @type {Promise<void> | null} */
  renewal = null;
  /** Why the host has not released a key yet, and the delay of the next request. @type {GrantWait | null} */
  pace = null;
  #isRenewing = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #renewalTimer;
  /** Number of running actions whose results have keys. */
  acting = 0;

  /** @param {Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /**
   * Invokes an action, with a ticket where it starts a play. An action whose result has keys is retried.
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
    const first = scheduler ? scheduler.firstToLoad(segment, position) : segment;
    const { stream } = this;
    const { session } = stream;
    // The host takes the same action at the same position for one invocation: a retry is counted once.
    const options = {
      isWanted: () => session === stream.session && session.isActive,
      onStall: (/** @type {boolean} */ isStalled) => stream.onStall(isStalled),
      timeoutMs: TIMEOUT_MS,
      isRetryable: starts ? isTransientAtStart : isTransient,
    };
    const work = starts ? () => this.start(action, position, first) : () => this.invoke(action, position, first);
    if (keyed) this.acting++;
    const invoked = keyed ? retry(work, options).finally(() => this.acting--) : this.invoke(action, position, null);
    // The sealed segment is loaded during the host's decision.
    if (keyed && first !== null) scheduler?.prefetch(first);
    await invoked;
    if (starts) tickets.markUsed();
    if (action === "stop") tickets.reset();
  }

  /** Holds the play of the ticket, and gets the keys of its first sound. @param {number} position ms */
  async hold(position) {
    const { scheduler } = this.stream;
    if (scheduler)
      await this.invoke("hold", position, scheduler.firstToDecode(scheduler.segmentAt(position), position));
  }

  /** Ensures a valid ticket. Opens the stream again where the host has evicted it. */
  async ensureTicket() {
    const { tickets, info, nowS, recovery } = this.stream;
    if (!info) throw new Problem("host.stream.unknown");
    return tickets.ensure(info, nowS).catch(async (error) => {
      if (Problem.of(error).code !== "host.stream.unknown") throw error;
      await recovery.recover();
      return tickets.ensure(info, nowS);
    });
  }

  /**
   * Invokes the action that starts a play. Where the song has moved to another server since its ticket was opened,
   * requests another ticket, once.
   * @param {string} action
   * @param {number} position
   * @param {number | null} segment
   */
  async start(action, position, segment) {
    const { tickets, nowS } = this.stream;
    for (let canRetry = true; ; canRetry = false) {
      if (!tickets.isReady(nowS)) await this.ensureTicket();
      try {
        return await this.invoke(action, position, segment);
      } catch (error) {
        if (!hasMoved(error)) throw error;
        tickets.discard();
        if (!canRetry) throw error;
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
        count:
          segment === null ? MAX_KEYS : Math.min(MAX_KEYS, scheduler?.keyCount(action, segment, position) ?? MAX_KEYS),
      });
    if (recovery.pending) await recovery.pending.catch(() => undefined);
    const result = await send().catch(async (error) => {
      if (!recovery.isNeeded(error)) throw error;
      // The host does not count again what it counted before it ended.
      await recovery.recover();
      return send();
    });
    this.left = result.left;
    this.heard = { ms: result.heard_ms, at: performance.now(), intervals: result.intervals };
    this.#planRenewal();
    this.stream.payment.onIntervals(result.intervals, action);
    if (result.grant && scheduler) await ring.addGrant(result.grant, scheduler.parts.address);
    if (segment !== null) this.pace = result.grant?.wait ?? null;
  }

  /**
   * Reports the position and gets the next keys.
   * @param {number | null} segment first segment whose key is wanted; null: the first one that is missing
   * @returns {Promise<number | null>} delay of the next request, ms; null: when the position has advanced
   */
  async renew(segment) {
    const { session, sound, scheduler } = this.stream;
    // The result of a running action has the keys.
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

  /** Renews from now on: as soon as an interval is heard, and otherwise where no other result has come for a while. */
  startRenewing() {
    this.#isRenewing = true;
    this.#planRenewal();
  }

  /** Ends the renewals. */
  stopRenewing() {
    this.#isRenewing = false;
    clearTimeout(this.#renewalTimer);
  }

  #planRenewal() {
    clearTimeout(this.#renewalTimer);
    if (this.#isRenewing) this.#renewalTimer = setTimeout(() => this.#renewPlanned(), this.#renewalDelay());
  }

  async #renewPlanned() {
    const { stream } = this;
    try {
      await this.renew(null);
      stream.onStall(false);
    } catch (error) {
      if (isTransient(error)) stream.onStall(true);
      else stream.fail(error);
    }
    this.#planRenewal();
  }

  /** Time until the next renewal, ms. */
  #renewalDelay() {
    const { info, settings, session } = this.stream;
    if (!info || !RENEWING.has(session.state)) return MAX_RENEW_MS;
    const heardMs = this.heard.ms + (performance.now() - this.heard.at) * settings.rate;
    const intervalMs = info.interval_s * 1000;
    const untilMs = (intervalMs - (heardMs % intervalMs)) / settings.rate + AFTER_INTERVAL_MS;
    // No renewal is made just before the one at the end of an interval.
    return untilMs > MAX_RENEW_MS + MIN_RENEW_MS ? MAX_RENEW_MS : Math.max(MIN_RENEW_MS, untilMs);
  }
}
