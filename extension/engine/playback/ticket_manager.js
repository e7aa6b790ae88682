/**
 * Prepares plays: the listener's session, the station's ticket, and the lease at the host.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { requestTicket, ticketUrl } from "./ticket.js";
import { MIN_REMAINING_S, isValid, keyOf, putBack, recentSession, rememberSession, takeBack } from "./ticket_cache.js";
import * as wallet from "../wallet.js";

/** Code of a server from which the song has moved: the station's next ticket names the present one. */
export const MOVED = "server.moved";
/** Code for a session of another device; its detail has the device that this host is at the song's server. */
const DEVICE = "session.device";

/** @import { Signed } from "../../shared/protocol.d.ts" */
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
   * Ticket that was requested before the host had opened the song.
   * @type {{key: string, ticket: Promise<Signed<"Ticket">>} | null}
   */
  speculation = null;
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
    // Both are needed later for every song, and are tried again after a failure.
    ticketUrl(place.origin).catch(() => undefined);
    wallet.load().catch(() => undefined);
  }

  /**
   * Requests a ticket for the session used last at the site, before the host has accepted the song.
   * @param {string} content address
   */
  speculate(content) {
    const { origin } = this.place;
    const session = recentSession(origin);
    if (!session) return;
    const key = keyOf(origin, session, content);
    const unused = takeBack(key, 0);
    this.speculation = { key, ticket: unused ? Promise.resolve(unused) : requestTicket(origin, session, content) };
    this.speculation.ticket.catch(() => undefined);
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
    this.dropSpeculation();
    this.reset();
  }

  /**
   * Takes over the ticket of an interrupted play that the host continues.
   * @param {{rewarded: boolean, expiry_s: number}} play of the host
   */
  onRejoin(play) {
    this.dropSpeculation();
    this.prepared = Promise.resolve();
    this.earns = play.rewarded;
    this.expiry = play.expiry_s;
  }

  /** @private */
  dropSpeculation() {
    const { speculation } = this;
    this.speculation = null;
    speculation?.ticket.then(
      (ticket) => putBack(speculation.key, ticket),
      () => undefined,
    );
  }

  /** @private @param {OpenedSong} info @param {number} now Unix seconds */
  async prepare(info, now) {
    const {
      place: { stream, origin },
    } = this;
    this.expiry = 0;
    let { session } = await this.identify(info);
    this.earns = !/^0x0+$/.test(session.message.payee);
    let key = keyOf(origin, session, info.content);
    if (this.ticket && (this.used || this.key !== key || !isValid(this.ticket, now))) this.release();
    const unused = this.ticket ?? takeBack(key, now);
    let ticket = unused ?? (await this.ticketFor(session, info.content, key));
    Object.assign(this, { key, used: false, ticket });
    const tried = new Set();
    for (;;) {
      try {
        await native("prepare", { stream, ticket, tracking: wallet.tracking() });
        break;
      } catch (error) {
        const { code } = Problem.of(error);
        // The ticket was used after all, or the terms have changed; or the song has moved: the station's next ticket
        // names its server, at which the host is another device.
        const isRetryable = code === MOVED || code === DEVICE || (unused && code.startsWith("ticket."));
        if (tried.has(code) || !isRetryable) throw error;
        tried.add(code);
        if (code === DEVICE) ({ session } = await this.identify(info));
        key = keyOf(origin, session, info.content);
        ticket = await requestTicket(origin, session, info.content);
        Object.assign(this, { key, ticket });
      }
    }
    const { reward, expiry } = ticket.message;
    const capped = this.earns && info.reward_wei !== "0" && reward === "0";
    if (capped !== this.capped) {
      this.capped = capped;
      this.onCapped();
    }
    this.expiry = Number(expiry);
  }

  /** Drops the ticket; an unused one is kept for the next play. @private */
  release() {
    if (this.ticket && !this.used) putBack(this.key, this.ticket);
    this.ticket = null;
  }

  /**
   * The ticket that was requested for this key, or a new one.
   * @private @param {Signed<"Session">} session @param {string} content @param {string} key
   */
  async ticketFor(session, content, key) {
    const {
      speculation,
      place: { origin },
    } = this;
    rememberSession(origin, session);
    if (speculation?.key !== key) {
      this.dropSpeculation();
      return requestTicket(origin, session, content);
    }
    this.speculation = null;
    return speculation.ticket.catch(() => requestTicket(origin, session, content));
  }

  /**
   * Identifies the listener to the host, with the wallet's session for the host's hour.
   * @private
   * @param {OpenedSong} info
   */
  async identify(info) {
    const { stream } = this.place;
    /** @param {import("../wallet/state.js").StoredSession | null} own */
    const identify = (own) => native("identify", { stream, session: own?.session ?? null });
    const session = () => wallet.sessionFor({ ...info, now_s: Math.max(info.now_s, this.hostClockS) });
    const own = await session();
    try {
      const accepted = await identify(own);
      if (own === null || !Number.isSafeInteger(accepted.now_s)) return accepted;
      this.hostClockS = accepted.now_s;
      const later = await session();
      return later === null || later.id === own.id ? accepted : await identify(later);
    } catch (error) {
      const { code, detail } = Problem.of(error);
      if (!own || !code.startsWith("session.")) throw error;
      if (Number.isSafeInteger(detail["now_s"])) this.hostClockS = Number(detail["now_s"]);
      const { device } = detail;
      // The song has moved since it was opened: the session stays valid for other songs, and this one needs another.
      if (code === DEVICE && typeof device === "string" && device !== info.device) info.device = device;
      else await wallet.expireSession(own);
      return identify(await session());
    }
  }
}
