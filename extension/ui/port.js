/**
 * Ports to the engine, for pages of the extension.
 */

import "../content/port.js";

const REQUEST_MS = 60_000;

/**
 * @param {string} name
 * @param {(message: any) => void} onMessage
 * @param {(up: boolean, gone?: boolean) => void} [onUp] up: false when the port closed; gone: it never comes back to
 *   this page
 * @returns {{send: (message: object) => boolean}}
 */
export function connect(name, onMessage, onUp = () => {}) {
  const port = /** @type {any} */ (globalThis).gomaaPort(name, {
    hear: onMessage,
    down: (/** @type {boolean} */ gone) => onUp(false, gone),
    up: () => onUp(true),
  });
  const up = port.open();
  onUp(up, !up);
  return { send: (message) => port.isOpen() && port.post(message) };
}

/** A failed request: `code` is of the registry. */
export class RequestError extends Error {
  /** @param {{code?: string, detail?: Record<string, unknown>}} error @param {string} [message] for developers */
  constructor(error, message = error.code ?? "internal") {
    super(message);
    this.code = error.code ?? "internal";
    this.detail = error.detail ?? {};
  }
}

/** Requests that may be asked twice: they change nothing, or the second one finds what the first one did. */
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
 * Requests that wait for an answer. Where the background was stopped under them, those that may be asked twice are
 * asked again; the others fail.
 */
export class Requests {
  #last = 0;
  /** @type {(message: object) => boolean} */
  #send;
  /**
   * @type {Map<number, {message: {type: string}, resolve: (value: any) => void, reject: (error: Error) => void, timer:
   *   ReturnType<typeof setTimeout>}>}
   */
  #open = new Map();

  /** @param {(message: object) => boolean} send false where there is no port */
  constructor(send) {
    this.#send = send;
  }

  /** @param {string} type @param {object} [fields] @returns {Promise<any>} rejected with a RequestError */
  ask(type, fields = {}) {
    return new Promise((resolve, reject) => {
      const id = ++this.#last;
      const message = { id, type, ...fields };
      const timer = setTimeout(() => this.#fail(id, "no answer"), REQUEST_MS);
      this.#open.set(id, { message, resolve, reject, timer });
      if (!this.#send(message) && !REPEATABLE.has(type)) this.#fail(id, "closed");
    });
  }

  /** @param {any} message an answer */
  hear(message) {
    const asked = this.#settle(message?.id);
    if (!asked) return;
    if (message.ok) asked.resolve(message.result ?? {});
    else asked.reject(new RequestError(message.error ?? {}));
  }

  /** The port has closed. @param {boolean} gone and none opens any more */
  down(gone) {
    for (const [id, { message }] of [...this.#open])
      if (gone || !REPEATABLE.has(message.type)) this.#fail(id, "closed");
  }

  /** There is another port. */
  up() {
    for (const { message } of this.#open.values()) this.#send(message);
  }

  /** @param {number} id */
  #settle(id) {
    const asked = this.#open.get(id);
    clearTimeout(asked?.timer);
    this.#open.delete(id);
    return asked;
  }

  /** @param {number} id @param {string} message */
  #fail(id, message) {
    this.#settle(id)?.reject(new RequestError({ code: "internal" }, message));
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
  const requests = new Requests((message) => port.send(message));
  const port = connect(
    name,
    (message) => (typeof message?.event === "string" ? onEvent(message) : requests.hear(message)),
    (up, gone = false) => {
      if (up) requests.up();
      else requests.down(gone);
      onUp?.(up);
    },
  );
  return (type, fields) => requests.ask(type, fields);
}
