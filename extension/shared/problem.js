/**
 * Expected failures with a registered code (docs/protocol.md section 7), and the filtering of errors from outside.
 */

import { AREAS, CODES, DETAILS } from "./codes.js";

/** Most characters of a text in a detail. */
const MAX_TEXT_CHARS = 200;
const MAX_FIELDS = 32;
/** A number, hexadecimal digits or a single word: what a detail of a station may contain. */
const PLAIN = /^(0x[0-9a-fA-F]{1,130}|-?[0-9]{1,78}|[a-z][a-z_]{0,23})$/;
const FIELD = /^[a-z][a-z_]{0,31}$/;

/** An expected failure: a code and details. */
export class Problem extends Error {
  /** @param {string} code @param {Record<string, unknown>} [detail] */
  constructor(code, detail = {}) {
    super(code);
    this.code = code;
    this.detail = detail;
  }

  /**
   * From an error of the extension or the core. An unregistered code is a bug: "internal".
   * @param {any} error
   */
  static of(error) {
    if (error instanceof Problem) return error;
    if (CODES.has(error?.code)) return new Problem(error.code, filtered(error.detail, "extension"));
    return new Problem("internal", { reason: describe(error) });
  }

  /** From an error of the host; an unknown code is one of another version. @param {any} error */
  static ofHost(error) {
    return CODES.has(error?.code)
      ? new Problem(error.code, filtered(error.detail, "host"))
      : new Problem("host.answer");
  }

  /**
   * From an error of a station: only codes that a station decides about, and no texts.
   * @param {any} error
   */
  static ofStation(error) {
    const code = error?.code;
    const good = CODES.has(code) && AREAS["station"]?.includes(code.split(".")[0]);
    return good ? new Problem(code, filtered(error.detail, "station")) : new Problem("station.answer");
  }

  toJSON() {
    return { code: this.code, detail: this.detail };
  }
}

/**
 * Describes a bug. Browser errors may quote a station's text, so of them only the name and the place are used.
 * @param {any} error
 */
function describe(error) {
  if (!(error instanceof Error) || error.name === "Error") return String(error?.message ?? error).slice(0, 300);
  const place = /[a-z_.]+\.m?js:[0-9]+/.exec(String(error.stack ?? "").replace(error.message, ""));
  return [error.name, place?.[0]].filter(Boolean).join(" ").slice(0, 80);
}

/**
 * The accepted fields of a detail. From outside the extension only registered ones: screens trust others, such as a
 * command to run.
 * @param {any} detail
 * @param {"extension" | "host" | "station"} side where it comes from
 * @returns {Record<string, unknown>}
 */
function filtered(detail, side) {
  if (typeof detail !== "object" || detail === null) return {};
  const fits = (/** @type {unknown} */ value) => {
    if (typeof value === "string") return side !== "station" || PLAIN.test(value);
    return value === null || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
  };
  const named = (/** @type {string} */ name) => (side === "extension" ? FIELD.test(name) : DETAILS.has(name));
  const fields = Object.entries(detail)
    .filter(([name, value]) => named(name) && fits(value))
    .slice(0, MAX_FIELDS);
  return Object.fromEntries(
    fields.map(([name, value]) => [name, typeof value === "string" ? value.slice(0, MAX_TEXT_CHARS) : value]),
  );
}
