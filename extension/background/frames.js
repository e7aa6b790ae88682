/**
 * Access of player frames to streams. The content script makes a frame, draws a random key and sends it to that frame's
 * window only: a player's document that the page has opened itself has no key, and no stream.
 */

/**
 * `frame`: id of the frame that used the key first; `ports`: number of its open ports.
 * @typedef {{stream: string, tab: number, frame: number | null, ports: number}} FrameKey
 */
/** @typedef {{frameId?: number | undefined, tab?: {id?: number | undefined} | undefined}} Sender */

/** Streams by the keys of their frames. */
export class PlayerFrames {
  /** @type {Map<string, FrameKey>} */
  #keys = new Map();

  /**
   * Registers the key of a frame. A registered key stays with its frame, for another stream.
   * @param {string} key
   * @param {string} stream
   * @param {number} tab
   */
  register(key, stream, tab) {
    const existing = this.#keys.get(key);
    if (existing && existing.tab !== tab) return;
    if (!existing) this.forget(stream);
    this.#keys.set(key, { stream, tab, frame: existing?.frame ?? null, ports: existing?.ports ?? 0 });
  }

  /**
   * Admits a player's port. A key belongs to the first frame of its tab that presents it, with one port at a time.
   * @param {string} key
   * @param {Sender} sender as the browser reports it
   * @returns {string | null} its stream; null where it is refused
   */
  enter(key, { frameId, tab }) {
    const entry = this.#keys.get(key);
    if (!entry || entry.tab !== tab?.id || frameId === undefined || frameId === 0) return null;
    if (entry.frame !== null && (entry.frame !== frameId || entry.ports > 0)) return null;
    entry.frame = frameId;
    entry.ports++;
    return entry.stream;
  }

  /** Releases the port of a frame that has closed. @param {string} key @param {Sender} sender */
  leave(key, { frameId }) {
    const entry = this.#keys.get(key);
    if (entry && entry.frame === frameId && entry.ports > 0) entry.ports--;
  }

  /** Removes the keys of a stream. @param {string} stream */
  forget(stream) {
    for (const [key, entry] of this.#keys) if (entry.stream === stream) this.#keys.delete(key);
  }
}
