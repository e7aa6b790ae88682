/**
 * The port to the native host: handshake, requests and responses, and the status of the connection.
 */

import { api } from "../shared/compat.js";
import { Problem } from "../shared/problem.js";
import { RequestMap } from "../shared/rpc.js";
import { MessageParts } from "./message_parts.js";

export const HOST = "io.gomaa.host";
export const PROTOCOL = 1;
const RESPONSE_MS = 30_000;
/** A missing program closes the port at once; one that starts on a busy computer may need this long. */
const HANDSHAKE_MS = 30_000;
/** Least time between two attempts to connect. */
const RECONNECT_MS = 300;
/**
 * Codes of a host that speaks another protocol. The connection is closed: an update replaces the host's files, not the
 * running process.
 */
const INCOMPATIBLE = new Set(["host.answer", "host.message.unknown"]);

/** @typedef {import("../shared/protocol.d.ts").StatusResult} Status */

/** @typedef {Record<string, unknown>} JsonObject */
/** @typedef {import("../shared/engine_messages.d.ts").NativeEvent} NativeEvent */
/** @typedef {import("../shared/protocol.d.ts").HostOperations} HostOperations */
/**
 * A request: operation and fields.
 * @typedef {{[K in keyof HostOperations]: {op: K} & HostOperations[K]["request"]}[keyof HostOperations]} HostRequest
 */

/** Client of the native-messaging host: connects at the first request and again after the host has gone. */
export class Native {
  /** @param {(event: NativeEvent) => void} onEvent events of the host, and "host" when the status changes */
  constructor(onEvent) {
    this.onEvent = onEvent;
    /** @type {chrome.runtime.Port | null} */
    this.port = null;
    this.requests = new RequestMap();
    this.parts = new MessageParts();
    this.triedAt = -Infinity;
    /** True if the host behind the present port is of another version. */
    this.isRefused = false;
    /** @type {Promise<void> | null} */
    this.opening = null;
    /** @type {Status} */
    this.status = { state: "missing", version: null, networks: [], code: null };
  }

  /**
   * Sends one request and returns its result.
   * @template {HostRequest} R
   * @param {R} request
   * @returns {Promise<HostOperations[R["op"]]["result"]>} rejected with the host's code, or host.missing, host.version,
   *   host.gone, host.slow
   */
  async request(request) {
    await this.open();
    return this.post(request);
  }

  /** Connects and shakes hands, unless that is done. */
  open() {
    if (this.port && !this.opening) return Promise.resolve();
    this.opening ??= this.connect().finally(() => {
      this.opening = null;
    });
    return this.opening;
  }

  /** @private */
  async connect() {
    const wait = this.triedAt + RECONNECT_MS - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    this.triedAt = performance.now();
    const port = api.runtime.connectNative(HOST);
    this.port = port;
    this.parts.clear();
    this.isRefused = false;
    let greeted = false;
    port.onMessage.addListener((message) => this.onMessage(message));
    port.onDisconnect.addListener(() => {
      // Reading the error keeps the browser from logging it; Firefox has none.
      void api.runtime.lastError;
      if (this.port !== port) return;
      this.port = null;
      this.disconnected(greeted ? "gone" : "missing");
    });
    let hello;
    try {
      hello = await this.post({
        op: "hello",
        protocol: PROTOCOL,
        extension: api.runtime.getManifest().version,
        browser: navigator.userAgent,
      });
    } catch (error) {
      // Without a handshake there is no connection: the next request tries again.
      if (this.port === port) {
        this.port = null;
        port.disconnect();
        // A host that refuses the handshake with an error of its own is running: a damaged ledger, a full disk.
        const { code } = Problem.of(error);
        const isRunning = code !== "host.missing" && code !== "host.gone" && !this.isRefused;
        this.disconnected(isRunning ? "gone" : "missing", isRunning ? code : null);
      }
      throw error;
    }
    greeted = true;
    const version = typeof hello.host === "string" ? hello.host : null;
    if (hello.protocol !== PROTOCOL) {
      this.port = null;
      port.disconnect();
      this.isRefused = true;
      this.setStatus({ version });
      this.disconnected("missing");
      throw new Problem("host.version", { host: version });
    }
    this.setStatus({
      state: "connected",
      code: null,
      version,
      networks: Array.isArray(hello.networks) ? hello.networks : [],
    });
  }

  /** @private @template {HostRequest} R @param {R} request @returns {Promise<HostOperations[R["op"]]["result"]>} */
  post(request) {
    const { port } = this;
    if (!port) return Promise.reject(new Problem("host.gone"));
    const isHandshake = request.op === "hello";
    const response = this.requests.request((id) => port.postMessage({ ...request, id }), {
      timeoutMs: isHandshake ? HANDSHAKE_MS : RESPONSE_MS,
      // A program that does not shake hands counts as missing: the help for both is the same.
      timeoutError: () => new Problem(isHandshake ? "host.missing" : "host.slow", { op: request.op }),
    });
    return /** @type {Promise<HostOperations[R["op"]]["result"]>} */ (response);
  }

  /**
   * Handles one message of the host. It may be of any version: what is neither a response nor an event is ignored.
   * @private
   * @param {unknown} message
   */
  onMessage(message) {
    if (!isObject(message)) return;
    if (message["parts"] !== undefined) return this.addPart(message);
    // Nothing comes between the parts of one message.
    if (this.parts.open) this.dropParts(null);
    if (typeof message["event"] === "string") return this.forwardEvent(message);
    const { ok, result, error } = message;
    const requestId = this.requestOf(message);
    if (requestId === undefined || typeof ok !== "boolean") return;
    if (ok) {
      if (result === undefined || result === null || isObject(result))
        this.requests.resolve(requestId, result === undefined ? {} : result);
      else {
        this.requests.reject(requestId, new Problem("host.answer"));
        this.disconnect();
      }
      return;
    }
    const problem = Problem.ofHost(error);
    this.requests.reject(requestId, problem);
    if (INCOMPATIBLE.has(problem.code)) this.disconnect();
    if (problem.code === "host.version") this.refuse(String(problem.detail?.["host"] ?? "") || null);
  }

  /** @private @param {JsonObject} event */
  forwardEvent(event) {
    if (event["event"] === "networks" && Array.isArray(event["networks"]))
      this.setStatus({ networks: event["networks"] });
    // Only this side reports the status of the connection.
    else if (event["event"] !== "host") this.onEvent(/** @type {NativeEvent} */ (/** @type {unknown} */ (event)));
  }

  /**
   * The request that a response answers. An error without an id answers a request that the host could not read: it
   * reads in order, so that is the oldest pending one.
   * @private
   * @param {JsonObject} response
   * @returns {number | undefined}
   */
  requestOf({ id, ok, error }) {
    if (typeof id === "number" && this.requests.has(id)) return id;
    return ok === false && (id === 0 || id === undefined) && isObject(error) ? this.requests.oldest : undefined;
  }

  /**
   * Adds a part of a message. One that does not fit fails its request at once.
   * @private
   * @param {JsonObject} part
   */
  addPart(part) {
    let message;
    try {
      message = this.parts.take(part);
      if (message === undefined) return;
      if (!isObject(message) || message["parts"] !== undefined) throw new Error("no message");
    } catch {
      return this.dropParts(part["id"]);
    }
    this.onMessage(message);
  }

  /** Fails the requests whose response did not arrive whole. @private @param {unknown} id of the last part */
  dropParts(id) {
    for (const requestId of new Set([id, this.parts.id])) this.requests.reject(requestId, new Problem("host.answer"));
    this.parts.clear();
  }

  /**
   * Closes the connection to a host of another version: the next request starts the one that is installed then.
   * @private
   * @param {string | null} version
   */
  refuse(version) {
    this.isRefused = true;
    this.setStatus({ version });
    this.disconnect();
  }

  /** Closes the port; the next request starts the host that is installed then, perhaps a newer one. @private */
  disconnect() {
    // `connect` closes the port itself.
    if (this.opening) return;
    const { port } = this;
    this.port = null;
    port?.disconnect();
    this.disconnected("gone");
  }

  /** @private @param {"gone" | "missing"} state @param {string | null} [code] */
  disconnected(state, code = null) {
    // A host that refused by its version closes the port afterwards: the version stays the reason until the next
    // handshake.
    const final = this.isRefused ? "version" : this.status.state === "connected" ? "gone" : state;
    this.setStatus({ state: final, code });
    this.requests.rejectAll(new Problem(code ?? `host.${final}`));
  }

  /** @private @param {Partial<Status>} change */
  setStatus(change) {
    this.status = { ...this.status, ...change };
    this.onEvent({ event: "host", status: this.status });
  }
}

/** @param {unknown} value @returns {value is JsonObject} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
