/**
 * One Worker with Python in it, and calls into it.
 */

import { Problem } from "../shared/problem.js";
import { keepAwake } from "./link.js";

/** A browser stops a background that has heard nothing for 30 s. */
const AWAKE_MS = 20_000;

// The pages' policy allows no address of code but what this one policy gives out: the one Worker, of this package.
const address = new URL("worker.mjs", import.meta.url).href;
const { trustedTypes } = /** @type {any} */ (globalThis);
const policy = trustedTypes?.createPolicy("gomaa", { createScriptURL: () => address });

export class Core {
  /** @private */
  count = 0;
  /** @private @type {Map<number, {resolve: (value: any) => void, reject: (error: Problem) => void}>} */
  waiting = new Map();
  /**
   * @private Python may take long on a slow computer, and who asked waits behind the background.
   * @type {ReturnType<typeof setInterval> | undefined}
   */
  awake;
  /** @private */
  ended = false;
  /** How long Python took to start, once it has. @type {Promise<number>} */
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
    this.worker.addEventListener("message", ({ data }) => this.hear(data));
  }

  /**
   * One operation of pywallet.worker_api.
   * @param {string} op
   * @param {Record<string, unknown>} [payload]
   * @param {Uint8Array} [blob]
   * @returns {Promise<any>}
   */
  call(op, payload = {}, blob) {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(new Problem("host.stream.unknown"));
      const id = ++this.count;
      this.waiting.set(id, { resolve, reject });
      this.awake ??= setInterval(keepAwake, AWAKE_MS);
      this.worker.postMessage({ id, op, payload: JSON.stringify(payload), blob });
    });
  }

  /** Ends the Worker, whatever it does, and gives its memory back. */
  end() {
    this.ended = true;
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(new Problem("host.stream.unknown"));
    this.waiting.clear();
    this.rest();
  }

  /** @private @param {{id: number, answer: string}} data */
  hear({ id, answer }) {
    const asked = this.waiting.get(id);
    if (!asked) return;
    this.waiting.delete(id);
    if (this.waiting.size === 0) this.rest();
    const { ok, result, error } = JSON.parse(answer);
    if (ok) asked.resolve(result);
    else asked.reject(Problem.of(error));
  }

  /** @private */
  rest() {
    clearInterval(this.awake);
    this.awake = undefined;
  }
}
