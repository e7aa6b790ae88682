/**
 * The station's ticket for one play (docs/protocol.md section 5).
 */

import { Problem } from "../shared/problem.js";

const PATIENCE_MS = 10_000;
const KEPT_MS = 60_000;
const MOST_KEPT = 64;

/** @type {Map<string, {at: number, url: Promise<string>}>} where each station gives tickets, for a minute */
const known = new Map();

/**
 * The address that gives a station's tickets.
 * @param {string} origin of the page
 */
export function stationOf(origin) {
  const kept = known.get(origin);
  if (kept && performance.now() - kept.at < KEPT_MS) return kept.url;
  const url = look(origin);
  known.delete(origin);
  known.set(origin, { at: performance.now(), url });
  if (known.size > MOST_KEPT) for (const oldest of known.keys()) { known.delete(oldest); break; }
  url.catch(() => {
    if (known.get(origin)?.url === url) known.delete(origin);
  });
  return url;
}

/** @param {string} origin */
async function look(origin) {
  const station = await json(`${origin}/.well-known/gomaa.json`, {});
  const url = new URL(String(station.tickets ?? ""), `${origin}/`);
  if (url.origin !== origin) throw new Problem("station.unknown", { tickets: url.origin });
  return url.href;
}

/**
 * Where a site's station answers about points. The name is the one the browser is at, never the one the site gives.
 * @param {string} origin of the page
 * @returns {Promise<{url: string, station: string, domain: string} | null>} null where there are none
 */
export async function pointsOf(origin) {
  const station = await json(`${origin}/.well-known/gomaa.json`, {});
  if (!station.points || !/^0x[0-9a-f]{40}$/i.test(String(station.station))) return null;
  const url = new URL(String(station.points), `${origin}/`);
  return url.origin === origin ? { url: url.href, station: String(station.station), domain: url.host } : null;
}

/**
 * @param {string} origin of the page
 * @param {any} session signed
 * @param {string} content address
 * @returns {Promise<any>} the signed ticket
 */
export async function askTicket(origin, session, content) {
  const url = await stationOf(origin);
  const answer = await json(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ session, content }) });
  if (!answer.ticket) throw new Problem("ticket.missing");
  return answer.ticket;
}

/** @param {string} url @param {RequestInit} how */
async function json(url, how) {
  let answer;
  try {
    answer = await fetch(url, { ...how, credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    throw new Problem("station.unreachable", { reason: String(error).slice(0, 120) });
  }
  const body = await answer.json().catch(() => null);
  if (body?.error?.code) throw Problem.of(body.error);
  if (!answer.ok || typeof body !== "object" || body === null) throw new Problem(answer.status === 404 ? "station.unknown" : "station.unreachable", { status: answer.status });
  return body;
}
