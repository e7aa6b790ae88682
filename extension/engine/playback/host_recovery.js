/**
 * Recovery from a broken connection to the host: the play is continued at the next host while buffered sound plays.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";

const MAX_TRIES = 7;
const FIRST_BACKOFF_MS = 150;
/** Codes after which another attempt may succeed. */
const RETRYABLE = new Set(["host.gone", "host.slow", "host.missing", "host.stream.unknown", "chain.unreachable"]);

/** States of a ticket with which no play was started. @type {Set<unknown>} */
const NOT_STARTED = new Set(["none", "held"]);

/** @typedef {import("./stream.js").Stream} Stream */

export class HostRecovery {
  /** The running recovery. @type {Promise<void> | null} */
  pending = null;

  /** @param {Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /** True if an error means that the host does not have this play any more. @param {unknown} error */
  isNeeded(error) {
    const { code } = Problem.of(error);
    return (
      code === "host.gone" ||
      code === "host.slow" ||
      code === "host.stream.unknown" ||
      (code === "ticket.missing" && this.stream.session.granted)
    );
  }

  /** Resolves when a host has the stream again; rejects with the last error. */
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
        if (session.isStale || tried >= MAX_TRIES || !RETRYABLE.has(Problem.of(error).code)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, FIRST_BACKOFF_MS * 2 ** tried));
    }
  }

  /** @private */
  async attempt() {
    const { stream } = this;
    await stream.loader.reopen();
    const { tickets, info } = stream;
    if (!info || !tickets.ticket) return;
    try {
      await native("rejoin", { stream: stream.place.stream, ticket: tickets.ticket });
    } catch (error) {
      const { code, detail } = Problem.of(error);
      const unused = code === "ticket.missing" || (code === "ticket.used" && NOT_STARTED.has(detail["state"]));
      if (!unused || stream.session.granted) throw error;
      // The play had not started: it needs a new ticket.
      tickets.reset();
      await tickets.ensure(info, stream.nowS);
    }
  }
}
