/**
 * Unused tickets of all streams, and what the next play of a site is expected to need.
 *
 * An unused ticket reserves an amount of the station until it expires, so the next play of the same song takes it
 * before another one is requested.
 */

/** A ticket that ends within this time is renewed, s. */
export const MIN_REMAINING_S = 30;
const MAX_ENTRIES = 64;

/** @import { Signed } from "../../shared/protocol.d.ts" */

/**
 * A session that the host has accepted: `isHosts` without a wallet; `place`: station and device that it names, and the
 * network, of a song that the host has opened; `now_s`: the host's clock at `atMs` of `performance.now()`.
 * @typedef {{session: Signed<"Session">, isHosts: boolean, now_s: number, atMs: number,
 *   place: Pick<import("./stream.js").OpenedSong, "device" | "station" | "chain_id" | "settlement">}} RecentSession
 */

/** The session used last, by origin. @type {Map<string, RecentSession>} */
const recentSessions = new Map();
/** Addresses of contents by the URL of their file. @type {Map<string, string>} */
const contents = new Map();
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

/** Stores the session of a site's latest play. @param {string} origin @param {RecentSession} recent */
export const rememberSession = (origin, recent) => add(recentSessions, origin, recent);

/** The session of a site's latest play. @param {string} origin */
export const recentSession = (origin) => recentSessions.get(origin);

/** Stores the content that a file had. @param {string} src @param {string} content address */
export const rememberContent = (src, content) => add(contents, src, content);

/** The content that a file had when it was read last. @param {string} src */
export const recentContent = (src) => contents.get(src);
