/**
 * Ports to the engine, for pages of the extension.
 */

import "../content/port.js";
import { RequestMap } from "../shared/rpc.js";

/** @typedef {import("../shared/wallet_messages.d.ts").ScreenOperations} ScreenOperations */
/** @typedef {import("../shared/wallet_messages.d.ts").WalletEvent} WalletEvent */
/** @typedef {import("../shared/wallet_messages.d.ts").WalletResponse} WalletResponse */
/** @typedef {import("../shared/page_messages.d.ts").ProblemMessage} ProblemMessage */

const TIMEOUT_MS = 60_000;

/**
 * Opens a port and keeps it open.
 * @template Message
 * @param {string} name
 * @param {(message: Message) => void} onMessage
 * @param {(isOpen: boolean, isFinal: boolean) => void} [onChange] `isFinal`: this page can open no other port
 * @returns {{send: (message: object) => boolean}}
 */
export function connect(name, onMessage, onChange = () => {}) {
  /** @type {import("../content/globals.js").PortListeners<Message>} */
  const listeners = {
    onMessage,
    onClosed: (isFinal) => onChange(false, isFinal),
    onOpened: () => onChange(true, false),
  };
  const port = globalThis.gomaaPort(name, listeners);
  const isOpen = port.open();
  onChange(isOpen, !isOpen);
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

/** Requests that may be sent twice: without an effect, or with an effect that happens once. */
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
 * Requests over a port that may close and open again. After the background was stopped, repeatable requests are sent
 * again; the others fail.
 */
export class PortRequests {
  /** @type {RequestMap<unknown, {type: string}>} */
  #pending = new RequestMap();
  /** @type {(message: object) => boolean} */
  #send;

  /** @param {(message: object) => boolean} send false without a port */
  constructor(send) {
    this.#send = send;
  }

  /**
   * Sends a request.
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<unknown>} rejected with a RequestError
   */
  request(type, fields = {}) {
    const message = { type, ...fields };
    return this.#pending.request(
      (id) => {
        if (!this.#send({ id, ...message }) && !REPEATABLE.has(type)) throw internalError("closed");
      },
      { context: message, timeoutMs: TIMEOUT_MS, timeoutError: () => internalError("no answer") },
    );
  }

  /** Settles the request of a response. @param {WalletResponse | ProblemMessage} response */
  onResponse(response) {
    if (response.ok) this.#pending.resolve(response.id, response.result ?? {});
    else this.#pending.reject(response.id, new RequestError(response.error));
  }

  /**
   * Fails the requests that cannot be repeated, after the port has closed.
   * @param {boolean} isFinal whether no port can be opened any more
   */
  onClosed(isFinal) {
    for (const [id, message] of this.#pending.entries())
      if (isFinal || !REPEATABLE.has(message?.type ?? "")) this.#pending.reject(id, internalError("closed"));
  }

  /** Sends the pending requests again over a new port. */
  onOpened() {
    for (const [id, message] of this.#pending.entries()) this.#send({ id, ...message });
  }
}

/** @param {string} message for developers */
const internalError = (message) => new RequestError({ code: "internal" }, message);

/**
 * Opens the port of a wallet screen, for requests and events.
 * @param {(event: WalletEvent) => void} onEvent
 * @param {(isOpen: boolean) => void} [onChange] called when the port opens or closes
 * @param {string} [name] "wallet", or "approval" for the approval window
 * @returns {import("../shared/wallet_messages.d.ts").SendRequest<ScreenOperations>}
 */
export function walletPort(onEvent, onChange, name = "wallet") {
  const requests = new PortRequests((message) => port.send(message));
  const port = connect(
    name,
    (/** @type {WalletEvent | WalletResponse | ProblemMessage} */ message) =>
      "event" in message ? onEvent(message) : requests.onResponse(message),
    (isOpen, isFinal) => {
      if (isOpen) requests.onOpened();
      else requests.onClosed(isFinal);
      onChange?.(isOpen);
    },
  );
  const send = (/** @type {string} */ type, /** @type {object | undefined} */ fields) => requests.request(type, fields);
  // The engine is part of the extension: its responses have the types of the table.
  return /** @type {import("../shared/wallet_messages.d.ts").SendRequest<ScreenOperations>} */ (send);
}
