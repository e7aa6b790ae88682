/**
 * Effects of the host's events on a stream.
 */

import { Problem } from "../../shared/problem.js";

/** @import { NativeEvent } from "../../shared/engine_messages.d.ts" */

export class HostEventHandler {
  /**
   * @param {object} stream
   * @param {() => boolean} stream.isActive a play is requested or granted
   * @param {() => Problem | null} stream.problem that has stopped the play
   * @param {() => Promise<unknown>} stream.retry starts over
   * @param {() => void} stream.recover continues the play at the next host
   * @param {(error: unknown) => unknown} stream.fail
   * @param {() => void} stream.publish publishes the state
   */
  constructor({ isActive, problem, retry, recover, fail, publish }) {
    this.isActive = isActive;
    this.problem = problem;
    this.retry = retry;
    this.recover = recover;
    this.fail = fail;
    this.publish = publish;
  }

  /** Handles an event about this stream, or about the host. @param {NativeEvent} event */
  async onEvent(event) {
    if (event.event === "revoked" || event.event === "problem") await this.fail(Problem.ofHost(event));
    else if (event.event === "receipt") this.publish();
    else if (event.event === "host") await this.onStatus(event.status);
  }

  /** Handles a change of the connection. @private @param {import("../../shared/protocol.d.ts").StatusResult} status */
  async onStatus({ state, code }) {
    if (state === "connected") {
      if (this.problem()?.code.startsWith("host.")) await this.retry();
    } else if (!this.isActive()) return;
    else if (state === "gone") this.recover();
    else await this.fail(new Problem(code ?? `host.${state}`));
  }
}
