/**
 * The station's ticket for one play (docs/protocol.md section 5).
 */

import { Problem } from "../shared/problem.js";

const PATIENCE_MS = 10_000;
const KEPT_MS = 60_000;
const MOST_KEPT = 64;

/** @type {Map<string, {at: number, record: Promise<any>}>} what each station says of itself, for a minute */
const known = new Map();

/**
 * What a station says of itself.
 * @param {string} origin of the page
 * @returns {Promise<any>}
 */
function recordOf(origin) {
  const kept = known.get(origin);
  if (kept && performance.now() - kept.at < KEPT_MS) return kept.record;
  const record = json(`${origin}/.well-known/gomaa.json`, {});
  known.delete(origin);
  known.set(origin, { at: performance.now(), record });
  if (known.size > MOST_KEPT) for (const oldest of known.keys()) { known.delete(oldest); break; }
  record.catch(() => {
    if (known.get(origin)?.record === record) known.delete(origin);
  });
  return record;
}

/**
 * The address that gives a station's tickets.
 * @param {string} origin of the page
 */
export async function stationOf(origin) {
  const station = await recordOf(origin);
  const url = new URL(String(station.tickets ?? ""), `${origin}/`);
  if (url.origin !== origin) throw new Problem("station.unknown", { tickets: url.origin });
  return url.href;
}

/**
 * The network that a station names, as its deployment file has it.
 * @param {string} origin of the page
 * @returns {Promise<object | null>}
 */
export async function networkAt(origin) {
  const { network } = await recordOf(origin);
  return typeof network === "object" && !Array.isArray(network) ? network : null;
}

/**
 * Where a site's station answers about points. The name is the one the browser is at, never the one the site gives.
 * @param {string} origin of the page
 * @returns {Promise<{url: string, station: string, domain: string} | null>} null where there are none
 */
export async function pointsOf(origin) {
  const station = await recordOf(origin);
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
  if (body?.error) throw Problem.ofStation(body.error);
  if (!answer.ok || typeof body !== "object" || body === null) throw new Problem(answer.status === 404 ? "station.unknown" : "station.unreachable", { status: answer.status });
  return body;
}
