/**
 * Ports to the engine, for pages of the extension.
 */

import "../content/port.js";
import { RequestMap } from "../shared/rpc.js";

const REQUEST_MS = 60_000;

/**
 * Opens a port and keeps it open.
 * @param {string} name
 * @param {(message: any) => void} onMessage
 * @param {(up: boolean, gone?: boolean) => void} [onUp] up: whether the port is open; gone: it cannot be opened again
 *   in this page
 * @returns {{send: (message: object) => boolean}}
 */
export function connect(name, onMessage, onUp = () => {}) {
  const port = /** @type {any} */ (globalThis).gomaaPort(name, {
    onMessage,
    onClosed: (/** @type {boolean} */ gone) => onUp(false, gone),
    onOpened: () => onUp(true),
  });
  const up = port.open();
  onUp(up, !up);
  return { send: (message) => port.isOpen() && port.post(message) };
}

/** A failed request; `code` is one of docs/protocol.md section 7. */
export class RequestError extends Error {
  /** @param {{code?: string, detail?: Record<string, unknown>}} error @param {string} [message] for developers */
  constructor(error, message = error.code ?? "internal") {
    super(message);
    this.code = error.code ?? "internal";
    this.detail = error.detail ?? {};
  }
}

/** Requests that may be sent twice: they change nothing, or the second one finds what the first one did. */
const REPEATABLE = new Set([
  "wallet.status",
  "wallet.propose",
  "wallet.spelling",
  "wallet.unlock",
  "wallet.lock",
  "wallet.words",
  "wallet.summary",
  "wallet.activity",
  "wallet.playing",
  "wallet.origin",
  "wallet.accounts",
  "wallet.contacts",
  "wallet.networks",
  "wallet.sites",
  "wallet.permits",
  "wallet.listening",
  "host.status",
  "approval.next",
  "approval.done",
]);

/**
 * Requests over a port that may close and open again. Where the background was stopped, repeatable requests are sent
 * again; the others fail.
 */
export class PortRequests {
  /** @type {RequestMap<{type: string}>} */
  #pending = new RequestMap();
  /** @type {(message: object) => boolean} */
  #send;

  /** @param {(message: object) => boolean} send false where there is no port */
  constructor(send) {
    this.#send = send;
  }

  /**
   * Sends a request.
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<any>} rejected with a RequestError
   */
  request(type, fields = {}) {
    const message = { type, ...fields };
    return this.#pending.request(
      (id) => {
        if (!this.#send({ id, ...message }) && !REPEATABLE.has(type)) throw failure("closed");
      },
      { context: message, timeoutMs: REQUEST_MS, timeoutError: () => failure("no answer") },
    );
  }

  /** Settles the request that a response answers. @param {any} message */
  onResponse(message) {
    if (message?.ok) this.#pending.resolve(message.id, message.result ?? {});
    else this.#pending.reject(message?.id, new RequestError(message?.error ?? {}));
  }

  /**
   * Fails the requests that cannot be repeated, after the port has closed.
   * @param {boolean} isFinal whether no port opens any more
   */
  onClosed(isFinal) {
    for (const [id, message] of this.#pending.entries())
      if (isFinal || !REPEATABLE.has(message?.type ?? "")) this.#pending.reject(id, failure("closed"));
  }

  /** Sends the pending requests again over a new port. */
  onOpened() {
    for (const [id, message] of this.#pending.entries()) this.#send({ id, ...message });
  }
}

/** @param {string} message for developers */
const failure = (message) => new RequestError({ code: "internal" }, message);

/**
 * Opens the port of a wallet screen, for requests and events.
 * @param {(event: {event: string}) => void} onEvent
 * @param {(up: boolean) => void} [onUp] called when the port opens or closes
 * @param {string} [name] "wallet", or "approval" for the approval window
 * @returns {(type: string, fields?: object) => Promise<any>} sends a request
 */
export function walletPort(onEvent, onUp, name = "wallet") {
  const requests = new PortRequests((message) => port.send(message));
  const port = connect(
    name,
    (message) => (typeof message?.event === "string" ? onEvent(message) : requests.onResponse(message)),
    (up, gone = false) => {
      if (up) requests.onOpened();
      else requests.onClosed(gone);
      onUp?.(up);
    },
  );
  return (type, fields) => requests.request(type, fields);
}
