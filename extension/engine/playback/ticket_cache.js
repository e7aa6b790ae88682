/**
 * Sessions and unused tickets of all streams.
 *
 * An unused ticket reserves an amount of the station until it expires, so the next play of the same song takes it
 * before another one is requested.
 */

/** A ticket that ends within this time is renewed, s. */
export const MIN_REMAINING_S = 30;
const MAX_ENTRIES = 64;

/** @import { Signed } from "../../shared/protocol.d.ts" */

/** The session used last, by origin. @type {Map<string, Signed<"Session">>} */
const recentSessions = new Map();
/** Unused tickets by site, session and song. @type {Map<string, Signed<"Ticket">>} */
const unusedTickets = new Map();

/**
 * Adds the newest entry of a map, and drops the oldest above the limit.
 * @template T
 * @param {Map<string, T>} map
 * @param {string} key
 * @param {T} value
 */
function add(map, key, value) {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MAX_ENTRIES) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

/** Key of a ticket. @param {string} origin @param {Signed<"Session">} session @param {string} content */
export const keyOf = (origin, session, content) => `${origin} ${session.signature} ${content}`;

/**
 * True if a ticket is valid for a while.
 * @param {Signed<"Ticket">} ticket
 * @param {number} now Unix seconds; 0: not known
 */
export const isValid = (ticket, now) => Number(ticket.message.expiry) - MIN_REMAINING_S > now;

/** Keeps an unused ticket. @param {string} key @param {Signed<"Ticket">} ticket */
export const putBack = (key, ticket) => add(unusedTickets, key, ticket);

/**
 * Takes an unused ticket.
 * @param {string} key
 * @param {number} now Unix seconds; 0: not known
 * @returns {Signed<"Ticket"> | null} null where none is valid
 */
export function takeBack(key, now) {
  const ticket = unusedTickets.get(key);
  unusedTickets.delete(key);
  return ticket && isValid(ticket, now) ? ticket : null;
}

/** Stores the session of a site's latest ticket. @param {string} origin @param {Signed<"Session">} session */
export const rememberSession = (origin, session) => add(recentSessions, origin, session);

/** The session of a site's latest ticket. @param {string} origin */
export const recentSession = (origin) => recentSessions.get(origin);
