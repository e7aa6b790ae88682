/**
 * A Web Worker that runs the Python core, and calls into it.
 */

import { Problem } from "../shared/problem.js";
import { RequestMap } from "../shared/rpc.js";
import { keepAwake } from "./link.js";

/** Browsers stop a background that has received no message for 30 s. */
const KEEP_AWAKE_MS = 20_000;

// Trusted Types: the content security policy accepts script URLs of this policy only, which creates the one Worker.
const address = new URL("worker.mjs", import.meta.url).href;
/**
 * @typedef {{createPolicy: (name: string, rules: {createScriptURL: () => string}) => {createScriptURL: (input: string)
 *   => string}}} TrustedTypes
 */
const { trustedTypes } = /** @type {{trustedTypes?: TrustedTypes}} */ (globalThis);
const policy = trustedTypes?.createPolicy("gomaa", { createScriptURL: () => address });

/** One instance of the Python core in a Worker of its own. */
export class PythonCore {
  /** @private */
  requests = new RequestMap();
  /**
   * Keeps the background running during a call, which may take long on a slow computer.
   * @private
   * @type {ReturnType<typeof setInterval> | undefined}
   */
  keepAwakeTimer;
  /** @private */
  ended = false;
  /** Resolves with the time that Python took to start, ms. @type {Promise<number>} */
  started;

  constructor() {
    const began = performance.now();
    /** @private */
    this.worker = new Worker(policy ? policy.createScriptURL("") : address, { type: "module" });
    this.started = new Promise((resolve, reject) => {
      this.worker.addEventListener("message", ({ data }) => {
        if (data.type === "ready") {
          performance.measure("gomaa.engine_cold", { start: began, end: performance.now() });
          resolve(performance.now() - began);
        } else if (data.type === "broken") reject(new Problem("internal", { reason: data.reason }));
      });
    });
    this.started.catch(() => undefined);
    this.worker.addEventListener("message", ({ data }) => this.onResponse(data));
  }

  /**
   * Calls an operation of pywallet.worker_api.
   * @template {import("./core_operations.d.ts").CoreOperation} Op
   * @param {Op} op
   * @param {import("./core_operations.d.ts").CoreOperations[Op]["arguments"]} payload
   * @param {Uint8Array} [blob] binary argument
   * @returns {Promise<import("./core_operations.d.ts").CoreOperations[Op]["result"]>} rejected with a Problem
   */
  call(op, payload, blob) {
    if (this.ended) return Promise.reject(new Problem("host.stream.unknown"));
    this.keepAwakeTimer ??= setInterval(keepAwake, KEEP_AWAKE_MS);
    return /** @type {Promise<import("./core_operations.d.ts").CoreOperations[Op]["result"]>} */ (
      this.requests.request((id) => this.worker.postMessage({ id, op, payload: JSON.stringify(payload), blob }))
    );
  }

  /** Terminates the Worker, also in the middle of a call, and frees its memory. */
  end() {
    this.ended = true;
    this.worker.terminate();
    this.requests.rejectAll(new Problem("host.stream.unknown"));
    this.stopKeepAwake();
  }

  /** @private @param {{id: number, answer: string}} data */
  onResponse({ id, answer }) {
    if (!this.requests.has(id)) return;
    const { ok, result, error } = JSON.parse(answer);
    if (ok) this.requests.resolve(id, result);
    else this.requests.reject(id, Problem.of(error));
    if (this.requests.size === 0) this.stopKeepAwake();
  }

  /** @private */
  stopKeepAwake() {
    clearInterval(this.keepAwakeTimer);
    this.keepAwakeTimer = undefined;
  }
}
