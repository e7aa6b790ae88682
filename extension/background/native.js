/**
 * The port to the native host: handshake, requests with an answer each, and knowing why there is none.
 */

import { api } from "../shared/compat.js";
import { Problem } from "../shared/problem.js";

export const HOST = "io.gomaa.host";
export const PROTOCOL = 1;
const ANSWER_MS = 30_000;
const LEAST_WAIT_MS = 300;

/** @typedef {{state: "connected" | "missing" | "version" | "gone", version: string | null, device: string | null, networks: any[]}} Status */

export class Native {
  /** @param {(event: any) => void} onEvent what the host says without being asked, and {event: "host", …} on changes */
  constructor(onEvent) {
    this.onEvent = onEvent;
    /** @type {chrome.runtime.Port | null} */
    this.port = null;
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Problem) => void, timer: ReturnType<typeof setTimeout>}>} */
    this.waiting = new Map();
    this.count = 0;
    this.triedAt = -Infinity;
    /** @type {Promise<void> | null} */
    this.opening = null;
    /** @type {Status} */
    this.status = { state: "missing", version: null, device: null, networks: [] };
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
      hello = await this.post({ op: "hello", protocol: PROTOCOL, extension: api.runtime.getManifest().version, browser: navigator.userAgent });
    } catch (error) {
      // A host that did not greet is not connected: the next request tries anew.
      if (this.port === port) {
        this.port = null;
        port.disconnect();
      }
      throw error;
    }
    answered = true;
    if (hello.protocol !== PROTOCOL) {
      this.set({ state: "version", version: hello.host ?? null });
      port.disconnect();
      this.port = null;
      throw new Problem("host.version", { host: hello.host });
    }
    this.set({ state: "connected", version: hello.host, device: hello.device, networks: hello.networks ?? [] });
  }

  /** @private @param {Record<string, any>} request */
  post(request) {
    const id = ++this.count;
    return new Promise((resolve, reject) => {
      if (!this.port) return reject(new Problem("host.gone"));
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Problem("host.gone", { op: request["op"], reason: "no answer" }));
      }, ANSWER_MS);
      this.waiting.set(id, { resolve, reject, timer });
      this.port.postMessage({ ...request, id });
    });
  }

  /** @private @param {any} message */
  hear(message) {
    if (typeof message !== "object" || message === null) return;
    if (typeof message.event === "string") return this.onEvent(message);
    const asked = this.waiting.get(message.id);
    if (!asked) return;
    this.waiting.delete(message.id);
    clearTimeout(asked.timer);
    if (message.ok) asked.resolve(message.result ?? {});
    else {
      const problem = Problem.of(message.error);
      if (problem.code === "host.version") this.set({ state: "version", version: String(problem.detail["host"] ?? "") || null });
      asked.reject(problem);
    }
  }

  /** @private @param {"gone" | "missing"} state */
  lost(state) {
    // A host that said it is of another version hangs up afterwards: that is still the reason.
    const final = this.status.state === "version" ? "version" : this.status.state === "connected" ? "gone" : state;
    this.set({ state: final });
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(new Problem(`host.${final}`));
    }
    this.waiting.clear();
  }

  /** @private @param {Partial<Status>} change */
  set(change) {
    this.status = { ...this.status, ...change };
    this.onEvent({ event: "host", status: this.status });
  }
}
