/**
 * Messages between the engine and the background: events in, requests and notifications out.
 */

import { api, inOnePage } from "../shared/compat.js";
import { pair } from "../shared/link.js";
import { Problem } from "../shared/problem.js";
import { RequestMap } from "../shared/rpc.js";

const RECONNECT_MS = 200;

/** @import { DeliveredMessage, EngineMessage, EngineRequest, RequestBody } from "../shared/engine_messages.d.ts" */
/** A message of the background. @typedef {Exclude<EngineMessage, {type: "answer"}>} BackgroundMessage */
/** Also the end of the connection to the background. @typedef {BackgroundMessage | {type: "lost"}} Event */
/** @typedef {import("../shared/protocol.d.ts").HostOperations} HostOperations */

/** @typedef {HostOperations["open"]} Open */

/**
 * Requests of the engine to the host, with `open` as it is before the background completes it, and to the background.
 * @typedef {Omit<HostOperations, "open"> & import("../shared/protocol.d.ts").BackgroundOperations & {
 *   open: {request: Omit<Open["request"], "origin" | "site">, result: Open["result"]},
 * }} NativeOperations
 */

/**
 * Fields of a request; they may be left out where none is required.
 * @template {keyof NativeOperations} K
 * @typedef {{} extends NativeOperations[K]["request"] ? [fields?: NativeOperations[K]["request"]]
 *   : [fields: NativeOperations[K]["request"]]} NativeFields
 */

/** @type {{postMessage: (message: EngineRequest) => void} | null} */
let port = null;
const requests = new RequestMap();
/** @type {(event: Event) => void} */
let listener = () => {};

/** @param {EngineMessage} message */
function onMessage(message) {
  if (message.type !== "answer") return listener(message);
  if (message.ok) requests.resolve(message.id, message.result);
  else requests.reject(message.id, Problem.of(message.error));
}

function open() {
  if (inOnePage) {
    pair.engine.onmessage = ({ data }) => onMessage(data);
    port = pair.engine;
    return;
  }
  const opened = api.runtime.connect({ name: "engine" });
  port = opened;
  opened.onMessage.addListener(onMessage);
  opened.onDisconnect.addListener(() => {
    // The service worker was restarted and has no state: its responses will not come.
    requests.rejectAll(new Problem("host.gone"));
    port = null;
    listener({ type: "lost" });
    setTimeout(open, RECONNECT_MS);
  });
}

/** Connects to the background. @param {(event: Event) => void} onEvent every message that is no response */
export function start(onEvent) {
  listener = onEvent;
  open();
}

/** @param {RequestBody} message @returns {Promise<unknown>} */
function request(message) {
  const current = port;
  if (!current) return Promise.reject(new Problem("host.gone"));
  return requests.request((id) => current.postMessage({ ...message, id }));
}

/**
 * Sends a request to the native host.
 * @template {keyof NativeOperations} K
 * @param {K} op
 * @param {NativeFields<K>} fields
 * @returns {Promise<NativeOperations[K]["result"]>}
 */
export const native = (op, ...[fields]) =>
  /** @type {Promise<NativeOperations[K]["result"]>} */ (request({ type: "native", request: { op, ...fields } }));

/** Reads from the browser's storage. @param {string[]} keys @returns {Promise<Record<string, unknown>>} */
export const readStorage = (keys) =>
  /** @type {Promise<Record<string, unknown>>} */ (request({ type: "storage", get: keys }));

/** Writes to the browser's storage. @param {Record<string, unknown>} values */
export const writeStorage = (values) => request({ type: "storage", set: values });

/**
 * Reads bytes of the song that a page on disk carries: only the page itself may read its file.
 * @param {string} stream
 * @param {number} offset
 * @param {number} size
 * @returns {Promise<string>} base64
 */
export const readPage = (stream, offset, size) =>
  /** @type {Promise<string>} */ (request({ type: "read", stream, offset, size }));

/** Opens or closes the approval window. @param {boolean} open */
export const approve = (open) => request({ type: "approve", open });

/** Sends a message to a page, a player or a screen. @param {number} to @param {DeliveredMessage} message */
export const tell = (to, message) => port?.postMessage({ type: "to", port: to, message });

/** Sets the number of pending decisions on the toolbar button. @param {number} count */
export const badge = (count) => port?.postMessage({ type: "badge", count });

/** Keeps the background running: browsers stop it when it receives no messages. */
export const keepAwake = () => port?.postMessage({ type: "awake" });
