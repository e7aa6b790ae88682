/**
 * Interpreter of the transition table of a playback session (pywallet/playback/transitions.py). An event takes effect
 * synchronously.
 */

/** @import { CommandKind, TransitionState, TransitionTable } from "../core_operations.d.ts" */
/**
 * Action that starts a play, and the first position that may be played.
 * @typedef {{begins: string, from_ms: number}} Start
 */
/** @typedef {{kind: CommandKind, action: string, position_ms: number}} Command */

/** Action that stands for the one that starts a play. */
const BEGINS = "begins";

export class Transitions {
  /** Code of the latest problem. @type {string | null} */
  code = null;
  /** Target of a seek that is pending until the play is granted, ms. @type {number | null} */
  #pendingSeekMs = null;
  /** Index of the present state. @type {number} */
  #index;

  /**
   * @param {TransitionTable} table
   * @param {Start} start
   * @param {number} durationMs
   */
  constructor(table, start, durationMs) {
    this.table = table;
    this.start = start;
    this.durationMs = durationMs;
    this.#index = table.start;
    /** Position of the latest transition, ms. @type {number} */
    this.position_ms = start.from_ms;
  }

  get #node() {
    return /** @type {TransitionState} */ (this.table.states[this.#index]);
  }

  /** State of the session. */
  get state() {
    return this.#node.state;
  }

  /** True if a play is granted and not stopped yet. */
  get granted() {
    return this.#node.granted;
  }

  /** True if a pause is pending until the play is granted. */
  get pendingPause() {
    return this.#node.pending_pause;
  }

  /** True if a play is pending until a seek while paused is complete. */
  get playAfterSeek() {
    return this.#node.play_after_seek;
  }

  /** True if the first sound is buffered under a hold that no grant has captured. */
  get held() {
    return this.#node.held;
  }

  /** Effect of the pending grant on the sound: on, hold, or null for none. */
  get soundOnGrant() {
    const action = this.#node.on["granted"]?.commands.find(([kind]) => kind === "sound")?.[1];
    return action === "on" || action === "hold" ? action : null;
  }

  /** The action that an event would invoke now; null: none. @param {string} event */
  actionOf(event) {
    const action = this.#node.on[event]?.commands.find(([kind]) => kind === "invoke")?.[1];
    return action === BEGINS ? this.start.begins : (action ?? null);
  }

  /** Sets the start of the next play; an active play is not changed. @param {Start} start */
  restart(start) {
    if ((this.state !== "ready" && this.state !== "ended") || start.begins === this.start.begins) return;
    this.start = start;
    this.position_ms = start.from_ms;
  }

  /**
   * Applies an event.
   * @param {string} event play, seek, pause, granted, playing, waiting, ended, stop, continued, held, unheld or retry
   * @param {number} [position_ms]
   * @returns {Command[]} in order
   */
  step(event, position_ms = this.position_ms) {
    const given = Math.max(0, Math.min(position_ms, this.durationMs));
    const isOutside = event === "play" && !(this.start.from_ms <= given && given < this.durationMs);
    const isHeld = event === "play" && given === this.position_ms && "play.held" in this.#node.on;
    return this.#apply(isOutside ? "play.outside" : isHeld ? "play.held" : event, given);
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
