/**
 * Recovery from a broken connection to the host: buffered music goes on while the play is continued at the next host.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";

const TRIES = 7;
const WAIT_MS = 150;
const BROKEN = new Set(["host.gone", "host.slow", "host.missing", "host.stream.unknown", "chain.unreachable"]);

/** @typedef {import("./stream.js").Stream} Stream */

export class HostRecovery {
  /** @type {Promise<void> | null} */
  pending = null;

  /** @param {Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /** Whether an error means that the host has lost this play. @param {unknown} error */
  isNeeded(error) {
    const { code } = Problem.of(error);
    return (
      code === "host.gone" ||
      code === "host.slow" ||
      code === "host.stream.unknown" ||
      (code === "ticket.missing" && this.stream.session.granted)
    );
  }

  /** Resolves when a host has the stream again; rejects with the reason why none has. */
  recover() {
    this.pending ??= this.retry().finally(() => {
      this.pending = null;
    });
    return this.pending;
  }

  /** @private */
  async retry() {
    const { session } = this.stream;
    for (let tried = 1; ; tried++) {
      try {
        return await this.attempt();
      } catch (error) {
        if (session.isStale || tried >= TRIES || !BROKEN.has(Problem.of(error).code)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS * 2 ** tried));
    }
  }

  /** @private */
  async attempt() {
    const { stream } = this;
    await stream.loader.reopen();
    const { tickets, info } = stream;
    if (!tickets.ticket) return;
    try {
      await native("rejoin", { stream: stream.place.stream, ticket: tickets.ticket });
    } catch (error) {
      const { code, detail } = Problem.of(error);
      const unused = code === "ticket.missing" || (code === "ticket.used" && detail["state"] === "none");
      if (!unused || stream.session.granted) throw error;
      // The play had not started: it gets a new ticket.
      tickets.reset();
      await tickets.ensure(info, stream.nowS);
    }
  }
}
