/**
 * An expected failure with a code of the registry (docs/protocol.md section 7).
 */
export class Problem extends Error {
  /** @param {string} code @param {Record<string, unknown>} [detail] @param {string} [message] */
  constructor(code, detail = {}, message = code) {
    super(message);
    this.code = code;
    this.detail = detail;
  }

  /** @param {any} error as it came over a wire */
  static of(error) {
    if (error instanceof Problem) return error;
    if (error && typeof error.code === "string") return new Problem(error.code, error.detail ?? {}, error.message);
    return new Problem("internal", { reason: String(error?.message ?? error).slice(0, 300) });
  }

  toJSON() {
    return { code: this.code, message: this.message, detail: this.detail };
  }
}
