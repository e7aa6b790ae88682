/**
 * Frames of players: which document may play which stream. The content script makes the frame, draws a key and gives it
 * to that frame's window alone,
 * so that a page which opens the player's page itself, however it learned the address, has a player of nothing.
 */

/**
 * @typedef {{stream: string, tab: number, frame: number | null, open: number}} Frame `frame`: the one that used the
 *   key; `open`: its ports
 */
/** @typedef {{frameId?: number | undefined, tab?: {id?: number | undefined} | undefined}} Sender */

export class Frames {
  /** @type {Map<string, Frame>} by key */
  #frames = new Map();

  /**
   * The content script gave a frame this key. A key that is known goes on belonging to its frame, with the stream that
   * it now shows.
   * @param {string} key
   * @param {string} stream
   * @param {number} tab
   */
  show(key, stream, tab) {
    const known = this.#frames.get(key);
    if (known && known.tab !== tab) return;
    if (!known) this.forget(stream);
    this.#frames.set(key, { stream, tab, frame: known?.frame ?? null, open: known?.open ?? 0 });
  }

  /**
   * A player's port. The first frame of the right tab that shows a key has it from then on, one port at a time.
   * @param {string} key
   * @param {Sender} sender of the browser
   * @returns {string | null} its stream
   */
  enter(key, { frameId, tab }) {
    const known = this.#frames.get(key);
    if (!known || known.tab !== tab?.id || frameId === undefined || frameId === 0) return null;
    if (known.frame !== null && (known.frame !== frameId || known.open > 0)) return null;
    known.frame = frameId;
    known.open++;
    return known.stream;
  }

  /** A port that had entered is closed. @param {string} key @param {Sender} sender */
  leave(key, { frameId }) {
    const known = this.#frames.get(key);
    if (known && known.frame === frameId && known.open > 0) known.open--;
  }

  /** Drops the keys of a stream that is not shown any more. @param {string} stream */
  forget(stream) {
    for (const [key, known] of this.#frames) if (known.stream === stream) this.#frames.delete(key);
  }
}
