/**
 * Joins messages of the host that are longer than a browser accepts and come in consecutive parts.
 */

/** Most bytes of a whole message, as the host's `MAX_WHOLE`. */
export const MAX_BYTES = 64 << 20;
const MAX_PARTS = 100;

/** @typedef {{id?: unknown, part?: unknown, parts?: unknown, data?: unknown}} Part */

/** Joins the parts of one message at a time. */
export class MessageParts {
  /** @type {Uint8Array[]} */
  #chunks = [];
  #size = 0;
  #count = 0;
  /** Id of the request that the message answers. @type {unknown} */
  #id = null;

  /** True if a message is incomplete. */
  get open() {
    return this.#chunks.length > 0;
  }

  /** Id of the request that the incomplete message answers. */
  get id() {
    return this.#id;
  }

  /**
   * Adds the next part.
   * @param {Part} message
   * @returns {unknown} the whole message after its last part, undefined before
   * @throws {Error} where it is not the next part, or the whole is too long
   */
  take({ id, part, parts, data }) {
    const next = this.#chunks.length + 1;
    if (next === 1) [this.#id, this.#count] = [id ?? 0, Number(parts)];
    const fits =
      part === next &&
      parts === this.#count &&
      Number.isSafeInteger(parts) &&
      next <= this.#count &&
      this.#count <= MAX_PARTS;
    if (!fits || (id ?? 0) !== this.#id || typeof data !== "string") throw new Error("not the next part");
    const text = atob(data);
    // A loop: Uint8Array.from over the characters takes fifty times as long, seconds for a long song's index.
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
    this.#size += bytes.length;
    if (this.#size > MAX_BYTES) throw new Error("too long");
    this.#chunks.push(bytes);
    if (next < this.#count) return undefined;
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    this.clear();
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(whole));
  }

  /** Discards the incomplete message. */
  clear() {
    this.#chunks = [];
    this.#size = 0;
  }
}
