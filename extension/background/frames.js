/**
 * Access of player frames to streams. The content script makes a frame, draws a random key and gives it to that frame's
 * window alone, so a page that opens the player's document itself gets a player without a stream.
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
   * Registers the key of a frame. A key that is registered already stays with its frame, for the stream that it shows
   * now.
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
   * Admits a player's port. The first frame of the right tab that presents a key keeps it, with one port at a time.
   * @param {string} key
   * @param {Sender} sender as the browser reports it
   * @returns {string | null} its stream
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

  /** Removes the keys of a stream that is not shown any more. @param {string} stream */
  forget(stream) {
    for (const [key, entry] of this.#keys) if (entry.stream === stream) this.#keys.delete(key);
  }
}
