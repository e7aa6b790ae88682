/**
 * Between the page's provider and the background: passes questions and answers on as text. The port is opened by the first question, so that a
 * page without one stays unknown to the extension. It decides nothing; who asks is the browser's word at the other end.
 */

(() => {
  if (!isSecureContext) return;

  const api = /** @type {typeof chrome} */ (/** @type {any} */ (globalThis).browser ?? chrome);
  const ASK = "gomaa:ask";
  const TELL = "gomaa:tell";
  const MOST = 1 << 20;
  const GONE = { code: 4900, message: "The wallet is disconnected" };
  const WRONG = { code: -32600, message: "A request is {method, params?}" };

  /** @type {chrome.runtime.Port | null} */
  let port = null;
  /** @type {Set<number>} */
  const open = new Set();

  /** @param {object} told */
  const tell = (told) => window.dispatchEvent(new CustomEvent(TELL, { detail: JSON.stringify(told) }));

  /** @param {number} id @param {boolean} ok @param {unknown} value */
  function answer(id, ok, value) {
    if (open.delete(id)) tell({ id, ok, value });
  }

  function connect() {
    if (port) return port;
    const mine = api.runtime.connect({ name: "provider" });
    port = mine;
    mine.onMessage.addListener(hear);
    mine.onDisconnect.addListener(() => {
      void api.runtime.lastError;
      if (port === mine) port = null;
      for (const id of [...open]) answer(id, false, GONE);
      tell({ event: "disconnect", value: GONE });
    });
    return mine;
  }

  /** @param {any} message */
  function hear(message) {
    if (message.type === "event") tell({ event: message.name, value: JSON.parse(message.body) });
    else if (message.type === "reply") answer(message.id, message.ok, JSON.parse(message.body));
    else if (message.type === "problem") {
      const flood = message.code === "message.flood";
      answer(message.id, false, { code: flood ? -32005 : -32600, message: flood ? "Too many requests" : WRONG.message, data: { code: message.code } });
    }
  }

  window.addEventListener(ASK, (event) => {
    let asked;
    try {
      asked = JSON.parse(String(/** @type {CustomEvent} */ (event).detail));
    } catch {
      return;
    }
    const { id, method, params } = asked ?? {};
    if (!Number.isSafeInteger(id) || id < 0 || open.has(id)) return;
    open.add(id);
    if (typeof method !== "string" || method.length > 128 || typeof params !== "string" || params.length > MOST) return answer(id, false, WRONG);
    try {
      connect().postMessage({ type: "request", id, method, params });
    } catch {
      // The extension was updated or removed under this page.
      answer(id, false, GONE);
    }
  });
})();
