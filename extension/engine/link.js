/**
 * The engine's line to the background: events in, requests out.
 */

import { api, inOnePage } from "../shared/compat.js";
import { pair } from "../shared/link.js";
import { Problem } from "../shared/problem.js";

const AGAIN_MS = 200;

/** @type {{postMessage: (message: any) => void} | null} */
let port = null;
let count = 0;
/** @type {Map<number, {resolve: (value: any) => void, reject: (error: Problem) => void}>} */
const waiting = new Map();
/** @type {(message: any) => void} */
let listener = () => {};

/** @param {any} message */
function hear(message) {
  if (message.type !== "answer") return listener(message);
  const asked = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.ok) asked?.resolve(message.result);
  else asked?.reject(Problem.of(message.error));
}

function open() {
  if (inOnePage) {
    pair.engine.onmessage = ({ data }) => hear(data);
    port = pair.engine;
    return;
  }
  const mine = api.runtime.connect({ name: "engine" });
  port = mine;
  mine.onMessage.addListener(hear);
  mine.onDisconnect.addListener(() => {
    // The service worker was restarted: what it owed us it will never answer.
    for (const { reject } of waiting.values()) reject(new Problem("host.gone"));
    waiting.clear();
    port = null;
    listener({ type: "lost" });
    setTimeout(open, AGAIN_MS);
  });
}

/** @param {(message: any) => void} onMessage */
export function start(onMessage) {
  listener = onMessage;
  open();
}

/** @param {any} message @returns {Promise<any>} */
function ask(message) {
  return new Promise((resolve, reject) => {
    if (!port) return reject(new Problem("host.gone"));
    const id = ++count;
    waiting.set(id, { resolve, reject });
    port.postMessage({ ...message, id });
  });
}

/** A request to the native host. @param {string} op @param {Record<string, unknown>} [fields] */
export const native = (op, fields = {}) => ask({ type: "native", request: { op, ...fields } });

/** @param {string[]} keys @returns {Promise<Record<string, any>>} */
export const recall = (keys) => ask({ type: "storage", get: keys });

/** @param {Record<string, unknown>} values */
export const keep = (values) => ask({ type: "storage", set: values });

/**
 * Bytes of the song that a page on disk carries, base64: nobody but the page may read its file.
 * @param {string} stream
 * @param {number} offset
 * @param {number} size
 * @returns {Promise<string>}
 */
export const readPage = (stream, offset, size) => ask({ type: "read", stream, offset, size });

/** Show the window for answering sites, or close it. @param {boolean} open */
export const approve = (open) => ask({ type: "approve", open });

/** A message to a player or a screen. @param {number} to @param {any} message */
export const tell = (to, message) => port?.postMessage({ type: "to", port: to, message });

/** So much waits for a decision in the extension's own window. @param {number} count */
export const badge = (count) => port?.postMessage({ type: "badge", count });

/** A word to the background, which browsers stop when it hears nothing. */
export const keepAwake = () => port?.postMessage({ type: "awake" });
