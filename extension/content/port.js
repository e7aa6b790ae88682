/**
 * The port of a document that a person sees: content scripts, the player's frame, the wallet's screens.
 *
 * A port may close while its document lives on. The browser stops and starts the background: the port is opened again
 * with back-off. And a document may enter the back/forward cache, where Chromium closes its ports without an event: the
 * port is closed when the document enters the cache, and another one opened when it leaves it.
 *
 * A script without exports: content scripts have no modules, and pages of the extension import it for its effect.
 */

(() => {
  const api = /** @type {typeof chrome} */ (/** @type {any} */ (globalThis).browser ?? chrome);
  const RECONNECT_FIRST_MS = 250;
  const RECONNECT_MAX_MS = 5000;

  /**
   * onClosed: the port closed and its pending requests get no response; with `gone` no port opens any more, since
   * the extension was updated or removed. onOpened: another port is open.
   * @typedef {{onMessage: (message: any) => void, onClosed?: (gone: boolean) => void, onOpened?: () => void}} Listeners
   */

  /**
   * A port that is opened by `open` or the first `post`, and kept open from then on.
   * @param {string} name
   * @param {Listeners} listeners
   */
  const gomaaPort = (name, { onMessage, onClosed = () => {}, onOpened = () => {} }) => {
    /** @type {chrome.runtime.Port | null} */
    let port = null;
    let wanted = false;
    let cached = false;
    let delayMs = RECONNECT_FIRST_MS;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    function open() {
      wanted = true;
      if (port) return true;
      if (cached) return false;
      let opened;
      try {
        opened = api.runtime.connect({ name });
      } catch {
        return false;
      }
      port = opened;
      opened.onMessage.addListener((message) => {
        delayMs = RECONNECT_FIRST_MS;
        if (port === opened) onMessage(message);
      });
      opened.onDisconnect.addListener(() => {
        void api.runtime.lastError;
        if (port !== opened) return;
        port = null;
        timer = setTimeout(reopen, delayMs);
        delayMs = Math.min(RECONNECT_MAX_MS, delayMs * 2);
        onClosed(false);
      });
      return true;
    }

    // Also where `post` has opened a port in between: the background has no state of the earlier one.
    function reopen() {
      if (open()) onOpened();
      else if (!cached) onClosed(true);
    }

    window.addEventListener("pagehide", ({ persisted }) => {
      if (!persisted) return;
      cached = true;
      clearTimeout(timer);
      const closing = port;
      port = null;
      closing?.disconnect();
      if (closing) onClosed(false);
    });
    window.addEventListener("pageshow", ({ persisted }) => {
      if (!persisted || !cached) return;
      cached = false;
      delayMs = RECONNECT_FIRST_MS;
      if (wanted) reopen();
    });

    return {
      open,
      /** @param {object} message @returns {boolean} false where no port can be opened */
      post(message) {
        if (!open()) return false;
        try {
          /** @type {chrome.runtime.Port} */ (/** @type {unknown} */ (port)).postMessage(message);
          return true;
        } catch {
          return false;
        }
      },
      isOpen: () => port !== null,
    };
  };
  /** @type {any} */ (globalThis).gomaaPort = gomaaPort;
})();
