/**
 * In the page's own world: the wallet's provider (EIP-1193), announced by EIP-6963. It does not set window.ethereum and
 * has no data of the fan: the extension decides each request by the origin that the browser reports.
 */

(() => {
  // Accounts are for secure contexts only; the extension refuses the others too.
  if (!isSecureContext) return;

  const REQUEST_EVENT = "gomaa:ask";
  const RESPONSE_EVENT = "gomaa:tell";
  const ICON =
    "data:image/svg+xml," +
    encodeURIComponent(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="128" height="128"><rect width="32" height="32" rx="9" fill="#7d2450"/><path d="M22.6 9.9A9 9 0 1 0 25 16h-6" fill="none" stroke="#fff5f8" stroke-width="3.4" stroke-linecap="round" stroke-linejoin="round"/><circle cx="16" cy="16" r="2.6" fill="#f0ae4b"/></svg>',
    );
  const EVENTS = new Set(["connect", "disconnect", "chainChanged", "accountsChanged", "message"]);
  const { parse, stringify } = JSON;

  /** @param {{code: number, message: string, data?: unknown}} error */
  const failure = ({ code, message, data }) => Object.assign(new Error(message), { code, data });

  let lastId = 0;
  /** @type {Map<number, {resolve: (value: unknown) => void, reject: (error: Error) => void}>} */
  const pending = new Map();
  /** @type {Map<string, Set<(value: unknown) => void>>} */
  const listeners = new Map();
  let connected = false;

  /** @param {string} name of the event @param {unknown} value */
  function emit(name, value) {
    for (const listener of [...(listeners.get(name) ?? [])]) {
      try {
        listener(value);
      } catch (error) {
        // An error of one listener must not keep the event from the others; a rejection names no file of the extension.
        void Promise.reject(error);
      }
    }
  }

  /** Settles a request, or passes an event on. @param {Event} event */
  function onEvent(event) {
    let message;
    try {
      message = parse(String(/** @type {CustomEvent} */ (event).detail));
    } catch {
      return;
    }
    if (typeof message?.event === "string") {
      if (!EVENTS.has(message.event)) return;
      if (message.event === "connect") connected = true;
      if (message.event === "disconnect") connected = false;
      emit(message.event, message.event === "disconnect" ? failure(message.value) : message.value);
      return;
    }
    const request = pending.get(message?.id);
    pending.delete(message?.id);
    if (message?.ok === true) request?.resolve(message.value);
    else request?.reject(failure(message?.value ?? { code: -32603, message: "Internal error" }));
  }
  window.addEventListener(RESPONSE_EVENT, onEvent);

  const provider = Object.freeze({
    isGoMAA: true,

    isConnected: () => connected,

    /** @param {{method: string, params?: readonly unknown[] | object}} args EIP-1193 */
    request(args) {
      return new Promise((resolve, reject) => {
        const { method, params } = args ?? {};
        if (
          typeof method !== "string" ||
          method === "" ||
          (params !== undefined && (typeof params !== "object" || params === null))
        ) {
          return reject(failure({ code: -32600, message: "A request is {method, params?}" }));
        }
        let detail;
        try {
          detail = stringify({ id: ++lastId, method, params: stringify(params ?? []) });
        } catch {
          return reject(failure({ code: -32602, message: "Parameters that are no JSON" }));
        }
        pending.set(lastId, { resolve, reject });
        window.dispatchEvent(new CustomEvent(REQUEST_EVENT, { detail }));
      });
    },

    /** @param {string} name @param {(value: unknown) => void} listener */
    on(name, listener) {
      if (typeof listener !== "function") return provider;
      if (!listeners.has(name)) listeners.set(name, new Set());
      listeners.get(name)?.add(listener);
      return provider;
    },

    /** @param {string} name @param {(value: unknown) => void} listener */
    removeListener(name, listener) {
      listeners.get(name)?.delete(listener);
      return provider;
    },
  });

  // A new uuid for each load: pages cannot recognise a fan by it.
  const info = Object.freeze({ uuid: crypto.randomUUID(), name: "GoMAA", icon: ICON, rdns: "io.gomaa.wallet" });
  const announce = () =>
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
//# sourceURL=gomaa-provider.js
