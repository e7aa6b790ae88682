/**
 * A port that is opened again: for content scripts, the player's frame and the wallet's screens.
 *
 * A port may close before its document. The browser stops and starts the background: the port is opened again with
 * back-off. A document may enter the back/forward cache, where Chromium closes its ports without an event: the port is
 * closed when the document enters the cache, and another one is opened when it leaves it.
 *
 * A script without exports: content scripts have no modules, and pages of the extension import it for its effect.
 */

(() => {
  const api = /** @type {typeof chrome} */ (globalThis.browser ?? chrome);
  const RECONNECT_FIRST_MS = 250;
  const RECONNECT_MAX_MS = 5000;

  /**
   * A port that is opened by `open` or the first `post`, and kept open from then on.
   * @template Message
   * @param {string} name
   * @param {import("./globals.js").PortListeners<Message>} listeners
   * @returns {import("./globals.js").ReconnectingPort}
   */
  const gomaaPort = (name, { onMessage, onClosed = () => {}, onOpened = () => {} }) => {
    /** @type {chrome.runtime.Port | null} */
    let port = null;
    let isRequested = false;
    /** True if the document is in the back/forward cache. */
    let isCached = false;
    let delayMs = RECONNECT_FIRST_MS;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    function open() {
      isRequested = true;
      if (port) return true;
      if (isCached) return false;
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

    // Also after `post` has opened a port: the background has no state of the earlier one.
    function reopen() {
      if (open()) onOpened();
      else if (!isCached) onClosed(true);
    }

    window.addEventListener("pagehide", ({ persisted }) => {
      if (!persisted) return;
      isCached = true;
      clearTimeout(timer);
      const closing = port;
      port = null;
      closing?.disconnect();
      if (closing) onClosed(false);
    });
    window.addEventListener("pageshow", ({ persisted }) => {
      if (!persisted || !isCached) return;
      isCached = false;
      delayMs = RECONNECT_FIRST_MS;
      if (isRequested) reopen();
    });

    return {
      open,
      post(message) {
        if (!open()) return false;
        try {
          port?.postMessage(message);
          return true;
        } catch {
          return false;
        }
      },
      isOpen: () => port !== null,
    };
  };
  globalThis.gomaaPort = gomaaPort;
})();
