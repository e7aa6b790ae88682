/**
 * Prepares plays: the listener's session, the station's ticket, and the lease at the host.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { EarlyTicket } from "./early_ticket.js";
import { requestTicket, ticketUrl } from "./ticket.js";
import { MIN_REMAINING_S, isValid, keyOf, putBack, rememberSession, takeBack } from "./ticket_cache.js";
import * as wallet from "../wallet.js";

/** Code of a server from which the song has moved: the station's next ticket names the present one. */
export const MOVED = "server.moved";
/** Code for a session of another device; its detail has the device that this host is at the song's server. */
const DEVICE = "session.device";

/** @import { BoundSession, PrepareResult as Prepared, Signed } from "../../shared/protocol.d.ts" */
/** @typedef {import("../wallet/state.js").StoredSession} StoredSession */
/** @typedef {import("./stream.js").OpenedSong} OpenedSong */

export class TicketManager {
  /** The latest preparation. @type {Promise<void> | null} */
  prepared = null;
  /** The session has a payee. */
  earns = false;
  /** The station's cap of the day is reached: the play earns no reward. */
  capped = false;
  /** Called when `capped` has changed. @type {() => void} */
  onCapped = () => {};
  /** Unix seconds at which the ticket ends. */
  expiry = 0;
  /**
   * Session and ticket that were sent with the header, and what became of them.
   * @type {{key: string, ticket: Signed<"Ticket"> | null, answer: Prepared | null} | null}
   */
  offered = null;
  /** The host's own session, without a wallet. @type {Signed<"Session"> | null} */
  hostsSession = null;
  /** The present ticket. @type {Signed<"Ticket"> | null} */
  ticket = null;
  /** Site, session and song of the ticket. */
  key = "";
  /** A play was started with the ticket. */
  used = false;
  /**
   * Latest time of the host's clock, Unix seconds: a page may be open for hours, also while the computer sleeps, and
   * each hour has another session.
   */
  hostClockS = 0;

  /** @param {{stream: string, origin: string}} place */
  constructor(place) {
    this.place = place;
    this.early = new EarlyTicket(place.origin);
    // Both are needed later for every song, and are tried again after a failure.
    ticketUrl(place.origin).catch(() => undefined);
    wallet.load().catch(() => undefined);
  }

  /**
   * Takes an unused ticket for the session expected at the site, or requests one, before the host has accepted the
   * song.
   * @param {string} content address
   * @param {boolean} [mayRequest] false: the station gets no request about the song yet
   */
  speculate(content, mayRequest = true) {
    this.early.begin(content, mayRequest);
  }

  /**
   * Session and ticket to send with the header, as far as they are here.
   * @returns {Promise<Pick<import("./song_loader.js").Opening, "session" | "ticket" | "tracking">>}
   */
  async offer() {
    await wallet.load().catch(() => undefined);
    const { expected, arrived, key } = this.early;
    if (expected && arrived) {
      this.early.take(key);
      Object.assign(this, { key, ticket: arrived, used: false });
      this.offered = { key, ticket: arrived, answer: null };
      return { session: expected.isHosts ? null : expected.session, ticket: arrived, tracking: wallet.tracking() };
    }
    // Without a wallet the session can only be the host's.
    return wallet.statusAt().wallet === "none" ? { session: null } : {};
  }

  /** Takes what the host says about session and ticket that came with the header. @param {Prepared} answer */
  onOpened(answer) {
    const { result, error } = answer.session;
    if (!this.offered) this.hostsSession = result?.session ?? null;
    // A host that resumes a play has looked at neither.
    else if (result || error) this.offered.answer = answer;
    else this.offered = null;
  }

  /**
   * Prepares a ticket before the press. After an error the press tries again, and reports it. A valid ticket of the
   * same session is used further.
   * @param {OpenedSong} info
   * @param {number} now Unix seconds by the chain's clock
   */
  prefetch(info, now) {
    const before = this.prepared ?? Promise.resolve();
    const prepared = before.catch(() => undefined).then(() => this.prepare(info, now));
    this.prepared = prepared;
    prepared.catch(() => {
      if (this.prepared === prepared) this.prepared = null;
    });
  }

  /**
   * Ensures a valid ticket.
   * @param {OpenedSong} info
   * @param {number} now Unix seconds by the chain's clock
   */
  async ensure(info, now) {
    if (this.prepared && this.expiry && this.expiry - MIN_REMAINING_S <= now) this.prepared = null;
    this.prepared ??= this.prepare(info, now);
    try {
      await this.prepared;
    } catch (error) {
      this.prepared = null;
      throw error;
    }
  }

  /** True if the prepared ticket is valid for a while. @param {number} now */
  isReady(now) {
    return this.expiry - MIN_REMAINING_S > now;
  }

  /** Marks the ticket as used by a play. */
  markUsed() {
    this.used = true;
  }

  /** Drops the ticket; an unused one is kept for the next play. */
  reset() {
    this.release();
    this.prepared = null;
    this.expiry = 0;
    this.used = false;
  }

  /** Drops the ticket without keeping it: its song has moved to another security server. */
  discard() {
    this.used = true;
    this.reset();
  }

  /** Releases every ticket. */
  close() {
    this.early.drop();
    this.reset();
  }

  /**
   * Takes over the ticket of an interrupted play that the host continues.
   * @param {{rewarded: boolean, expiry_s: number}} play of the host
   */
  onRejoin(play) {
    this.early.drop();
    // A ticket that came with the header stays unused.
    this.release();
    this.prepared = Promise.resolve();
    this.earns = play.rewarded;
    this.expiry = play.expiry_s;
  }

  /** @private @param {OpenedSong} info @param {number} now Unix seconds */
  async prepare(info, now) {
    this.expiry = 0;
    let isNew = false;
    const tried = new Set();
    for (;;) {
      const own = await this.#walletSession(info, now);
      const session = own?.session ?? (await this.#hostsSession());
      const isKept = await this.#hold(session, info.content, now, isNew);
      const { session: bound, ticket: opened } = await this.#askHost(own?.session ?? null);
      if (bound.error) {
        const problem = Problem.ofHost(bound.error);
        if (!own || !problem.code.startsWith("session.") || tried.has(problem.code)) throw problem;
        tried.add(problem.code);
        await this.#onSessionRefused(problem, own, info);
        continue;
      }
      if (!bound.result) throw new Problem("host.version");
      this.#onSession(bound.result, own, info);
      // The session is of an hour that has passed.
      const later = own && !tried.has(own.id) ? await this.#walletSession(info, now) : null;
      if (own && later && later.id !== own.id) {
        tried.add(later.id);
        continue;
      }
      if (!opened.error) break;
      const problem = Problem.ofHost(opened.error);
      const { code } = problem;
      // The host's own session is of another hour or device than the ticket.
      const isOther = bound.result.session.signature !== session.signature;
      // It is kept for no other play.
      if (code.startsWith("ticket.") && !isOther) this.used = true;
      // The ticket was used after all, or the terms have changed; or the song has moved: the station's next ticket
      // names its server, at which the host is another device.
      const isRetryable = code === MOVED || code === DEVICE || isOther || (isKept && code.startsWith("ticket."));
      if (tried.has(code) || !isRetryable) throw problem;
      tried.add(code);
      if (code === DEVICE) this.#onOtherDevice(problem, info);
      isNew = !isOther;
    }
    this.#onTicket(info);
  }

  /** Drops the ticket; an unused one is kept for the next play. @private */
  release() {
    if (this.ticket && !this.used) putBack(this.key, this.ticket);
    this.ticket = null;
  }

  /** The wallet's session for the host's hour; null: without one. @param {OpenedSong} info @param {number} now */
  #walletSession(info, now) {
    return wallet.sessionFor({ ...info, now_s: Math.max(info.now_s, this.hostClockS, Math.floor(now)) });
  }

  /** The host's own session, for which the station's ticket is requested. */
  async #hostsSession() {
    const { stream } = this.place;
    if (this.hostsSession) return this.hostsSession;
    if (this.early.expected?.isHosts) return this.early.expected.session;
    const { session } = await native("prepare", { stream, session: null });
    if (session.error) throw Problem.ofHost(session.error);
    if (!session.result) throw new Problem("host.version");
    this.hostsSession = session.result.session;
    return this.hostsSession;
  }

  /**
   * Holds a ticket of a session and a song: the present one, one that no play has used, one under way, or a new one.
   * @param {Signed<"Session">} session @param {string} content @param {number} now @param {boolean} isNew
   * @returns {Promise<boolean>} false: it is a new one
   */
  async #hold(session, content, now, isNew) {
    const { origin } = this.place;
    const key = keyOf(origin, session, content);
    if (isNew) this.used = true;
    if (this.ticket && (this.used || this.key !== key || !isValid(this.ticket, now))) this.release();
    await this.early.begun;
    const kept = this.ticket ?? (isNew ? null : takeBack(key, now));
    const { ticket, isKept } = kept ? { ticket: kept, isKept: true } : await this.#request(session, content, key);
    Object.assign(this, { key, used: false, ticket });
    return isKept;
  }

  /**
   * The ticket that is under way for this key, or a new one.
   * @param {Signed<"Session">} session @param {string} content @param {string} key
   */
  async #request(session, content, key) {
    const { origin } = this.place;
    const early = this.early.take(key);
    if (!early) this.early.drop();
    const arrived = await early?.ticket.catch(() => null);
    return arrived && early
      ? { ticket: arrived, isKept: early.isKept }
      : { ticket: await requestTicket(origin, session, content), isKept: false };
  }

  /**
   * Binds the stream to a session and opens the present ticket, unless both came with the header.
   * @param {Signed<"Session"> | null} session null: the host's
   * @returns {Promise<Prepared>}
   */
  async #askHost(session) {
    const { offered, key, ticket } = this;
    this.offered = null;
    if (offered?.answer && offered.key === key && offered.ticket === ticket) return offered.answer;
    if (!ticket) throw new Problem("ticket.missing");
    return native("prepare", { stream: this.place.stream, session, ticket, tracking: wallet.tracking() });
  }

  /** @param {BoundSession} bound @param {StoredSession | null} own @param {OpenedSong} info */
  #onSession({ session, now_s }, own, info) {
    if (Number.isSafeInteger(now_s)) this.hostClockS = now_s;
    if (!own) this.hostsSession = session;
    this.earns = !/^0x0+$/.test(session.message.payee);
    const { device, station, chain_id, settlement } = info;
    const place = { device, station, chain_id, settlement };
    rememberSession(this.place.origin, { session, isHosts: !own, now_s, atMs: performance.now(), place });
  }

  /** @param {Problem} problem @param {StoredSession} own @param {OpenedSong} info */
  async #onSessionRefused(problem, own, info) {
    const { code, detail } = problem;
    if (Number.isSafeInteger(detail["now_s"])) this.hostClockS = Number(detail["now_s"]);
    // The song has moved since it was opened: the session stays valid for other songs, and this one needs another.
    if (code !== DEVICE || !this.#onOtherDevice(problem, info)) await wallet.expireSession(own);
  }

  /**
   * Uses the device that the host is at the song's server.
   * @param {Problem} problem @param {OpenedSong} info
   * @returns {boolean} whether it is another one
   */
  #onOtherDevice({ detail: { device } }, info) {
    this.hostsSession = null;
    if (typeof device !== "string" || device === info.device) return false;
    info.device = device;
    return true;
  }

  /** @param {OpenedSong} info */
  #onTicket(info) {
    if (!this.ticket) return;
    const { reward, expiry } = this.ticket.message;
    const capped = this.earns && info.reward_wei !== "0" && reward === "0";
    if (capped !== this.capped) {
      this.capped = capped;
      this.onCapped();
    }
    this.expiry = Number(expiry);
  }
}
