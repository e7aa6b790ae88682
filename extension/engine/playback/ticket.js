/**
 * Client of a station: its description, and requests for tickets (docs/protocol.md section 5).
 */

import { Problem } from "../../shared/problem.js";
import { toBase64 } from "../bytes.js";
import { get, readObject } from "../media/web_request.js";

const TIMEOUT_MS = 10_000;
const MAX_RESPONSE_BYTES = 256 << 10;
const CACHE_MS = 60_000;
const MAX_CACHED = 64;
/** Request header with the body of a request, as base64url of JSON. */
const BODY_HEADER = "GoMAA-Ask";
const SIGNATURE = /^0x[0-9a-f]{130}$/i;
/** Name or value of a field of a ticket. */
const TICKET_TEXT = /^[0-9A-Za-z]{1,78}$/;
const MAX_TICKET_FIELDS = 16;
/** Two days of music. */
const MAX_PASSAGES = 35_000;

/** @import { Signed } from "../../shared/protocol.d.ts" */
/** A JSON object of a station, of which nothing is checked yet. @typedef {Record<string, unknown>} StationObject */

/** Descriptions by origin, cached for a minute. @type {Map<string, {at: number, record: Promise<StationObject>}>} */
const descriptions = new Map();

/**
 * Description of a station.
 * @param {string} origin of the page
 * @returns {Promise<StationObject>}
 */
function descriptionOf(origin) {
  const cached = descriptions.get(origin);
  if (cached && performance.now() - cached.at < CACHE_MS) return cached.record;
  const record = requestStation(origin, `${origin}/.well-known/gomaa.json`);
  descriptions.delete(origin);
  descriptions.set(origin, { at: performance.now(), record });
  if (descriptions.size > MAX_CACHED)
    for (const oldest of descriptions.keys()) {
      descriptions.delete(oldest);
      break;
    }
  record.catch(() => {
    if (descriptions.get(origin)?.record === record) descriptions.delete(origin);
  });
  return record;
}

/**
 * Address at which a station issues tickets.
 * @param {string} origin of the page
 * @throws {Problem} station.answer, station.unknown for an address of another origin, and those of `requestStation`
 */
export async function ticketUrl(origin) {
  const station = await descriptionOf(origin);
  const url = URL.parse(String(station["tickets"] ?? ""), `${origin}/`);
  // The browser's own error would contain the station's text.
  if (!url) throw new Problem("station.answer");
  if (url.origin !== origin) throw new Problem("station.unknown", { tickets: url.origin });
  return url.href;
}

/**
 * Network that a station names, in the form of a deployment file.
 * @param {string} origin of the page
 * @returns {Promise<StationObject | null>} null where it names none
 */
export async function networkAt(origin) {
  const { network } = await descriptionOf(origin);
  return isObject(network) ? network : null;
}

/**
 * Address of a station's points. The domain is the browser's, never one that the site names.
 * @param {string} origin of the page
 * @returns {Promise<{url: string, station: string, domain: string} | null>} null where there are none
 */
export async function pointsOf(origin) {
  const { points, station } = await descriptionOf(origin);
  if (!points || !/^0x[0-9a-f]{40}$/i.test(String(station))) return null;
  const url = URL.parse(String(points), `${origin}/`);
  return url?.origin === origin ? { url: url.href, station: String(station), domain: url.host } : null;
}

/**
 * Listeners of each passage of a song, from published data.
 * @param {string} origin of the page
 * @param {string} content address
 * @returns {Promise<number[] | null>} from the song's beginning, passages of equal length; null where there are none
 * @throws {Problem} those of `requestStation`
 */
export async function passagesOf(origin, content) {
  const { passages } = await descriptionOf(origin);
  const base = passages ? URL.parse(String(passages), `${origin}/`) : null;
  if (base?.origin !== origin) return null;
  const { listeners } = await requestStation(origin, new URL(content, base).href);
  const isValid =
    Array.isArray(listeners) &&
    listeners.length > 0 &&
    listeners.length <= MAX_PASSAGES &&
    listeners.every((number) => Number.isSafeInteger(number) && number >= 0);
  return isValid ? listeners : null;
}

/**
 * Requests a ticket for a play.
 * @param {string} origin of the page
 * @param {Signed<"Session">} session
 * @param {string} content address
 * @returns {Promise<Signed<"Ticket">>}
 * @throws {Problem} ticket.missing, and those of `ticketUrl`
 */
export async function requestTicket(origin, session, content) {
  const url = await ticketUrl(origin);
  const { ticket } = await requestStation(origin, url, { session, content });
  if (!ticket) throw new Problem("ticket.missing");
  return checkedTicket(ticket);
}

/** @param {unknown} value @returns {value is StationObject} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Checks the form of a ticket: the host takes one that is no signed message for a fault of the extension.
 * @param {unknown} ticket of a station
 * @returns {Signed<"Ticket">}
 * @throws {Problem} station.answer
 */
function checkedTicket(ticket) {
  const { type, message, signature } = isObject(ticket) ? ticket : {};
  const fields = Object.entries(isObject(message) ? message : {});
  const isValid =
    type === "Ticket" &&
    typeof signature === "string" &&
    SIGNATURE.test(signature) &&
    fields.length > 0 &&
    fields.length <= MAX_TICKET_FIELDS &&
    fields.every(([name, value]) => TICKET_TEXT.test(name) && typeof value === "string" && TICKET_TEXT.test(value));
  if (!isValid) throw new Problem("station.answer");
  // The host checks the names of the fields.
  return /** @type {Signed<"Ticket">} */ (
    /** @type {unknown} */ ({ type, message: Object.fromEntries(fields), signature })
  );
}

/**
 * Sends a request to a station.
 * @param {string} origin of the page
 * @param {string} url of the same origin
 * @param {object} [fields] sent in a header of its own: with a body Firefox adds an id of the installation
 * @returns {Promise<StationObject>} the response
 * @throws {Problem} with the station's code, station.answer, station.unknown, station.unreachable, site.address
 */
export async function requestStation(origin, url, fields) {
  const headers = fields ? { [BODY_HEADER]: base64url(JSON.stringify(fields)) } : undefined;
  let response;
  let body;
  try {
    response = await get(url, {
      page: origin,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(headers ? { headers } : {}),
    });
    body = await readObject(response, MAX_RESPONSE_BYTES);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("station.unreachable", { reason: String(error).slice(0, 120) });
  }
  if (body?.["error"]) throw Problem.ofStation(body["error"]);
  if (!response.ok)
    throw new Problem(response.status === 404 ? "station.unknown" : "station.unreachable", { status: response.status });
  if (body === null) throw new Problem("station.answer");
  return body;
}

/** Base64url of a text. @param {string} text */
export const base64url = (text) =>
  toBase64(new TextEncoder().encode(text)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
