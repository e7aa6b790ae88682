/**
 * An expected failure with a code of the registry (docs/protocol.md section 7), and the rule for errors that somebody
 * else said.
 */

import { AREAS, CODES, DETAILS } from "./codes.js";

/** Characters of a text in a detail of this computer's own parts. */
const LONGEST = 200;
const MOST_FIELDS = 32;
/** A number, hexadecimal or a single word: all that a detail from outside this computer may hold. */
const PLAIN = /^(0x[0-9a-fA-F]{1,130}|-?[0-9]{1,78}|[a-z][a-z_]{0,23})$/;
const FIELD = /^[a-z][a-z_]{0,31}$/;

export class Problem extends Error {
  /** @param {string} code @param {Record<string, unknown>} [detail] */
  constructor(code, detail = {}) {
    super(code);
    this.code = code;
    this.detail = detail;
  }

  /**
   * Of the extension's own parts, and of the core. What is no registered code is a mistake of ours.
   * @param {any} error
   */
  static of(error) {
    if (error instanceof Problem) return error;
    if (CODES.has(error?.code)) return new Problem(error.code, kept(error.detail, "extension"));
    return new Problem("internal", { reason: mistake(error) });
  }

  /** Of the host: a code that this extension does not know is one of another version. @param {any} error */
  static ofHost(error) {
    return CODES.has(error?.code) ? new Problem(error.code, kept(error.detail, "host")) : new Problem("host.answer");
  }

  /**
   * Of a station: a code counts where a station decides about it, a text never.
   * @param {any} error
   */
  static ofStation(error) {
    const code = error?.code;
    const good = CODES.has(code) && AREAS["station"]?.includes(code.split(".")[0]);
    return good ? new Problem(code, kept(error.detail, "station")) : new Problem("station.answer");
  }

  toJSON() {
    return { code: this.code, detail: this.detail };
  }
}

/**
 * What is known of a mistake: the browser's own errors quote what they stumbled over, such as a station's text, so of
 * them the kind and the place.
 * @param {any} error
 */
function mistake(error) {
  if (!(error instanceof Error) || error.name === "Error") return String(error?.message ?? error).slice(0, 300);
  const place = /[a-z_.]+\.m?js:[0-9]+/.exec(String(error.stack ?? "").replace(error.message, ""));
  return [error.name, place?.[0]].filter(Boolean).join(" ").slice(0, 80);
}

/**
 * The fields of a detail that are kept. From beside the extension only registered ones: a screen reads others, such as
 * a command to run, as our own.
 * @param {any} detail @param {"extension" | "host" | "station"} side that says it @returns {Record<string, unknown>}
 */
function kept(detail, side) {
  if (typeof detail !== "object" || detail === null) return {};
  const fits = (/** @type {unknown} */ value) => {
    if (typeof value === "string") return side !== "station" || PLAIN.test(value);
    return value === null || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
  };
  const named = (/** @type {string} */ name) => (side === "extension" ? FIELD.test(name) : DETAILS.has(name));
  const fields = Object.entries(detail)
    .filter(([name, value]) => named(name) && fits(value))
    .slice(0, MOST_FIELDS);
  return Object.fromEntries(
    fields.map(([name, value]) => [name, typeof value === "string" ? value.slice(0, LONGEST) : value]),
  );
}
