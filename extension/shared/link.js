/**
 * The channel between background and engine where both are in one page (Firefox). A MessageChannel would send each
 * message through Firefox's parent process.
 */

/** @import { EngineMessage } from "./engine_messages.d.ts" */

/**
 * One end of a channel: delivers copies in order, in a microtask, and keeps them until there is a listener.
 * @template Received
 */
export class LocalPort {
  /** @type {((event: {data: Received}) => void) | null} */
  #listener = null;
  /** Messages before there is a listener. @type {unknown[]} */
  #queue = [];
  /** Delivers to the other end. @type {(data: unknown) => void} */
  #send = () => {};

  /** Makes this port and another one the ends of a channel. @template Other @param {LocalPort<Other>} peer */
  connect(peer) {
    this.#send = (data) => peer.#deliver(data);
    peer.#send = (data) => this.#deliver(data);
  }

  /** @param {(event: {data: Received}) => void} listener */
  set onmessage(listener) {
    this.#listener = listener;
    for (const data of this.#queue.splice(0)) this.#deliver(data);
  }

  /** Sends a message to the other end. @param {unknown} message */
  postMessage(message) {
    this.#send(structuredClone(message));
  }

  /** @param {unknown} data */
  #deliver(data) {
    if (!this.#listener) this.#queue.push(data);
    else queueMicrotask(() => this.#listener?.({ data: /** @type {Received} */ (data) }));
  }
}

/** @type {LocalPort<unknown>} */
const background = new LocalPort();
/** @type {LocalPort<EngineMessage>} */
const engine = new LocalPort();
background.connect(engine);

/** The two ends of the channel. */
export const pair = { background, engine };
