/**
 * The background's side of the link to the engine: starts the engine's document where it is missing, and queues
 * messages until it is connected.
 */

import { api, inOnePage } from "../shared/compat.js";

/** @typedef {{type: string, [field: string]: any}} Message */
/** @typedef {{postMessage: (message: any) => void}} EnginePort */

/** Message types that an engine which starts again still has to get: requests of people and pages. */
const REQUESTS = new Set(["from", "command"]);

/** The connection to the engine, which is made again where the engine has gone. */
export class EngineLink {
  /** @type {EnginePort | null} */
  port = null;
  /** Whether an engine has gone without being told to, and no other has connected. */
  isLost = false;
  /** Messages that wait for the engine. @type {Message[]} */
  queue = [];
  /** @type {Promise<void> | null} */
  creating = null;

  /** @param {() => Message[]} restore messages that give an engine which starts again the present state */
  constructor(restore) {
    this.restore = restore;
  }

  /** Sends a message, or queues it while the engine's document is made. @param {Message} message */
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

  /** Sends what has waited to an engine that has connected. @param {EnginePort} port */
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

async function createDocument() {
  if (await api.offscreen.hasDocument()) return;
  await api.offscreen.createDocument({
    url: "engine/offscreen.html",
    reasons: [/** @type {any} */ ("AUDIO_PLAYBACK"), /** @type {any} */ ("WORKERS")],
    justification: "Plays the music of the page, and runs the wallet's Python in a Worker.",
  });
}
