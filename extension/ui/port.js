/**
 * Ports to the engine. The background may be stopped and started by the browser: a port that closes is opened again.
 */

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;
const REQUEST_MS = 60_000;

/**
 * @param {string} name
 * @param {(message: any) => void} onMessage
 * @param {(up: boolean, gone?: boolean) => void} [onUp] up: false when the port closed; gone: it never comes back to this page
 * @returns {{send: (message: object) => boolean}}
 */
export function connect(name, onMessage, onUp = () => {}) {
  /** @type {chrome.runtime.Port | null} */
  let port = null;
  let wait = FIRST_WAIT_MS;
  const open = () => {
    try {
      port = chrome.runtime.connect({ name });
    } catch {
      // The extension was updated or removed under this page; a reload of the page brings the new one.
      onUp(false, true);
      return;
    }
    port.onMessage.addListener((message) => {
      wait = FIRST_WAIT_MS;
      onMessage(message);
    });
    port.onDisconnect.addListener(() => {
      port = null;
      onUp(false);
      setTimeout(open, wait);
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    });
    onUp(true);
  };
  open();
  return {
    send(message) {
      if (!port) return false;
      port.postMessage(message);
      return true;
    },
  };
}

/** A failed request: `code` is of the registry. */
export class RequestError extends Error {
  /** @param {{code?: string, message?: string, detail?: Record<string, unknown>}} error */
  constructor(error) {
    super(error.message ?? error.code ?? "internal");
    this.code = error.code ?? "internal";
    this.detail = error.detail ?? {};
  }
}

/**
 * The `wallet` port: requests with an answer each, and events.
 * @param {(event: {event: string}) => void} onEvent
 * @param {(up: boolean) => void} [onUp]
 * @param {string} [name] "approval": the window that answers sites
 * @returns {(type: string, fields?: object) => Promise<any>}
 */
export function walletPort(onEvent, onUp, name = "wallet") {
  let last = 0;
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void, timer: ReturnType<typeof setTimeout>}>} */
  const open = new Map();
  const settle = (/** @type {number} */ id) => {
    const waiting = open.get(id);
    if (waiting) clearTimeout(waiting.timer);
    open.delete(id);
    return waiting;
  };
  const port = connect(name, (message) => {
    if (typeof message?.event === "string") return onEvent(message);
    const waiting = settle(message?.id);
    if (!waiting) return undefined;
    if (message.ok) waiting.resolve(message.result ?? {});
    else waiting.reject(new RequestError(message.error ?? {}));
    return undefined;
  }, (up) => {
    if (!up) for (const id of [...open.keys()]) settle(id)?.reject(new RequestError({ code: "internal", message: "closed" }));
    onUp?.(up);
  });
  return (type, fields = {}) => new Promise((resolve, reject) => {
    const id = ++last;
    const timer = setTimeout(() => settle(id)?.reject(new RequestError({ code: "internal", message: "no answer" })), REQUEST_MS);
    open.set(id, { resolve, reject, timer });
    if (!port.send({ id, type, ...fields })) settle(id)?.reject(new RequestError({ code: "internal", message: "closed" }));
  });
}
