/**
 * Client of a station: its description, and tickets for plays (docs/protocol.md section 5).
 */

import { Problem } from "../../shared/problem.js";
import { toBase64 } from "../bytes.js";
import { get, object } from "../media/web_request.js";

const PATIENCE_MS = 10_000;
const MOST_ANSWER = 256 << 10;
const KEPT_MS = 60_000;
const MOST_KEPT = 64;
/** Request header with the question to a station, as base64url of JSON. */
const QUESTION = "GoMAA-Ask";
const SIGNATURE = /^0x[0-9a-f]{130}$/i;
/** Name or value in a ticket. */
const WORD = /^[0-9A-Za-z]{1,78}$/;
const MOST_FIELDS = 16;

/** @type {Map<string, {at: number, record: Promise<any>}>} description of each station, cached for a minute */
const known = new Map();

/**
 * Description of a station.
 * @param {string} origin of the page
 * @returns {Promise<any>}
 */
function recordOf(origin) {
  const kept = known.get(origin);
  if (kept && performance.now() - kept.at < KEPT_MS) return kept.record;
  const record = askStation(origin, `${origin}/.well-known/gomaa.json`);
  known.delete(origin);
  known.set(origin, { at: performance.now(), record });
  if (known.size > MOST_KEPT)
    for (const oldest of known.keys()) {
      known.delete(oldest);
      break;
    }
  record.catch(() => {
    if (known.get(origin)?.record === record) known.delete(origin);
  });
  return record;
}

/**
 * Address of a station's tickets.
 * @param {string} origin of the page
 */
export async function stationOf(origin) {
  const station = await recordOf(origin);
  const url = URL.parse(String(station.tickets ?? ""), `${origin}/`);
  // The browser's own error would contain the station's text.
  if (!url) throw new Problem("station.answer");
  if (url.origin !== origin) throw new Problem("station.unknown", { tickets: url.origin });
  return url.href;
}

/**
 * Network that a station names, in the form of a deployment file.
 * @param {string} origin of the page
 * @returns {Promise<object | null>}
 */
export async function networkAt(origin) {
  const { network } = await recordOf(origin);
  return typeof network === "object" && !Array.isArray(network) ? network : null;
}

/**
 * Address of a station's points. The domain is the browser's, never one that the site names.
 * @param {string} origin of the page
 * @returns {Promise<{url: string, station: string, domain: string} | null>} null where there are none
 */
export async function pointsOf(origin) {
  const station = await recordOf(origin);
  if (!station.points || !/^0x[0-9a-f]{40}$/i.test(String(station.station))) return null;
  const url = URL.parse(String(station.points), `${origin}/`);
  return url?.origin === origin ? { url: url.href, station: String(station.station), domain: url.host } : null;
}

/**
 * Requests a ticket for a play.
 * @param {string} origin of the page
 * @param {any} session signed
 * @param {string} content address
 * @returns {Promise<any>} the signed ticket
 */
export async function askTicket(origin, session, content) {
  const url = await stationOf(origin);
  const answer = await askStation(origin, url, { session, content });
  if (!answer.ticket) throw new Problem("ticket.missing");
  return plain(answer.ticket);
}

/**
 * Checks that a ticket is a signed message: the host takes any other for a fault of the extension.
 * @param {any} ticket of a station
 * @returns {{type: string, message: Record<string, string>, signature: string}}
 * @throws Problem station.answer
 */
function plain({ type, message, signature }) {
  const fields = Object.entries(typeof message === "object" && message !== null ? message : {});
  const good =
    type === "Ticket" &&
    typeof signature === "string" &&
    SIGNATURE.test(signature) &&
    fields.length > 0 &&
    fields.length <= MOST_FIELDS &&
    fields.every(([name, value]) => WORD.test(name) && typeof value === "string" && WORD.test(value));
  if (!good) throw new Problem("station.answer");
  return { type, message: Object.fromEntries(fields), signature };
}

/**
 * Sends a question to a station.
 * @param {string} origin of the page
 * @param {string} url of the same origin
 * @param {object} [question] sent in a header of its own: with a body Firefox adds an id of the installation
 * @returns {Promise<any>}
 * @throws Problem with the station's code, station.answer, station.unknown, station.unreachable, site.address
 */
export async function askStation(origin, url, question) {
  const headers = question ? { [QUESTION]: base64url(JSON.stringify(question)) } : undefined;
  let answer;
  let body;
  try {
    answer = await get(url, {
      page: origin,
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(headers ? { headers } : {}),
    });
    body = await object(answer, MOST_ANSWER);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("station.unreachable", { reason: String(error).slice(0, 120) });
  }
  if (body?.error) throw Problem.ofStation(body.error);
  if (!answer.ok)
    throw new Problem(answer.status === 404 ? "station.unknown" : "station.unreachable", { status: answer.status });
  if (body === null) throw new Problem("station.answer");
  return body;
}

/** Base64url of a text. @param {string} text */
export const base64url = (text) =>
  toBase64(new TextEncoder().encode(text)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
