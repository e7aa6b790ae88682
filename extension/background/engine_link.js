/**
 * The background's side of the link to the engine: starts the engine's document where it is missing, and queues
 * messages until it is connected.
 */

import { api, inOnePage } from "../shared/compat.js";

/** @typedef {import("../shared/engine_messages.d.ts").EngineMessage} EngineMessage */
/** @typedef {{postMessage: (message: EngineMessage) => void}} EnginePort */

/** Types of the queued messages that a restarted engine gets beside the restored state: requests. */
const REQUESTS = new Set(["from", "command"]);

/** The connection to the engine, which is started again after its document was closed. */
export class EngineLink {
  /** @type {EnginePort | null} */
  port = null;
  /** True if an engine has disconnected and no other has connected. */
  isLost = false;
  /** Messages that wait for the engine. @type {EngineMessage[]} */
  queue = [];
  /** @type {Promise<void> | null} */
  creating = null;

  /** @param {() => EngineMessage[]} restore messages that restore the state of a restarted engine */
  constructor(restore) {
    this.restore = restore;
  }

  /** Sends a message, or queues it while the engine's document is made. @param {EngineMessage} message */
  send(message) {
    if (this.port) return this.port.postMessage(message);
    this.queue.push(message);
    this.start();
  }

  /** Makes the engine's document, unless it exists. Firefox has it in the background page. */
  start() {
    if (inOnePage) return;
    this.creating ??= createDocument().finally(() => {
      this.creating = null;
    });
  }

  /** Sends the queued messages to an engine that has connected. @param {EnginePort} port */
  attach(port) {
    this.port = port;
    const isRestart = this.isLost;
    this.isLost = false;
    if (isRestart) for (const message of this.restore()) port.postMessage(message);
    // The restored state covers all other messages.
    for (const message of this.queue) if (!isRestart || REQUESTS.has(message.type)) port.postMessage(message);
    this.queue.length = 0;
  }

  /** Handles the end of a port. @param {EnginePort} port @returns {boolean} whether it was the present engine's */
  detach(port) {
    if (this.port !== port) return false;
    this.port = null;
    this.isLost = true;
    return true;
  }
}

const REASONS = /** @type {chrome.offscreen.Reason[]} */ (/** @type {unknown} */ (["AUDIO_PLAYBACK", "WORKERS"]));

async function createDocument() {
  if (await api.offscreen.hasDocument()) return;
  await api.offscreen.createDocument({
    url: "engine/offscreen.html",
    reasons: REASONS,
    justification: "Plays the music of the page, and runs the wallet's Python in a Worker.",
  });
}
