/**
 * Effects of the host's events on a stream.
 */

import { Problem } from "../../shared/problem.js";
import { publishState } from "./state_publisher.js";

/** @import { NativeEvent } from "../../shared/engine_messages.d.ts" */

export class HostEventHandler {
  /** @param {import("./stream.js").Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /** Handles an event about this stream, or about the host. @param {NativeEvent} event */
  async onEvent(event) {
    const { stream } = this;
    if (event.event === "revoked" || event.event === "problem") await stream.fail(Problem.ofHost(event));
    else if (event.event === "receipt") publishState(stream);
    else if (event.event === "host") await this.onStatus(event.status);
  }

  /** Handles a change of the connection. @private @param {import("../../shared/protocol.d.ts").StatusResult} status */
  async onStatus({ state, code }) {
    const { stream } = this;
    if (state === "connected") {
      if (stream.problem?.code.startsWith("host.")) await stream.retry();
    } else if (!stream.isActive) return;
    else if (state === "gone") stream.recover();
    else await stream.fail(new Problem(code ?? `host.${state}`));
  }
}
