/**
 * Messages that are longer than browsers take from a host: they come in parts, in order and with nothing between them.
 */

/** Bytes of a whole message, as the host's `MAX_WHOLE`. */
export const MOST_BYTES = 64 << 20;
const MOST_PARTS = 100;

/** @typedef {{id?: unknown, part?: unknown, parts?: unknown, data?: unknown}} Piece */

export class Parts {
  /** @type {Uint8Array[]} */
  #bytes = [];
  #size = 0;
  #count = 0;
  /** @type {unknown} number of the request that is answered */
  #id = null;

  /** True while a message is not whole. */
  get open() {
    return this.#bytes.length > 0;
  }

  /** The request that the open message answers. */
  get id() {
    return this.#id;
  }

  /**
   * @param {Piece} piece
   * @returns {unknown} the message when it is whole, undefined before
   * @throws where it is no part, not the next one, or the whole is too long
   */
  take({ id, part, parts, data }) {
    const next = this.#bytes.length + 1;
    if (next === 1) [this.#id, this.#count] = [id ?? 0, Number(parts)];
    const fits =
      part === next &&
      parts === this.#count &&
      Number.isSafeInteger(parts) &&
      next <= this.#count &&
      this.#count <= MOST_PARTS;
    if (!fits || (id ?? 0) !== this.#id || typeof data !== "string") throw new Error("not the next part");
    const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
    this.#size += bytes.length;
    if (this.#size > MOST_BYTES) throw new Error("too long");
    this.#bytes.push(bytes);
    if (next < this.#count) return undefined;
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const one of this.#bytes) {
      whole.set(one, at);
      at += one.length;
    }
    this.clear();
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(whole));
  }

  /** Forget what has come. */
  clear() {
    this.#bytes = [];
    this.#size = 0;
  }
}
