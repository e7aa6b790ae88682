/**
 * Between the page's provider and the background: passes questions and answers on as text. The port is opened by the
 * first question, so that a
 * page without one stays unknown to the extension. It decides nothing; who asks is the browser's word at the other end.
 */

(() => {
  if (!isSecureContext) return;

  const ASK = "gomaa:ask";
  const TELL = "gomaa:tell";
  const MOST = 1 << 20;
  const GONE = { code: 4900, message: "The wallet is disconnected" };
  const WRONG = { code: -32600, message: "A request is {method, params?}" };

  /** The number of the relay's own question after a port was opened anew; the page's begin with 1. */
  const OWN = Number.MAX_SAFE_INTEGER;

  /**
   * Last state sent to the page, compared with the state after a reconnection.
   * @type {{up: boolean, chain: string | null, accounts: string}}
   */
  const last = { up: false, chain: null, accounts: "[]" };
  /** @type {Set<number>} */
  const open = new Set();

  /** @param {object} told */
  const tell = (told) => window.dispatchEvent(new CustomEvent(TELL, { detail: JSON.stringify(told) }));

  /** @param {number} id @param {boolean} ok @param {unknown} value */
  function answer(id, ok, value) {
    if (open.delete(id)) tell({ id, ok, value });
  }

  const port = /** @type {any} */ (globalThis).gomaaPort("provider", {
    hear,
    down() {
      for (const id of [...open]) answer(id, false, GONE);
      if (last.up) tell({ event: "disconnect", value: GONE });
      last.up = false;
    },
    up() {
      port.post({ type: "request", id: OWN, method: "eth_accounts", params: "[]" });
    },
  });

  /** @param {any} message */
  function hear(message) {
    if (message.type === "event") event(message.name, JSON.parse(message.body));
    else if (message.type === "reply" && message.id === OWN)
      message.ok && event("accountsChanged", JSON.parse(message.body));
    else if (message.type === "reply") answer(message.id, message.ok, JSON.parse(message.body));
    else if (message.type === "problem") {
      const flood = message.code === "message.flood";
      answer(message.id, false, {
        code: flood ? -32005 : -32600,
        message: flood ? "Too many requests" : WRONG.message,
        data: { code: message.code },
      });
    }
  }

  /**
   * Emits an event to the page unless it repeats what was sent over an earlier port.
   * @param {string} name
   * @param {any} value
   */
  function event(name, value) {
    if (name === "connect") {
      const { up, chain } = last;
      Object.assign(last, { up: true, chain: value.chainId });
      if (!up) tell({ event: name, value });
      if (chain !== null && chain !== value.chainId) tell({ event: "chainChanged", value: value.chainId });
      return;
    }
    if (name === "disconnect") {
      if (!last.up) return;
      last.up = false;
    } else if (name === "chainChanged") {
      if (last.chain === value) return;
      last.chain = value;
    } else if (name === "accountsChanged") {
      const accounts = JSON.stringify(value);
      if (last.accounts === accounts) return;
      last.accounts = accounts;
    }
    tell({ event: name, value });
  }

  window.addEventListener(ASK, (event) => {
    let asked;
    try {
      asked = JSON.parse(String(/** @type {CustomEvent} */ (event).detail));
    } catch {
      return;
    }
    const { id, method, params } = asked ?? {};
    if (!Number.isSafeInteger(id) || id < 0 || id === OWN || open.has(id)) return;
    open.add(id);
    if (typeof method !== "string" || method.length > 128 || typeof params !== "string" || params.length > MOST)
      return answer(id, false, WRONG);
    // The extension may have been updated or removed under this page.
    if (!port.post({ type: "request", id, method, params })) answer(id, false, GONE);
  });
})();
