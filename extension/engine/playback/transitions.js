/**
 * Interpreter of the transition table of a playback session (pywallet/playback/transitions.py). An event takes effect
 * in the task in which it happens.
 */

/**
 * @typedef {"zero" | "from" | "now" | "given" | "pending" | "end"} Source of a position
 * @typedef {object} Row effect of an event
 * @property {number} to index of the next state
 * @property {Source} position
 * @property {Source | null} pending_seek
 * @property {[kind: string, action: string, position: Source][]} commands
 * @typedef {object} Node a state
 * @property {import("../../player/model.js").StateName} state
 * @property {boolean} granted
 * @property {boolean} pending_pause
 * @property {boolean} play_after_seek
 * @property {Record<string, Row>} on effects by event
 * @typedef {{refusals: string[], start: number, states: Node[]}} Table
 * @typedef {{begins: string, from_ms: number}} Start action that starts a play, and first position that may sound
 * @typedef {{kind: string, action: string, position_ms: number}} Command `invoke` an action, `sound` on, off or hold,
 *   `report` a code
 */

/** Action that stands for the one that starts a play. */
const BEGINS = "begins";

export class Transitions {
  /** @type {string | null} code of the latest problem */
  code = null;
  /** @type {number | null} target of a seek that is kept until the play is granted, ms */
  #pendingSeekMs = null;
  /** @type {number} */
  #index;

  /**
   * @param {Table} table
   * @param {Start} start
   * @param {number} durationMs
   */
  constructor(table, start, durationMs) {
    this.table = table;
    this.start = start;
    this.durationMs = durationMs;
    this.#index = table.start;
    /** @type {number} */
    this.position_ms = start.from_ms;
  }

  get #node() {
    return /** @type {Node} */ (this.table.states[this.#index]);
  }

  get state() {
    return this.#node.state;
  }

  /** Whether a play is accepted and not stopped yet. */
  get granted() {
    return this.#node.granted;
  }

  /** Whether a pause is kept until the play is granted. */
  get pendingPause() {
    return this.#node.pending_pause;
  }

  /** Whether a play is kept until a seek while paused has arrived. */
  get playAfterSeek() {
    return this.#node.play_after_seek;
  }

  /** What the grant that is awaited does with the sound: on, hold, or null for neither. */
  get soundOnGrant() {
    const action = this.#node.on["granted"]?.commands.find(([kind]) => kind === "sound")?.[1];
    return action === "on" || action === "hold" ? action : null;
  }

  /** The action that an event invokes now; null: none. @param {string} event */
  actionOf(event) {
    const action = this.#node.on[event]?.commands.find(([kind]) => kind === "invoke")?.[1];
    return action === BEGINS ? this.start.begins : (action ?? null);
  }

  /** The next play starts with another action. A play that is under way stays what it is. @param {Start} start */
  restart(start) {
    if ((this.state !== "ready" && this.state !== "ended") || start.begins === this.start.begins) return;
    this.start = start;
    this.position_ms = start.from_ms;
  }

  /**
   * Applies an event.
   * @param {string} event play, seek, pause, granted, playing, waiting, ended, stop, continued or retry
   * @param {number} [position_ms]
   * @returns {Command[]} in order
   */
  step(event, position_ms = this.position_ms) {
    const given = Math.max(0, Math.min(position_ms, this.durationMs));
    const isOutside = event === "play" && !(this.start.from_ms <= given && given < this.durationMs);
    return this.#apply(isOutside ? "play.outside" : event, given);
  }

  /** Applies a problem. @param {string} code a registered one @returns {Command[]} */
  problem(code) {
    this.code = code;
    const isRefusal = this.table.refusals.some((prefix) => code.startsWith(prefix));
    return this.#apply(isRefusal ? "refused" : "failed", this.position_ms);
  }

  /** @param {string} event of the table @param {number} given ms @returns {Command[]} */
  #apply(event, given) {
    const row = this.#node.on[event];
    if (!row) return [];
    const positions = {
      zero: 0,
      from: this.start.from_ms,
      now: this.position_ms,
      given,
      pending: this.#pendingSeekMs ?? 0,
      end: this.durationMs,
    };
    const commands = row.commands.map(([kind, action, source]) => ({
      kind,
      action: kind === "report" ? (this.code ?? "") : action === BEGINS ? this.start.begins : action,
      position_ms: positions[source],
    }));
    this.#pendingSeekMs = row.pending_seek === null ? null : positions[row.pending_seek];
    this.position_ms = positions[row.position];
    this.#index = row.to;
    if (event === "retry") this.code = null;
    return commands;
  }
}
