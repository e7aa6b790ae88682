/**
 * The one way in which documents that a person sees open a port to the extension: content scripts, the player's frame,
 * the wallet's screens.
 *
 * Two things end a port while its document lives on. The browser may stop and start the background: the port is opened
 * again after a while. And a
 * document that a person leaves may be kept in the back/forward cache, where Chromium cuts its ports without a word to
 * it: so the port is closed when
 * the document goes there, and another one opened when it comes back.
 *
 * A script without exports: content scripts have no modules, and pages of the extension import it for its effect.
 */

(() => {
  const api = /** @type {typeof chrome} */ (/** @type {any} */ (globalThis).browser ?? chrome);
  const FIRST_WAIT_MS = 250;
  const LONGEST_WAIT_MS = 5000;

  /**
   * Opened by `open` or the first `post`, and from then on kept open.
   * @param {string} name
   * @param {{hear: (message: any) => void, down?: (gone: boolean) => void, up?: () => void}} listeners down: the port
   *   closed, and what was asked over it will not be
   *   answered; gone: the extension was updated or removed under this document, and no port opens any more. up: there
   * is another port
   */
  /** @type {any} */ (globalThis).gomaaPort = (
    /** @type {string} */ name,
    /** @type {{hear: (message: any) => void, down?: (gone: boolean) => void, up?: () => void}} */ {
      hear,
      down = () => {},
      up = () => {},
    },
  ) => {
    /** @type {chrome.runtime.Port | null} */
    let port = null;
    let wanted = false;
    let cached = false;
    let wait = FIRST_WAIT_MS;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    function open() {
      wanted = true;
      if (port) return true;
      if (cached) return false;
      let mine;
      try {
        mine = api.runtime.connect({ name });
      } catch {
        return false;
      }
      port = mine;
      mine.onMessage.addListener((message) => {
        wait = FIRST_WAIT_MS;
        if (port === mine) hear(message);
      });
      mine.onDisconnect.addListener(() => {
        void api.runtime.lastError;
        if (port !== mine) return;
        port = null;
        timer = setTimeout(again, wait);
        wait = Math.min(LONGEST_WAIT_MS, wait * 2);
        down(false);
      });
      return true;
    }

    // Also where a message has opened the port already: what lives on the other side has to be told anew.
    function again() {
      if (open()) up();
      else if (!cached) down(true);
    }

    window.addEventListener("pagehide", ({ persisted }) => {
      if (!persisted) return;
      cached = true;
      clearTimeout(timer);
      const mine = port;
      port = null;
      mine?.disconnect();
      if (mine) down(false);
    });
    window.addEventListener("pageshow", ({ persisted }) => {
      if (!persisted || !cached) return;
      cached = false;
      wait = FIRST_WAIT_MS;
      if (wanted) again();
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
})();
