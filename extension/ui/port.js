/**
 * Ports to the engine, for pages of the extension.
 */

import "../content/port.js";

const REQUEST_MS = 60_000;

/**
 * @param {string} name
 * @param {(message: any) => void} onMessage
 * @param {(up: boolean, gone?: boolean) => void} [onUp] up: false when the port closed; gone: it never comes back to this page
 * @returns {{send: (message: object) => boolean}}
 */
export function connect(name, onMessage, onUp = () => {}) {
  const port = /** @type {any} */ (globalThis).gomaaPort(name, { hear: onMessage, down: (/** @type {boolean} */ gone) => onUp(false, gone), up: () => onUp(true) });
  const up = port.open();
  onUp(up, !up);
  return { send: (message) => port.isOpen() && port.post(message) };
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
