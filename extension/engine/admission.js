/**
 * What has to be there before a play: the session of this listener, the station's ticket, the lease at the host.
 */

import { Problem } from "../shared/problem.js";
import { native } from "./link.js";
import { askTicket, stationOf } from "./ticket.js";
import * as wallet from "./wallet.js";

const SPARE_S = 30;
const MOST_KEPT = 64;

/** @type {Map<string, any>} the session last used at a site: most likely the next one too */
const lately = new Map();

export class Admission {
  /** @type {Promise<void> | null} */ prepared = null;
  /** @type {string | null} */ device = null;
  earns = false;

  /** The station's cap for the day is reached: this play is heard and earns nothing. */
  capped = false;

  /** Called when ``capped`` has changed. @type {() => void} */
  onCapped = () => {};
  /** Unix seconds at which the ticket ends. */
  expiry = 0;
  /** @type {{session: any, ticket: Promise<any>} | null} asked for while the host still looks at the song */ guessed = null;
  /** @type {any} the signed ticket, to take the play up again with */ ticket = null;

  /** @param {{stream: string, origin: string}} place */
  constructor(place) {
    this.place = place;
    // Both answers are needed later whatever the file says; what fails here is asked again then.
    stationOf(place.origin).catch(() => undefined);
    wallet.load().catch(() => undefined);
  }

  /** The header is verified: ask for the ticket of the session that was last used here. @param {string} content address */
  guess(content) {
    const session = lately.get(this.place.origin);
    if (!session) return;
    this.guessed = { session, ticket: askTicket(this.place.origin, session, content) };
    this.guessed.ticket.catch(() => undefined);
  }

  /** Begin before the click; what fails here is tried again at the click, and said then. @param {any} info of the host */
  ahead(info) {
    this.prepared = this.prepare(info);
    this.prepared.catch(() => {
      this.prepared = null;
    });
  }

  /** Resolves with a ticket that is there and lasts. @param {any} info @param {number} now Unix seconds by the chain's clock */
  async admit(info, now) {
    if (this.prepared && this.expiry && this.expiry - SPARE_S <= now) this.prepared = null;
    this.prepared ??= this.prepare(info);
    try {
      await this.prepared;
    } catch (error) {
      this.prepared = null;
      throw error;
    }
  }

  /** Whether ``admit`` has nothing left to do. @param {number} now */
  isReady(now) {
    return this.expiry - SPARE_S > now;
  }

  /** The ticket is used up, or was another listener's. */
  forget() {
    this.prepared = null;
    this.expiry = 0;
    this.ticket = null;
  }

  /** The host goes on with the play that was cut off. @param {{rewarded: boolean, expiry_s: number}} told by it */
  rejoined(told) {
    this.prepared = Promise.resolve();
    this.earns = told.rewarded;
    this.expiry = told.expiry_s;
  }

  /** @private @param {any} info */
  async prepare(info) {
    const { stream } = this.place;
    this.expiry = 0;
    this.ticket = null;
    const { device } = await native("status");
    this.device = device;
    const identified = await this.identify(info, device);
    this.earns = !/^0x0+$/.test(identified.session.message.payee);
    const ticket = await this.ticketFor(identified.session, info.content);
    this.ticket = ticket;
    const capped = this.earns && info.reward_wei !== "0" && ticket.message.reward === "0";
    if (capped !== this.capped) {
      this.capped = capped;
      this.onCapped();
    }
    await native("prepare", { stream, ticket, tracking: wallet.tracking() });
    this.expiry = Number(ticket.message.expiry);
  }

  /** @private @param {any} session signed @param {string} content */
  async ticketFor(session, content) {
    const { guessed, place: { origin } } = this;
    this.guessed = null;
    lately.delete(origin);
    lately.set(origin, session);
    if (lately.size > MOST_KEPT) for (const oldest of lately.keys()) { lately.delete(oldest); break; }
    if (guessed && guessed.session.signature === session.signature) return guessed.ticket.catch(() => askTicket(origin, session, content));
    return askTicket(origin, session, content);
  }

  /** @private @param {any} info @param {string} device */
  async identify(info, device) {
    const { stream } = this.place;
    const mine = await wallet.sessionFor(info, device);
    try {
      return await native("identify", { stream, session: mine?.session ?? null });
    } catch (error) {
      if (!mine || !Problem.of(error).code.startsWith("session.")) throw error;
      await wallet.spoil(mine);
      const again = await wallet.sessionFor(info, device);
      return native("identify", { stream, session: again?.session ?? null });
    }
  }
}
