/**
 * Expected failures with a registered code (docs/protocol.md section 7), and the filtering of errors from outside.
 */

import { AREAS, CODES, DETAILS } from "./codes.js";

/** Most characters of a text in a detail. */
const MAX_TEXT_CHARS = 200;
const MAX_FIELDS = 32;
/** Most characters of a bug's description, and of its name and place. */
const MAX_REASON_CHARS = 300;
const MAX_PLACE_CHARS = 80;
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
   * @param {unknown} error
   */
  static of(error) {
    if (error instanceof Problem) return error;
    const code = codeOf(error);
    return code === null
      ? new Problem("internal", { reason: describe(error) })
      : new Problem(code, filteredDetail(error, "extension"));
  }

  /** From an error of the host; an unknown code is one of another version. @param {unknown} error */
  static ofHost(error) {
    const code = codeOf(error);
    return code === null ? new Problem("host.answer") : new Problem(code, filteredDetail(error, "host"));
  }

  /**
   * From an error of a station: only codes of its areas, and no texts.
   * @param {unknown} error
   */
  static ofStation(error) {
    const code = codeOf(error);
    return code !== null && AREAS["station"]?.includes(String(code.split(".")[0]))
      ? new Problem(code, filteredDetail(error, "station"))
      : new Problem("station.answer");
  }

  toJSON() {
    return { code: this.code, detail: this.detail };
  }
}

/** The registered code of an error; null without one. @param {unknown} error @returns {string | null} */
function codeOf(error) {
  const { code } = /** @type {{code?: unknown}} */ (error ?? {});
  return typeof code === "string" && CODES.has(code) ? code : null;
}

/**
 * Describes a bug. A browser's error may quote a station's text: of such an error only its name and place are used.
 * @param {unknown} error
 */
function describe(error) {
  const { message } = /** @type {{message?: unknown}} */ (error ?? {});
  if (!(error instanceof Error) || error.name === "Error") return String(message ?? error).slice(0, MAX_REASON_CHARS);
  const place = /[a-z_.]+\.m?js:[0-9]+/.exec(String(error.stack ?? "").replace(error.message, ""));
  return [error.name, place?.[0]].filter(Boolean).join(" ").slice(0, MAX_PLACE_CHARS);
}

/**
 * The accepted fields of an error's detail. From outside of the extension only registered ones: screens trust others,
 * such as a command to run.
 * @param {unknown} error
 * @param {"extension" | "host" | "station"} side where it comes from
 * @returns {Record<string, unknown>}
 */
function filteredDetail(error, side) {
  const { detail } = /** @type {{detail?: unknown}} */ (error ?? {});
  if (typeof detail !== "object" || detail === null) return {};
  const isAcceptedValue = (/** @type {unknown} */ value) => {
    if (typeof value === "string") return side !== "station" || PLAIN.test(value);
    return value === null || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
  };
  const isAcceptedName = (/** @type {string} */ name) => (side === "extension" ? FIELD.test(name) : DETAILS.has(name));
  const fields = Object.entries(detail)
    .filter(([name, value]) => isAcceptedName(name) && isAcceptedValue(value))
    .slice(0, MAX_FIELDS);
  return Object.fromEntries(
    fields.map(([name, value]) => [name, typeof value === "string" ? value.slice(0, MAX_TEXT_CHARS) : value]),
  );
}
