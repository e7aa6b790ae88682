/**
 * Decides when the states and terms of a stream are sent to its page and its players: once for each task, only what has
 * changed and cannot be extrapolated, to the page first, and to the players at most one between a request for sound and
 * the sound.
 */

/** @import { PageState } from "../../shared/page_messages.d.ts" */
/** @import { PlayerMessage, PlayerState, PlayerStateMessage, TermsMessage } from "../../shared/player_messages.d.ts" */

/** Deviation from the extrapolated position with which a state is sent, ms. */
export const MAX_DRIFT_MS = 100;
/** The same for the heard time, which is shown in seconds: each of the host's results may correct it. */
const MAX_HEARD_DRIFT_MS = 500;
/** Time in which a state of `STARTING` is sent to the players once: drawing shares a thread with decoding. */
export const QUIET_MS = 250;
/** Remaining buffered sound, as the page knows it, below which its ranges are sent again, ms. */
const MIN_KNOWN_AHEAD_MS = 3_000;
/** States between a request for sound and the sound. */
const STARTING = new Set(["starting", "seeking"]);

/** Music since a state was sent, ms. @param {PlayerState | PageState} sent @param {number} elapsedMs */
const advance = (sent, elapsedMs) => (sent.state === "playing" ? elapsedMs * sent.rate : 0);

/** @param {PlayerState | PageState} sent @param {PlayerState | PageState} state @param {number} elapsedMs */
function hasPositionDrifted(sent, state, elapsedMs) {
  if (sent.state !== "playing") return sent.position_ms !== state.position_ms;
  const expected = Math.min(sent.position_ms + advance(sent, elapsedMs), state.duration_ms || Infinity);
  return Math.abs(expected - state.position_ms) > MAX_DRIFT_MS;
}

/**
 * True if a player cannot derive a state from the one that it was sent.
 * @param {PlayerState} sent @param {PlayerState} state @param {number} elapsedMs since it was sent
 */
export function hasPlayerStateChanged(sent, state, elapsedMs) {
  const fixed = { position_ms: 0, heard_ms: 0, next_ms: 0 };
  if (JSON.stringify({ ...sent, ...fixed }) !== JSON.stringify({ ...state, ...fixed })) return true;
  const heard = sent.heard_ms + elapsedMs * sent.heard_rate;
  return hasPositionDrifted(sent, state, elapsedMs) || Math.abs(heard - state.heard_ms) > MAX_HEARD_DRIFT_MS;
}

/**
 * True if a page has to know other buffered ranges: there are more or fewer, the last one is shorter or complete, or
 * the sound that the page knows of ends soon.
 * @param {PageState} sent @param {PageState} state
 */
function haveRangesChanged({ ranges: known }, { ranges, position_ms, duration_ms }) {
  if (known.length !== ranges.length) return true;
  const [knownEnd, end] = [known.at(-1)?.[1] ?? 0, ranges.at(-1)?.[1] ?? 0];
  if (end < knownEnd || (end > knownEnd && end >= duration_ms - MAX_DRIFT_MS)) return true;
  return end > knownEnd && knownEnd - position_ms < MIN_KNOWN_AHEAD_MS;
}

/**
 * True if a page cannot derive a state from the one that it was sent.
 * @param {PageState} sent @param {PageState} state @param {number} elapsedMs since it was sent
 */
export function hasPageStateChanged(sent, state, elapsedMs) {
  const fixed = { position_ms: 0, ranges: [] };
  if (JSON.stringify({ ...sent, ...fixed }) !== JSON.stringify({ ...state, ...fixed })) return true;
  return hasPositionDrifted(sent, state, elapsedMs) || haveRangesChanged(sent, state);
}

/** @typedef {{state: PlayerStateMessage, page: PageState}} States */

export class StateOutbox {
  /** Last state of the page, and the time at which it was sent. @type {{state: PageState, at: number} | null} */
  #page = null;
  /** Last state of each player. @type {Map<number, {state: PlayerStateMessage, at: number}>} */
  #players = new Map();
  /** Terms that wait for the end of a start. @type {{ports: Iterable<number>, message: TermsMessage} | null} */
  #terms = null;
  /** Last terms of each player, as JSON. @type {Map<number, string>} */
  #sentTerms = new Map();
  #isQueued = false;
  /** Start of the present state of `STARTING`. @type {{state: string, at: number} | null} */
  #starting = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} stream
   * @param {() => States} stream.states the present states
   * @param {() => Iterable<number>} stream.players ports of the players
   * @param {(state: PageState) => void} stream.toPage
   * @param {(port: number, message: PlayerMessage) => void} stream.toPlayer
   * @param {(state: PlayerStateMessage) => void} stream.onSent called where no sound is awaited
   * @param {() => number} [now] ms
   */
  constructor({ states, players, toPage, toPlayer, onSent }, now = () => performance.now()) {
    this.states = states;
    this.players = players;
    this.toPage = toPage;
    this.toPlayer = toPlayer;
    this.onSent = onSent;
    this.now = now;
  }

  /** Sends what has changed at the end of this task. */
  publish() {
    if (this.#isQueued) return;
    this.#isQueued = true;
    queueMicrotask(() => this.flush());
  }

  /** Sends the next state whether or not it has changed: another page shows the stream. */
  forgetPage() {
    this.#page = null;
  }

  /** Sends the next state and terms to a player whether or not they have changed. @param {number} port */
  forgetPlayer(port) {
    this.#players.delete(port);
    this.#sentTerms.delete(port);
  }

  /** Sends the state to a new player. @param {number} port */
  sendState(port) {
    this.#sendState(port, this.states().state);
  }

  /**
   * Sends terms that have changed: after the start of the sound where one is awaited.
   * @param {Iterable<number>} ports
   * @param {TermsMessage} message
   */
  sendTerms(ports, message) {
    if (this.#isQuiet(this.states().state.state)) this.#terms = { ports, message };
    else this.#sendTerms(ports, message);
  }

  /** Sends what has changed. */
  flush() {
    this.#isQueued = false;
    const { state, page } = this.states();
    const now = this.now();
    if (!this.#page || hasPageStateChanged(this.#page.state, page, now - this.#page.at)) {
      this.#page = { state: page, at: now };
      this.toPage(page);
    }
    const isQuiet = this.#isQuiet(state.state);
    const ports = new Set(this.players());
    for (const port of this.#players.keys()) if (!ports.has(port)) this.forgetPlayer(port);
    for (const port of ports) {
      const sent = this.#players.get(port);
      if (sent && isQuiet && sent.state.state === state.state) continue;
      if (!sent || hasPlayerStateChanged(sent.state, state, now - sent.at)) this.#sendState(port, state);
    }
    if (isQuiet) return;
    if (this.#terms) this.#sendTerms(this.#terms.ports, this.#terms.message);
    this.#terms = null;
    this.onSent(state);
  }

  /** Ends the timer. */
  close() {
    clearTimeout(this.#timer);
  }

  /** True for a while from the request for sound on, until the sound. @param {string} state */
  #isQuiet(state) {
    if (!STARTING.has(state)) {
      clearTimeout(this.#timer);
      this.#starting = null;
      return false;
    }
    const now = this.now();
    if (this.#starting?.state !== state) {
      this.#starting = { state, at: now };
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.flush(), QUIET_MS);
    }
    return now - this.#starting.at < QUIET_MS;
  }

  /** @param {number} port @param {PlayerStateMessage} state */
  #sendState(port, state) {
    this.#players.set(port, { state: structuredClone(state), at: this.now() });
    this.toPlayer(port, state);
  }

  /** @param {Iterable<number>} ports @param {TermsMessage} message */
  #sendTerms(ports, message) {
    const text = JSON.stringify(message);
    for (const port of ports) {
      if (this.#sentTerms.get(port) === text) continue;
      this.#sentTerms.set(port, text);
      this.toPlayer(port, message);
    }
  }
}
