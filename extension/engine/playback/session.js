/**
 * Playback session: applies requests of the listener, events of the audio element and results of the host to the core's
 * transition table, and executes its commands in the same task.
 */

import { Problem } from "../../shared/problem.js";
import { InvocationClient, KEYED, STARTS } from "./invocation_client.js";
import { publishState } from "./state_publisher.js";
import { Transitions } from "./transitions.js";

const ACTIVE = new Set(["starting", "playing", "paused", "seeking", "waiting"]);
const OVER = new Set(["refused", "failed"]);
/** Distance from a position within which the audio element is not moved, ms. */
const SAME_POSITION_MS = 20;
/** HTMLMediaElement.HAVE_FUTURE_DATA */
const HAVE_FUTURE_DATA = 3;

/** @typedef {import("./stream.js").Stream} Stream */
/** @typedef {import("./transitions.js").Command} Command */
/** @typedef {import("./activation_rules.js").Surface} Surface */

export class PlaybackSession {
  /** A play was requested before the song was loaded. */
  playWhenReady = false;
  /** Surface of the latest request to play. @type {Surface} */
  surface = "page";
  /** The stop is invoked already. */
  stopped = false;
  /** Null until the song is loaded. @type {Transitions | null} */
  #transitions = null;
  /** State until the song is loaded. @type {"loading" | "failed"} */
  #unloaded = "loading";
  /** Number of the latest invocation with keys, whose result alone is a grant. */
  #invocation = 0;

  /** @param {Stream} stream */
  constructor(stream) {
    this.stream = stream;
    this.invocations = new InvocationClient(stream);
  }

  /** State of the session (docs/protocol.md section 6). */
  get state() {
    return this.#transitions?.state ?? this.#unloaded;
  }

  /** Position of the latest transition, ms. */
  get position_ms() {
    return this.#transitions?.position_ms ?? 0;
  }

  /** True if a play is granted and not stopped yet. */
  get granted() {
    return this.#transitions?.granted ?? false;
  }

  /** True if a pause is pending until the play is granted. */
  get pendingPause() {
    return this.#transitions?.pendingPause ?? false;
  }

  /** True if a play is pending until a seek is complete. */
  get playAfterSeek() {
    return this.#transitions?.playAfterSeek ?? false;
  }

  /** True if the first sound is buffered under a hold that no grant has captured. */
  get held() {
    return this.#transitions?.held ?? false;
  }

  /** True if a play is requested or granted. */
  get isActive() {
    return ACTIVE.has(this.state);
  }

  /** True if the session has ended with a problem. */
  get isOver() {
    return OVER.has(this.state);
  }

  /** True if a retry has replaced this session. */
  get isStale() {
    return this.stream.session !== this;
  }

  /** The action that a request would invoke now; null: none. @param {string} event play, pause or seek */
  actionOf(event) {
    return this.#transitions?.actionOf(event) ?? null;
  }

  /**
   * Sets the transition table of the loaded song: requests take effect from here on.
   * @param {import("../core_operations.d.ts").TransitionTable} table
   * @param {import("./transitions.js").Start} start
   * @param {number} durationMs
   */
  load(table, start, durationMs) {
    this.#transitions = new Transitions(table, start, durationMs);
    publishState(this.stream);
  }

  /** Sets the start of the next play. @param {import("./transitions.js").Start} start */
  restart(start) {
    if (start.begins !== this.#transitions?.start.begins) this.dropHold();
    this.#transitions?.restart(start);
  }

  /** The first sound of the next play is buffered, and the host holds the play. */
  onHeld() {
    return this.#apply("held");
  }

  /** Ends the use of a hold: what it is for is not heard before the grant, or not any further. */
  dropHold() {
    this.stream.hold.end();
    if (this.held) this.#apply("unheld", this.stream.sound.positionMs).catch((error) => this.stream.fail(error));
  }

  /**
   * Continues a play that was interrupted before this engine was started: paused, or playing as before.
   * @param {{state: string, position_ms: number, heard_ms: number, intervals: number}} play as the host has it
   * @param {{position_ms: number, playing: boolean} | null} last state that the page knows
   */
  async resume(play, last) {
    const { sound } = this.stream;
    const position = Math.max(play.position_ms, last?.position_ms ?? 0);
    this.invocations.heard = { ms: play.heard_ms, at: performance.now(), intervals: play.intervals };
    sound.audio.currentTime = position / 1000;
    if (play.state === "playing") await this.invocations.invoke("pause", position, null);
    await this.#apply("continued", position);
    if (last?.playing) await this.request("play");
  }

  /**
   * Handles a request of the listener. The host's request for it is sent in the same task.
   * @param {string} request play, pause or seek
   * @param {number} [position] ms
   * @param {Surface} [surface] where it was made
   */
  async request(request, position, surface = "press") {
    const { stream } = this;
    if (request !== "pause") stream.timings.onRequest(request === "play");
    if (this.state === "loading") {
      this.playWhenReady = request === "play" || (this.playWhenReady && request !== "pause");
      return;
    }
    if (!stream.info) return;
    this.playWhenReady = false;
    if (stream.problem && !this.isOver) stream.problem = null;
    if (request === "play" && this.state === "ready" && !stream.hold.isUsable) this.dropHold();
    const current = this.state === "ready" ? this.position_ms : stream.sound.positionMs;
    await this.#apply(request, position ?? current, surface);
  }

  /**
   * Loads the sealed segment of a position to which the listener is about to seek. Nothing is invoked.
   * @param {number} position ms
   */
  prepareSeek(position) {
    const { scheduler, sound } = this.stream;
    // The segment of a running action stays the one that is loaded.
    if (!scheduler || this.invocations.acting > 0 || this.actionOf("seek") === null || sound.isBuffered(position))
      return;
    scheduler.prefetch(scheduler.firstToDecode(scheduler.segmentAt(position), position));
  }

  /** Handles an event of the audio element. @param {string} name */
  onMediaEvent(name) {
    const { sound, timings } = this.stream;
    if (name === "error") return void this.stream.fail(sound.broken);
    if (name === "seeked") {
      const { paused, readyState } = sound.audio;
      if (this.state !== "seeking" || !(paused || readyState >= HAVE_FUTURE_DATA)) return;
    }
    const event = name === "seeked" ? "playing" : name;
    if (event === "playing" && (this.state === "starting" || this.state === "seeking")) timings.onSound();
    if (event === "playing" && this.held) this.stream.hold.onSound();
    if (event === "ended") this.invocations.stopRenewing();
    if (event !== "playing" && event !== "waiting" && event !== "ended") return;
    this.#apply(event, sound.positionMs).catch((error) => this.stream.fail(error));
  }

  /** Applies a problem. @param {string} code */
  async onProblem(code) {
    this.stream.hold.end();
    if (this.#transitions) await this.#execute(this.#transitions.problem(code));
    else if (code.startsWith("host.")) this.#unloaded = "failed";
  }

  /** Stops the play at the host while its last second plays: the next track starts. */
  async handOver() {
    this.stopped = true;
    this.invocations.stopRenewing();
    await this.invocations.act("stop", this.stream.sound.positionMs, 0);
  }

  /** Stops the sound, the scheduler and the renewals. */
  silence() {
    this.stream.scheduler?.stop();
    this.invocations.stopRenewing();
    this.stream.sound.pause();
  }

  /** Applies an event of the table. @param {string} event @param {number} [position] ms @param {Surface} [surface] */
  async #apply(event, position, surface) {
    if (!this.#transitions) return;
    const executed = this.#execute(this.#transitions.step(event, position), surface);
    // After the request to the host: building and sending a state delays it. What a hold sounds is published with it.
    if (event !== "play" || !this.held) publishState(this.stream);
    await executed;
  }

  /** Executes commands, all of which start in this task. @param {Command[]} commands @param {Surface} [surface] */
  async #execute(commands, surface = "press") {
    await Promise.all(
      commands.map(({ kind, action, position_ms }) => {
        if (kind === "invoke") return this.#invoke(action, position_ms, surface);
        if (kind !== "sound") return undefined;
        if (action === "off") return this.silence();
        return action === "held" ? this.#startHeld() : this.#start(position_ms, action === "on");
      }),
    );
  }

  /** Invokes an action. @param {string} action @param {number} position ms @param {Surface} surface of the request */
  async #invoke(action, position, surface) {
    if (this.stopped) return;
    const { stream } = this;
    // The request was allowed to resume the play, which has ended since: a new play may not be allowed.
    const refusal = STARTS.has(action) ? stream.gate.refusalOf(action, surface) : null;
    if (refusal) {
      stream.notify(refusal);
      return this.#apply("stop");
    }
    const { scheduler } = stream;
    const before = stream.sound.positionMs;
    const hasKeys = KEYED.has(action);
    if (hasKeys) this.#invocation++;
    const invocation = this.#invocation;
    const invoked = this.invocations.act(action, position, scheduler?.segmentAt(position) ?? 0);
    const isPreRolled = hasKeys && this.#preRoll(position);
    try {
      await invoked;
    } catch (error) {
      if (this.isStale) return;
      await stream.fail(error);
      // After a refused seek the play continues at its position.
      if (isPreRolled && this.state === "playing") scheduler?.start(before, scheduler.segmentAt(before));
      else if (isPreRolled && this.state === "paused") stream.sound.audio.currentTime = before / 1000;
      return;
    }
    if (!hasKeys || invocation !== this.#invocation || this.isStale) return;
    stream.hold.end();
    await this.#apply("granted", stream.sound.positionMs);
  }

  /**
   * Starts decoder and audio output before the grant, where nothing is buffered that could be heard.
   * @param {number} position ms
   * @returns {boolean} whether it did
   */
  #preRoll(position) {
    const action = this.#transitions?.soundOnGrant;
    const { scheduler, sound } = this.stream;
    if (!action || sound.isBuffered(position)) return false;
    // The present loop would go on to the new position, with keys that it has already.
    scheduler?.stop();
    if (Math.abs(sound.positionMs - position) > SAME_POSITION_MS) sound.audio.currentTime = position / 1000;
    if (action === "on") sound.audio.play().catch(() => undefined);
    return true;
  }

  /** Starts the sound that a hold has buffered. */
  #startHeld() {
    this.stream.sound.audio.play().catch(() => undefined);
  }

  /** Starts the scheduler, and the sound, from a position on. @param {number} position ms @param {boolean} plays */
  #start(position, plays) {
    const { stream } = this;
    const { scheduler, sound } = stream;
    if (!scheduler) return;
    scheduler.start(position, scheduler.segmentAt(position));
    if (!plays) return;
    const { generation } = scheduler;
    sound.audio
      .play()
      .catch((error) =>
        generation === scheduler.generation && !this.isStale
          ? stream.fail(new Problem("media.decode", { reason: String(error) }))
          : undefined,
      );
    this.invocations.startRenewing();
  }
}
