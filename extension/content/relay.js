/**
 * Relays requests and responses as text between the page's provider and the background. The first request opens the
 * port, so pages that make no request have none. The origin is the one that the browser reports to the background.
 */

(() => {
  if (!isSecureContext) return;

  const REQUEST_EVENT = "gomaa:ask";
  const RESPONSE_EVENT = "gomaa:tell";
  const MAX_PARAMS_CHARS = 1 << 20;
  const MAX_METHOD_CHARS = 128;
  const DISCONNECTED = { code: 4900, message: "The wallet is disconnected" };
  const INVALID_REQUEST = { code: -32600, message: "A request is {method, params?}" };

  /** Id of the relay's own request after a port was reopened; the ids of the page begin with 1. */
  const OWN_ID = Number.MAX_SAFE_INTEGER;

  /**
   * Last state sent to the page; compared with the state after a reconnection.
   * @type {{up: boolean, chain: string | null, accounts: string}}
   */
  const last = { up: false, chain: null, accounts: "[]" };
  /** @type {Set<number>} */
  const pending = new Set();

  /** @param {object} message */
  const send = (message) => window.dispatchEvent(new CustomEvent(RESPONSE_EVENT, { detail: JSON.stringify(message) }));

  /** Responds to a pending request of the page. @param {number} id @param {boolean} ok @param {unknown} value */
  function respond(id, ok, value) {
    if (pending.delete(id)) send({ id, ok, value });
  }

  const port = globalThis.gomaaPort("provider", {
    onMessage,
    onClosed() {
      for (const id of [...pending]) respond(id, false, DISCONNECTED);
      if (last.up) send({ event: "disconnect", value: DISCONNECTED });
      last.up = false;
    },
    onOpened() {
      port.post({ type: "request", id: OWN_ID, method: "eth_accounts", params: "[]" });
    },
  });

  /** @param {import("../shared/provider_messages.d.ts").ProviderMessage} message */
  function onMessage(message) {
    if (message.type === "problem") {
      const isFlood = message.code === "message.flood";
      respond(message.id ?? -1, false, {
        code: isFlood ? -32005 : -32600,
        message: isFlood ? "Too many requests" : INVALID_REQUEST.message,
        data: { code: message.code },
      });
      return;
    }
    /** @type {unknown} */
    const value = JSON.parse(message.body);
    if (message.type === "event") onEvent(message.name, value);
    else if (message.id !== OWN_ID) respond(message.id, message.ok, value);
    else if (message.ok) onEvent("accountsChanged", value);
  }

  /**
   * Emits an event to the page unless it repeats what was sent over an earlier port.
   * @param {string} name
   * @param {unknown} value
   */
  function onEvent(name, value) {
    if (name === "connect") {
      const { up, chain } = last;
      const { chainId } = /** @type {{chainId: string}} */ (value);
      Object.assign(last, { up: true, chain: chainId });
      if (!up) send({ event: name, value });
      if (chain !== null && chain !== chainId) send({ event: "chainChanged", value: chainId });
      return;
    }
    if (name === "disconnect") {
      if (!last.up) return;
      last.up = false;
    } else if (name === "chainChanged") {
      if (last.chain === value) return;
      last.chain = String(value);
    } else if (name === "accountsChanged") {
      const accounts = JSON.stringify(value);
      if (last.accounts === accounts) return;
      last.accounts = accounts;
    }
    send({ event: name, value });
  }

  window.addEventListener(REQUEST_EVENT, (event) => {
    let request;
    try {
      request = JSON.parse(String(/** @type {CustomEvent} */ (event).detail));
    } catch {
      return;
    }
    const { id, method, params } = request ?? {};
    if (!Number.isSafeInteger(id) || id < 0 || id === OWN_ID || pending.has(id)) return;
    pending.add(id);
    if (
      typeof method !== "string" ||
      method.length > MAX_METHOD_CHARS ||
      typeof params !== "string" ||
      params.length > MAX_PARAMS_CHARS
    )
      return respond(id, false, INVALID_REQUEST);
    // The extension may have been updated or removed under this page.
    if (!port.post({ type: "request", id, method, params })) respond(id, false, DISCONNECTED);
  });
})();
