/**
 * Ticket that is under way before the host has opened the song: for the session that the next play at the site will
 * have, by its latest one and the wallet's present state.
 */

import { requestTicket } from "./ticket.js";
import { keyOf, putBack, recentSession, takeBack } from "./ticket_cache.js";
import * as wallet from "../wallet.js";

/** Time for which the host uses one session without a wallet, s, after the minute by which it begins earlier. */
const HOSTS_SESSION_S = 3_660;

/** @import { Signed } from "../../shared/protocol.d.ts" */
/** The session of the next play; `isHosts`: one without a wallet, which the host signs itself. */
/** @typedef {{session: Signed<"Session">, isHosts: boolean}} ExpectedSession */

export class EarlyTicket {
  /** Content of the song; null before `begin`. @type {string | null} */
  content = null;
  /** @type {ExpectedSession | null} */
  expected = null;
  /** Site, session and song of the ticket. */
  key = "";
  /** @type {Promise<Signed<"Ticket">> | null} */
  ticket = null;
  /** The ticket, once it is here. @type {Signed<"Ticket"> | null} */
  arrived = null;
  /** The ticket was taken from the unused ones. */
  isKept = false;
  /** The play has the ticket. */
  isTaken = false;
  /** Resolves when the ticket is requested, or will not be. @type {Promise<void>} */
  begun = Promise.resolve();

  /** @param {string} origin of the page */
  constructor(origin) {
    this.origin = origin;
  }

  /**
   * Takes an unused ticket of the song, or requests one.
   * @param {string} content address
   * @param {boolean} mayRequest false: the station gets no request about the song yet
   */
  begin(content, mayRequest) {
    if (this.content === content && (this.isTaken || this.ticket !== null || !mayRequest)) return;
    if (this.content !== content) this.drop();
    this.content = content;
    this.begun = this.begun.then(() => this.#begin(content, mayRequest)).catch(() => undefined);
  }

  /** Takes the ticket of a key; null: there is none. @param {string} key */
  take(key) {
    const { ticket, isKept } = this;
    if (ticket === null || this.key !== key) return null;
    this.#clear();
    this.isTaken = true;
    return { ticket, isKept };
  }

  /** Keeps the ticket for a later play. */
  drop() {
    const { ticket, key } = this;
    this.#clear();
    this.content = null;
    this.isTaken = false;
    ticket?.then(
      (unused) => putBack(key, unused),
      () => undefined,
    );
  }

  #clear() {
    this.ticket = this.arrived = null;
  }

  /** @param {string} content @param {boolean} mayRequest */
  async #begin(content, mayRequest) {
    const recent = recentSession(this.origin);
    if (!recent) return;
    const now_s = recent.now_s + Math.floor((performance.now() - recent.atMs) / 1000);
    const expected = await expectedSession(recent, now_s);
    if (this.content !== content || this.ticket || this.isTaken) return;
    this.expected = expected;
    if (!expected) return;
    const key = keyOf(this.origin, expected.session, content);
    const unused = takeBack(key, now_s);
    if (!unused && !mayRequest) return;
    const ticket = unused ? Promise.resolve(unused) : requestTicket(this.origin, expected.session, content);
    Object.assign(this, { key, ticket, arrived: unused, isKept: unused !== null });
    ticket.then(
      (arrived) => void (this.ticket === ticket && (this.arrived = arrived)),
      () => undefined,
    );
  }
}

/**
 * @param {import("./ticket_cache.js").RecentSession} recent
 * @param {number} now_s of the host's clock
 * @returns {Promise<ExpectedSession | null>}
 */
async function expectedSession({ session, isHosts, place }, now_s) {
  const own = await wallet.sessionFor({ ...place, now_s });
  if (own) return { session: own.session, isHosts: false };
  const isCurrent = isHosts && now_s < Number(session.message.notBefore) + HOSTS_SESSION_S;
  return isCurrent ? { session, isHosts } : null;
}
