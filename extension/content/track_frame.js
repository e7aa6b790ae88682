/**
 * The frame in which the extension's player of one track runs. In the world of content.js.
 *
 * The background admits the document in the frame by a random key. Only the frame's window gets it.
 */

(() => {
  const HEIGHT_PX = 220;
  // A copied or dragged selection would contain the frame's address, which differs between installations of Firefox.
  const STYLE =
    `display:block;width:100%;height:${HEIGHT_PX}px;border:0;color-scheme:normal;` +
    "user-select:none!important;-webkit-user-select:none!important";
  const DEFAULT_WIDTH_PX = 320;
  const MIN_HEIGHT_PX = 96;
  const MAX_HEIGHT_PX = 1200;
  const KEY_BYTES = 16;

  /** The origin of a page of the extension. @param {string} url */
  const originOf = (url) => url.slice(0, url.indexOf("/", url.indexOf("://") + 3));

  const randomKey = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(KEY_BYTES)), (byte) => byte.toString(16).padStart(2, "0")).join(
      "",
    );

  /** The frame of a track, made again for each stream. */
  class TrackFrame {
    /** @type {HTMLIFrameElement | null} */
    #frame = null;
    /** Stream that the frame was made for. @type {string | null} */
    #stream = null;
    #key = "";
    /** Empty box in the place of the frame. @type {HTMLElement | null} */
    #space = null;

    /**
     * @param {number} element number of the track
     * @param {(message: import("../shared/page_messages.d.ts").PageRequest) => void} post to the background
     */
    constructor(element, post) {
      this.element = element;
      this.post = post;
    }

    /** True if the frame is of this stream. @param {string} stream */
    isOf(stream) {
      return this.#frame !== null && this.#stream === stream;
    }

    /** Height that frame or box take in the page, CSS px; null: neither is there. */
    get heightPx() {
      const shown = this.#frame && this.#frame.style.position !== "fixed" ? this.#frame : this.#space;
      return shown && parseInt(shown.style.height, 10);
    }

    /**
     * Reserves the place of a frame that is not shown yet, so that the page's layout stays.
     * @param {ShadowRoot} box
     * @param {number} [heightPx]
     */
    reserve(box, heightPx = HEIGHT_PX) {
      if (this.#frame || this.#space) return;
      this.#space = document.createElement("div");
      this.#space.style.height = `${heightPx}px`;
      box.append(this.#space);
    }

    /**
     * Makes the frame of a stream and puts it into the page.
     * @param {string} stream
     * @param {string} url of the player's document
     * @param {import("./globals.js").FramePlace} place
     */
    place(stream, url, { box, fallback, widthPx, isHidden }) {
      // The same stream after a restart of the background: its frame exists, and its document has its key.
      if (this.isOf(stream)) return this.#registerKey();
      this.#renewKey();
      const frame = document.createElement("iframe");
      frame.src = url;
      frame.title = "GoMAA";
      frame.allow = "";
      frame.setAttribute("part", "player");
      frame.style.cssText = STYLE;
      if (isHidden) frame.style.display = "none";
      let loads = 0;
      frame.addEventListener("load", () => {
        if (this.#frame !== frame) return;
        // Each document has a key of its own: a page that moves the player loads its frame again.
        if (loads++ > 0) this.#renewKey();
        frame.contentWindow?.postMessage({ gomaa: this.#key }, originOf(url));
      });
      // A page's policy may block the frame, without an event: the element's children are shown until the frame runs.
      const hiddenWidth = `${widthPx || DEFAULT_WIDTH_PX}px`;
      if (!fallback.isConnected) this.#removeSpace();
      else frame.style.cssText += `;position:fixed;left:0;top:0;visibility:hidden;width:${hiddenWidth}`;
      if (this.#frame) this.#frame.replaceWith(frame);
      else box.append(frame);
      this.#frame = frame;
      this.#stream = stream;
    }

    /** Shows the frame in place of the element's children, once its player runs. @param {HTMLSlotElement} fallback */
    reveal(fallback) {
      if (!this.#frame || !fallback.isConnected) return;
      const { display, height } = this.#frame.style;
      fallback.remove();
      this.#removeSpace();
      this.#frame.style.cssText = STYLE;
      Object.assign(this.#frame.style, { display, height });
    }

    /** Sets the height that the player requests, within limits. @param {number} heightPx */
    resize(heightPx) {
      if (!this.#frame) return;
      this.#frame.style.height = `${Math.min(MAX_HEIGHT_PX, Math.max(MIN_HEIGHT_PX, Math.ceil(heightPx)))}px`;
    }

    /** Shows the frame of a track that was only prepared. */
    setVisible() {
      if (this.#frame) this.#frame.style.display = "block";
    }

    remove() {
      this.#frame?.remove();
      this.#removeSpace();
    }

    #removeSpace() {
      this.#space?.remove();
      this.#space = null;
    }

    /** Draws a key for the next document in the frame. */
    #renewKey() {
      this.#key = randomKey();
      this.#registerKey();
    }

    #registerKey() {
      this.post({ type: "framed", element: this.element, key: this.#key });
    }
  }

  globalThis.gomaaTrackFrame = { TrackFrame };
})();
