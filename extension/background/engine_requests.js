/**
 * Requests of the engine that the background performs: to the native host, to storage and for the approval window.
 */

import { Problem } from "../shared/problem.js";

/** @typedef {import("../shared/engine_messages.d.ts").BackgroundRequest} BackgroundRequest */
/** @typedef {import("../shared/engine_messages.d.ts").NativeRequest} NativeRequest */
/** @typedef {import("./native.js").HostRequest} HostRequest */
/** @typedef {{get: (keys: string[]) => Promise<object>, set: (values: object) => Promise<void>}} StorageArea */

/** Performs requests of the engine and sends their responses. */
export class EngineRequests {
  /**
   * @param {object} parts
   * @param {Pick<import("./engine_link.js").EngineLink, "send">} parts.engine
   * @param {Pick<import("./native.js").Native, "open" | "status" | "request">} parts.native
   * @param {Pick<import("./shown_streams.js").ShownStreams, "get">} parts.streams
   * @param {Pick<import("./approval.js").ApprovalWindow, "show" | "hide">} parts.approval
   * @param {StorageArea} parts.storage local storage: an offscreen document has no storage API
   */
  constructor({ engine, native, streams, approval, storage }) {
    this.engine = engine;
    this.native = native;
    this.streams = streams;
    this.approval = approval;
    this.storage = storage;
  }

  /** Performs a request and sends the response. @param {BackgroundRequest} request */
  async onRequest(request) {
    const { id } = request;
    try {
      this.engine.send({ type: "answer", id, ok: true, result: await this.#perform(request) });
    } catch (error) {
      this.engine.send({ type: "answer", id, ok: false, error: Problem.of(error).toJSON() });
    }
  }

  /** @param {BackgroundRequest} request @returns {Promise<unknown>} */
  #perform(request) {
    if (request.type === "approve") return request.open ? this.approval.show() : this.approval.hide();
    return request.type === "native" ? this.#requestNative(request.request) : this.#accessStorage(request);
  }

  /** @param {{get?: string[], set?: Record<string, unknown>}} request */
  async #accessStorage({ get, set }) {
    if (set) await this.storage.set(set);
    return get ? this.storage.get(get) : {};
  }

  /** Sends a request to the native host, which checks its fields. @param {NativeRequest} request */
  async #requestNative(request) {
    if (request.op === "status") {
      await this.native.open().catch(() => undefined);
      return this.native.status;
    }
    if (request.op !== "open")
      return this.native.request(/** @type {HostRequest} */ (/** @type {unknown} */ (request)));
    // Origin and site are set here: neither a page nor the engine may name them.
    const stream = this.streams.get(String(request["stream"]));
    if (!stream) throw new Problem("host.stream.unknown");
    const { origin, site } = stream;
    return this.native.request(/** @type {HostRequest} */ (/** @type {unknown} */ ({ ...request, origin, site })));
  }
}
