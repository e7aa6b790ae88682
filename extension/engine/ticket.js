/**
 * The station's ticket for one play (docs/protocol.md section 5).
 */

import { Problem } from "../shared/problem.js";

const PATIENCE_MS = 10_000;

/**
 * @param {string} origin of the page
 * @param {any} session signed
 * @param {string} content address
 * @returns {Promise<any>} the signed ticket
 */
export async function askTicket(origin, session, content) {
  const station = await json(`${origin}/.well-known/gomaa.json`, {});
  const url = new URL(String(station.tickets ?? ""), `${origin}/`);
  if (url.origin !== origin) throw new Problem("station.unknown", { tickets: url.origin });
  const body = JSON.stringify({ session, content });
  const answer = await json(url.href, { method: "POST", headers: { "Content-Type": "application/json" }, body });
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
