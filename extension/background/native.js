/**
 * The port to the native host: handshake, requests with an answer each, and knowing why there is none.
 */

import { api } from "../shared/compat.js";
import { Problem } from "../shared/problem.js";
import { Parts } from "./message_parts.js";

export const HOST = "io.gomaa.host";
export const PROTOCOL = 1;
const ANSWER_MS = 30_000;
/** A program that is not there ends the port at once; one that starts on a busy computer takes its time. */
const GREETING_MS = 30_000;
const LEAST_WAIT_MS = 300;
/**
 * Of a host that does not understand this extension, or is not understood: an update replaces its files, not the
 * process.
 */
const SENSELESS = new Set(["host.answer", "host.message.unknown"]);

/**
 * @typedef {{state: "connected" | "missing" | "version" | "gone", version: string | null, networks: any[], code: string
 *   | null}} Status of the connection; code: what a host that is there says against itself
 */

export class Native {
  /** @param {(event: any) => void} onEvent what the host says without being asked, and {event: "host", …} on changes */
  constructor(onEvent) {
    this.onEvent = onEvent;
    /** @type {chrome.runtime.Port | null} */
    this.port = null;
    /**
     * @type {Map<number, {resolve: (value: any) => void, reject: (error: Problem) => void, timer: ReturnType<typeof
     *   setTimeout>}>}
     */
    this.waiting = new Map();
    this.count = 0;
    this.parts = new Parts();
    this.triedAt = -Infinity;
    /** The host behind the present port has said that it is of another version. */
    this.refused = false;
    /** @type {Promise<void> | null} */
    this.opening = null;
    /** @type {Status} */
    this.status = { state: "missing", version: null, networks: [], code: null };
  }

  /**
   * One request. Rejects with the host's own code, or host.missing, host.version, host.gone.
   * @param {Record<string, any>} request op and fields
   */
  async request(request) {
    await this.open();
    return this.post(request);
  }

  /** Connect and shake hands, unless that is done. */
  open() {
    if (this.port && !this.opening) return Promise.resolve();
    this.opening ??= this.connect().finally(() => {
      this.opening = null;
    });
    return this.opening;
  }

  /** @private */
  async connect() {
    const wait = this.triedAt + LEAST_WAIT_MS - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    this.triedAt = performance.now();
    const port = api.runtime.connectNative(HOST);
    this.port = port;
    this.parts.clear();
    this.refused = false;
    let answered = false;
    port.onMessage.addListener((message) => this.hear(message));
    port.onDisconnect.addListener(() => {
      // Reading the error keeps the browser from logging it; Firefox has none.
      void api.runtime.lastError;
      if (this.port !== port) return;
      this.port = null;
      this.lost(answered ? "gone" : "missing");
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
      // A host that did not greet is not connected: the next request tries anew.
      if (this.port === port) {
        this.port = null;
        port.disconnect();
        // A host that greets with an error of its own is there: its ledger is damaged, say, or its disk full.
        const { code } = Problem.of(error);
        const own = code !== "host.missing" && code !== "host.gone" && !this.refused;
        this.lost(own ? "gone" : "missing", own ? code : null);
      }
      throw error;
    }
    answered = true;
    const version = typeof hello.host === "string" ? hello.host : null;
    if (hello.protocol !== PROTOCOL) {
      this.port = null;
      port.disconnect();
      this.refused = true;
      this.set({ version });
      this.lost("missing");
      throw new Problem("host.version", { host: version });
    }
    this.set({
      state: "connected",
      code: null,
      version,
      networks: Array.isArray(hello.networks) ? hello.networks : [],
    });
  }

  /** @private @param {Record<string, any>} request */
  post(request) {
    const id = ++this.count;
    return new Promise((resolve, reject) => {
      if (!this.port) return reject(new Problem("host.gone"));
      const greeting = request["op"] === "hello";
      const timer = setTimeout(
        () => {
          this.waiting.delete(id);
          // What does not greet is no host: the way out is the same as without one, and it is looked for again.
          reject(new Problem(greeting ? "host.missing" : "host.slow", { op: request["op"] }));
        },
        greeting ? GREETING_MS : ANSWER_MS,
      );
      this.waiting.set(id, { resolve, reject, timer });
      this.port.postMessage({ ...request, id });
    });
  }

  /**
   * A host may be of any version or none: what has not the shape of an answer or an event is nothing. @private
   * @param {unknown} message
   */
  hear(message) {
    if (!isObject(message)) return;
    if (message["parts"] !== undefined) return this.join(message);
    // Parts of one message come with nothing between them.
    if (this.parts.open) this.spoilt(null);
    if (typeof message["event"] === "string") {
      if (message["event"] === "networks" && Array.isArray(message["networks"]))
        this.set({ networks: message["networks"] });
      // The state of the connection is this side's own word.
      else if (message["event"] !== "host") this.onEvent(message);
      return;
    }
    const { id, ok, result, error } = message;
    const known = typeof id === "number" && this.waiting.has(id);
    // An error without a number answers a request that the host could not read: hosts read in order, so none is older
    // than the first one waiting.
    const number = known
      ? id
      : ok === false && (id === 0 || id === undefined) && isObject(error)
        ? this.waiting.keys().next().value
        : undefined;
    const asked = number === undefined ? undefined : this.waiting.get(number);
    if (!asked || number === undefined || typeof ok !== "boolean") return;
    this.waiting.delete(number);
    clearTimeout(asked.timer);
    if (ok) {
      if (result === undefined || result === null || isObject(result)) asked.resolve(result ?? {});
      else {
        asked.reject(new Problem("host.answer"));
        this.leave();
      }
      return;
    }
    const problem = Problem.ofHost(error);
    asked.reject(problem);
    if (SENSELESS.has(problem.code)) this.leave();
    if (problem.code === "host.version") this.outdated(String(problem.detail?.["host"] ?? "") || null);
  }

  /**
   * A part of a message. One that does not fit ends its request at once. @private
   * @param {Record<string, any>} piece
   */
  join(piece) {
    let message;
    try {
      message = this.parts.take(piece);
      if (message === undefined) return;
      if (!isObject(message) || message["parts"] !== undefined) throw new Error("no message");
    } catch {
      return this.spoilt(piece["id"]);
    }
    this.hear(message);
  }

  /** The answer to a request did not come whole. @private @param {unknown} id of its last part */
  spoilt(id) {
    for (const number of new Set([id, this.parts.id])) {
      const asked = typeof number === "number" ? this.waiting.get(number) : undefined;
      if (!asked) continue;
      this.waiting.delete(/** @type {number} */ (number));
      clearTimeout(asked.timer);
      asked.reject(new Problem("host.answer"));
    }
    this.parts.clear();
  }

  /**
   * This host is of another version: no more requests to it. The next one looks for the host that has taken its place.
   * @private
   * @param {string | null} version
   */
  outdated(version) {
    this.refused = true;
    this.set({ version });
    this.leave();
  }

  /** Hang up: the next request starts the host that is installed now, which may be a newer one. @private */
  leave() {
    // A greeting under way ends the connection itself.
    if (this.opening) return;
    const { port } = this;
    this.port = null;
    port?.disconnect();
    this.lost("gone");
  }

  /** @private @param {"gone" | "missing"} state @param {string | null} [code] */
  lost(state, code = null) {
    // A host that said it is of another version hangs up afterwards: that is still the reason, until the next one
    // answers or does not.
    const final = this.refused ? "version" : this.status.state === "connected" ? "gone" : state;
    this.set({ state: final, code });
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject, timer } of waiting) {
      clearTimeout(timer);
      reject(new Problem(code ?? `host.${final}`));
    }
  }

  /** @private @param {Partial<Status>} change */
  set(change) {
    this.status = { ...this.status, ...change };
    this.onEvent({ event: "host", status: this.status });
  }
}

/** @param {unknown} value @returns {value is Record<string, any>} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
