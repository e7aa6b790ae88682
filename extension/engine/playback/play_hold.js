/**
 * Hold of the next play (docs/protocol.md section 2, Holds): its first sound is decrypted and buffered before the
 * press, which starts it at once and invokes the play beside it.
 */

/** Streams that hold their next play at once: each has loaded a few seconds of sound. */
export const MAX_HOLDS = 4;
/** Time for which sound may be heard before the host has granted the play. */
const CAPTURE_MS = 2_000;

/** @typedef {import("./stream.js").Stream} Stream */
/** @typedef {Pick<Stream, "session" | "tickets" | "scheduler" | "sound" | "payment" | "isActive" | "nowS">} Parts */

/** Holds of the engine's streams. @type {Set<PlayHold>} */
const all = new Set();

export class PlayHold {
  /** Ticket that is held; null: none. @type {import("./ticket_manager.js").TicketManager["ticket"]} */
  #ticket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #deadline;
  #parts;

  /** @param {() => Parts} parts of the stream, which a retry replaces */
  constructor(parts) {
    this.#parts = parts;
    all.add(this);
  }

  /** Holds the play that would start now, where the terms and the other streams allow it. A refusal is no problem. */
  async take() {
    const { session, tickets } = this.#parts();
    const isCurrent = () => session === this.#parts().session && session.state === "ready" && this.#isAlone;
    try {
      await tickets.prepared;
      const { ticket } = tickets;
      if (this.#ticket !== null && this.#ticket === ticket) return;
      session.dropHold();
      if (!isCurrent() || !this.#isPossible) return;
      const { position_ms } = session;
      this.#ticket = ticket;
      await session.invocations.hold(position_ms);
      const isSame = () => isCurrent() && tickets.ticket === ticket && session.position_ms === position_ms;
      if (isSame() && (await this.#parts().scheduler?.hold(position_ms)) && isSame()) return session.onHeld();
      this.#ticket = null;
    } catch {
      this.#ticket = null;
    }
  }

  /** True if the sound may start before the grant: the held ticket is the next play's, and no other stream plays. */
  get isUsable() {
    const { tickets, nowS } = this.#parts();
    return this.#ticket !== null && this.#ticket === tickets.ticket && tickets.isReady(nowS) && this.#isAlone;
  }

  /** Limits the time for which the sound, which begins now, is heard before the grant. */
  onSound() {
    const { session } = this.#parts();
    this.#deadline ??= setTimeout(() => session.dropHold(), CAPTURE_MS);
  }

  /** Ends the hold: the play is granted, refused, or goes without it. */
  end() {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    this.#ticket = null;
  }

  /** Ends the hold of a closed stream. */
  close() {
    this.end();
    all.delete(this);
  }

  /** True if no other stream of this engine is active: its play would have to end first. */
  get #isAlone() {
    return ![...all].some((other) => other !== this && other.#parts().isActive);
  }

  get #isPossible() {
    const { tickets, session, payment, scheduler, nowS } = this.#parts();
    const holding = [...all].filter((hold) => hold !== this && hold.#ticket !== null);
    return (
      holding.length < MAX_HOLDS &&
      scheduler !== null &&
      tickets.ticket !== null &&
      tickets.isReady(nowS) &&
      session.actionOf("play") === "play" &&
      !payment.costs
    );
  }
}
