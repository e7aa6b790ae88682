/**
 * Sends the player's commands over a port that closes and opens again with the background. A press in between takes
 * effect over the next port.
 */

/** @typedef {import("../shared/player_messages.d.ts").PlayerCommand} PlayerCommand */

/** Commands that are void without a port: they are sent again with the next one, or have no effect that is missed. */
const VOID = new Set(["retry", "prepare_seek"]);

/** Kind of a command: a later one of the kind replaces an earlier one. @param {PlayerCommand} command */
const kindOf = ({ type }) => (type === "pause" ? "play" : type);

/** Keeps each command until the background has accepted a port for it. */
export class CommandSender {
  /** True if a message has come over the present port: the background may refuse a port that is open. */
  #isAccepted = false;
  /** Commands for the next accepted port, in order. @type {PlayerCommand[]} */
  #waiting = [];
  /** The latest play or pause, until a message follows it, lest the port lose it. @type {PlayerCommand | null} */
  #unanswered = null;

  /** @param {(command: PlayerCommand) => boolean} post over the present port; false without one */
  constructor(post) {
    this.post = post;
  }

  /** Sends a command, or keeps it for the next port. @param {PlayerCommand} command */
  send(command) {
    if (VOID.has(command.type)) return void this.post(command);
    if (!this.#isAccepted || !this.post(command)) return this.#keep(command);
    if (kindOf(command) === "play") this.#unanswered = command;
  }

  /** A message has come over the present port. */
  onMessage() {
    this.#unanswered = null;
    if (this.#isAccepted) return;
    this.#isAccepted = true;
    for (const command of this.#waiting.splice(0)) this.send(command);
  }

  /** The port has closed. */
  onClosed() {
    this.#isAccepted = false;
    if (this.#unanswered) this.#keep(this.#unanswered);
    this.#unanswered = null;
  }

  /** @param {PlayerCommand} command */
  #keep(command) {
    const kind = kindOf(command);
    if (kind !== "track") this.#waiting = this.#waiting.filter((other) => kindOf(other) !== kind);
    this.#waiting.push(command);
  }
}
