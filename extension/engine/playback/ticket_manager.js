/**
 * What has to be there before a play: the session of this listener, the station's ticket, the lease at the host.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { askTicket, stationOf } from "./ticket.js";
import * as wallet from "../wallet.js";

/** A ticket that ends within this time is renewed, s. */
const SPARE_S = 30;
/** The code of a server from which the song has moved away: the station's next ticket names the one that it is at. */
export const MOVED = "server.moved";
/** Of a session that names a device which this host is not at the song's server; the refusal names the one it is. */
const DEVICE = "session.device";
const MOST_KEPT = 64;

/** @type {Map<string, any>} session used last at a site */
const recentSessions = new Map();
/**
 * Tickets that were drawn and began no play, by site, session and song: each holds some of the station's money until it
 * ends, so the next play
 * there takes it before another one is drawn.
 * @type {Map<string, any>}
 */
const unusedTickets = new Map();

/** @param {string} origin @param {any} session signed @param {string} content */
const keyOf = (origin, session, content) => `${origin} ${session.signature} ${content}`;

/** @param {string} key @param {any} ticket */
function putBack(key, ticket) {
  unusedTickets.delete(key);
  unusedTickets.set(key, ticket);
  if (unusedTickets.size > MOST_KEPT)
    for (const oldest of unusedTickets.keys()) {
      unusedTickets.delete(oldest);
      break;
    }
}

/** An unused ticket that still lasts. @param {string} key @param {number} now Unix seconds; 0: not known */
function takeBack(key, now) {
  const ticket = unusedTickets.get(key);
  unusedTickets.delete(key);
  return ticket && lasts(ticket, now) ? ticket : null;
}

/** @param {any} ticket @param {number} now */
const lasts = (ticket, now) => Number(ticket.message.expiry) - SPARE_S > now;

export class TicketManager {
  /** @type {Promise<void> | null} */
  prepared = null;
  earns = false;

  /** The station's cap of the day is reached: the play earns nothing. */
  capped = false;

  /** @type {() => void} called when ``capped`` has changed */
  onCapped = () => {};
  /** Unix seconds at which the ticket ends. */
  expiry = 0;
  /**
   * @type {{session: any, key: string, ticket: Promise<any>} | null} asked for while the host still looks at the song
   */
  speculation = null;
  /** @type {any} the signed ticket, to take the play up again with */
  ticket = null;
  /** Site, session and song of the ticket. */
  key = "";
  /** A play was started with the ticket. */
  used = false;
  /**
   * The host's clock as it was told last: a page may be open for hours, and the computer asleep, and another hour has
   * another session.
   */
  hostClockS = 0;

  /** @param {{stream: string, origin: string}} place */
  constructor(place) {
    this.place = place;
    // Both answers are needed later whatever the file says; what fails here is asked again then.
    stationOf(place.origin).catch(() => undefined);
    wallet.load().catch(() => undefined);
  }

  /**
   * Requests a ticket for the session used last at the site, before the host has accepted the song.
   * @param {string} content address
   */
  speculate(content) {
    const { origin } = this.place;
    const session = recentSessions.get(origin);
    if (!session) return;
    const key = keyOf(origin, session, content);
    const kept = takeBack(key, 0);
    this.speculation = { session, key, ticket: kept ? Promise.resolve(kept) : askTicket(origin, session, content) };
    this.speculation.ticket.catch(() => undefined);
  }

  /**
   * Prepares a ticket before the press. An error is reported by the press, which tries again. The ticket of the same
   * listener is kept.
   * @param {any} info of the host @param {number} now Unix seconds by the chain's clock
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
   * @param {any} info
   * @param {number} now Unix seconds by the chain's clock
   */
  async ensure(info, now) {
    if (this.prepared && this.expiry && this.expiry - SPARE_S <= now) this.prepared = null;
    this.prepared ??= this.prepare(info, now);
    try {
      await this.prepared;
    } catch (error) {
      this.prepared = null;
      throw error;
    }
  }

  /** Whether ``ensure`` has nothing left to do. @param {number} now */
  isReady(now) {
    return this.expiry - SPARE_S > now;
  }

  /** A play was started with the ticket. */
  markUsed() {
    this.used = true;
  }

  /** Drops the ticket. An unused one is kept for the next play. */
  reset() {
    this.release();
    this.prepared = null;
    this.expiry = 0;
    this.used = false;
  }

  /** Drops the ticket for good: its song has moved to another security server. */
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
   * The host continues an interrupted play.
   * @param {{rewarded: boolean, expiry_s: number}} play as the host has it
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

  /** @private @param {any} info @param {number} now */
  async prepare(info, now) {
    const {
      place: { stream, origin },
    } = this;
    this.expiry = 0;
    let { session } = await this.identify(info);
    this.earns = !/^0x0+$/.test(session.message.payee);
    let key = keyOf(origin, session, info.content);
    if (this.ticket && (this.used || this.key !== key || !lasts(this.ticket, now))) this.release();
    const kept = this.ticket ?? takeBack(key, now);
    Object.assign(this, { key, used: false, ticket: kept ?? (await this.ticketFor(session, info.content, key)) });
    const open = () => native("prepare", { stream, ticket: this.ticket, tracking: wallet.tracking() });
    const tried = new Set();
    for (;;) {
      try {
        await open();
        break;
      } catch (error) {
        const { code } = Problem.of(error);
        // It was used after all, or the terms have changed since; or the song has moved: the station's next ticket
        // names its server, at which the host is another device.
        if (tried.has(code) || (code !== MOVED && code !== DEVICE && !(kept && code.startsWith("ticket."))))
          throw error;
        tried.add(code);
        if (code === DEVICE) ({ session } = await this.identify(info));
        key = keyOf(origin, session, info.content);
        Object.assign(this, { key, ticket: await askTicket(origin, session, info.content) });
      }
    }
    const { reward, expiry } = this.ticket.message;
    const capped = this.earns && info.reward_wei !== "0" && reward === "0";
    if (capped !== this.capped) {
      this.capped = capped;
      this.onCapped();
    }
    this.expiry = Number(expiry);
  }

  /** @private */
  release() {
    if (this.ticket && !this.used) putBack(this.key, this.ticket);
    this.ticket = null;
  }

  /** @private @param {any} session signed @param {string} content @param {string} key */
  async ticketFor(session, content, key) {
    const {
      speculation,
      place: { origin },
    } = this;
    recentSessions.delete(origin);
    recentSessions.set(origin, session);
    if (recentSessions.size > MOST_KEPT)
      for (const oldest of recentSessions.keys()) {
        recentSessions.delete(oldest);
        break;
      }
    if (speculation?.key !== key) {
      this.dropSpeculation();
      return askTicket(origin, session, content);
    }
    this.speculation = null;
    return speculation.ticket.catch(() => askTicket(origin, session, content));
  }

  /** @private @param {any} info */
  async identify(info) {
    const { stream } = this.place;
    /** @param {any} kept */
    const identify = (kept) => native("identify", { stream, session: kept?.session ?? null });
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
      if (Number.isSafeInteger(detail?.["now_s"])) this.hostClockS = Number(detail?.["now_s"]);
      // The song has moved since it was opened: the session is good for other songs, and this one needs another.
      if (code === DEVICE && typeof detail?.device === "string" && detail.device !== info.device)
        info.device = detail.device;
      else await wallet.spoil(own);
      return identify(await session());
    }
  }
}
