/**
 * In the page's own world: the wallet's provider (EIP-1193), announced by EIP-6963. It never takes window.ethereum, and
 * holds nothing of the fan:
 * every question goes to the extension, which decides by the origin that the browser names.
 */

(() => {
  // Accounts are for pages that nobody on the way could have altered; the extension refuses the others too.
  if (!isSecureContext) return;

  const ASK = "gomaa:ask";
  const TELL = "gomaa:tell";
  const ICON =
    "data:image/svg+xml," +
    encodeURIComponent(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="128" height="128"><rect width="32" height="32" rx="9" fill="#7d2450"/><path d="M22.6 9.9A9 9 0 1 0 25 16h-6" fill="none" stroke="#fff5f8" stroke-width="3.4" stroke-linecap="round" stroke-linejoin="round"/><circle cx="16" cy="16" r="2.6" fill="#f0ae4b"/></svg>',
    );
  const EVENTS = new Set(["connect", "disconnect", "chainChanged", "accountsChanged", "message"]);
  const { parse, stringify } = JSON;

  /** @param {{code: number, message: string, data?: unknown}} error */
  const failure = ({ code, message, data }) => Object.assign(new Error(message), { code, data });

  let count = 0;
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  /** @type {Map<string, Set<(value: any) => void>>} */
  const listeners = new Map();
  let connected = false;

  /** @param {string} name @param {unknown} value */
  function emit(name, value) {
    for (const listener of [...(listeners.get(name) ?? [])]) {
      try {
        listener(value);
      } catch (error) {
        // A page's own mistake is its own, and does not keep the others from hearing; a rejection names no file of the
        // extension.
        void Promise.reject(error);
      }
    }
  }

  /** @param {Event} event */
  function hear(event) {
    let told;
    try {
      told = parse(String(/** @type {CustomEvent} */ (event).detail));
    } catch {
      return;
    }
    if (typeof told?.event === "string") {
      if (!EVENTS.has(told.event)) return;
      if (told.event === "connect") connected = true;
      if (told.event === "disconnect") connected = false;
      emit(told.event, told.event === "disconnect" ? failure(told.value) : told.value);
      return;
    }
    const asked = waiting.get(told?.id);
    waiting.delete(told?.id);
    if (told?.ok === true) asked?.resolve(told.value);
    else asked?.reject(failure(told?.value ?? { code: -32603, message: "Internal error" }));
  }
  window.addEventListener(TELL, hear);

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
          detail = stringify({ id: ++count, method, params: stringify(params ?? []) });
        } catch {
          return reject(failure({ code: -32602, message: "Parameters that are no JSON" }));
        }
        waiting.set(count, { resolve, reject });
        window.dispatchEvent(new CustomEvent(ASK, { detail }));
      });
    },

    /** @param {string} name @param {(value: any) => void} listener */
    on(name, listener) {
      if (typeof listener !== "function") return provider;
      if (!listeners.has(name)) listeners.set(name, new Set());
      listeners.get(name)?.add(listener);
      return provider;
    },

    /** @param {string} name @param {(value: any) => void} listener */
    removeListener(name, listener) {
      listeners.get(name)?.delete(listener);
      return provider;
    },
  });

  // A new name each time the page is loaded: it tells no page that it met this fan before.
  const info = Object.freeze({ uuid: crypto.randomUUID(), name: "GoMAA", icon: ICON, rdns: "io.gomaa.wallet" });
  const announce = () =>
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
//# sourceURL=gomaa-provider.js
