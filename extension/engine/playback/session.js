/**
 * The course of a play: what the fan wants and what the sound says, and the core's session beside it.
 *
 * What a person does goes to the host at once: the core has said before what each wish will count, and follows beside
 * it.
 */

import { Problem } from "../../shared/problem.js";
import { Counting, KEYED, STARTS } from "./invocation_client.js";
import { song } from "../song_cores.js";
import { tellState } from "./state_publisher.js";

const ACTIVE = new Set(["starting", "playing", "paused", "seeking", "waiting"]);
const BEFORE = new Set(["starting", "seeking", "waiting"]);
const OVER = new Set(["refused", "failed"]);

/** @typedef {import("./stream.js").Stream} Stream */
/**
 * @typedef {{state: string, invoke: string | null, sound: string | null, from_start: boolean}} Foreseen what a wish
 *   will do
 */
/**
 * @typedef {{state: string, position_ms: number, duration_ms: number, granted: boolean, halting: boolean, wanted:
 * boolean, code: string | null, next: Record<string, Foreseen>}} Session
 *   of pywallet.playback; halting: it pauses once the play is granted; wanted: it plays once the seek has arrived */
/** @typedef {{kind: string, action: string, position_ms: number, segment: number}} Command of the core */

export class Course {
  /** @type {Session} */
  session = {
    state: "loading",
    position_ms: 0,
    duration_ms: 0,
    granted: false,
    halting: false,
    wanted: false,
    code: null,
    next: {},
  };
  /** @type {number} calls to the core under way */
  asking = 0;
  /** @type {number} events of sound that the core has not answered yet */
  sounding = 0;
  /** @type {boolean} play was asked for before there was something to play */
  wanted = false;
  /** @type {import("./activation_rules.js").Surface} where play was asked for last */
  surface = "page";
  /** @type {boolean} the host has heard the stop already */
  stopped = false;
  /** @type {number} wishes that the core took up */
  turn = 0;
  /** @type {Promise<unknown>} the core's latest answer to a wish */
  answered = Promise.resolve();

  /** @param {Stream} stream */
  constructor(stream) {
    this.stream = stream;
    this.counting = new Counting(stream);
  }

  get isActive() {
    return ACTIVE.has(this.session.state);
  }

  get isOver() {
    return OVER.has(this.session.state);
  }

  /** Whether a retry has come in between. */
  get isPast() {
    return this.stream.course !== this;
  }

  /** There is something to play. @param {Partial<Session>} known */
  isReady(known) {
    this.session = { ...this.session, state: "ready", ...known };
    tellState(this.stream);
  }

  /**
   * Go on with a play that was cut off before this engine began: it stands still at its place, or plays on if it did.
   * @param {{state: string, position_ms: number, heard_ms: number, intervals: number}} told by the host
   * @param {{position_ms: number, playing: boolean} | null} last what was told to the page
   */
  async goOn(told, last) {
    const { sound } = this.stream;
    const position = Math.max(told.position_ms, last?.position_ms ?? 0);
    this.counting.heard = { ms: told.heard_ms, at: performance.now(), intervals: told.intervals };
    sound.audio.currentTime = position / 1000;
    if (told.state === "playing") await this.counting.invoke("pause", position, null);
    await this.step("player.event", { event: "continued", position_ms: position });
    if (last?.playing) await this.wish("play");
  }

  /**
   * Carries out a command of the fan.
   * @param {string} wish play, pause or seek
   * @param {number} [position] ms
   * @param {import("./activation_rules.js").Surface} [surface] where it was asked
   */
  async wish(wish, position, surface = "press") {
    const { stream } = this;
    if (wish !== "pause") stream.timings.clicked(wish === "play");
    if (this.session.state === "loading") {
      this.wanted = wish === "play" || (this.wanted && wish !== "pause");
      return;
    }
    if (!stream.info) return;
    this.wanted = false;
    const { duration_ms } = stream.info;
    const place = position ?? (this.session.state === "ready" ? this.session.position_ms : stream.sound.positionMs);
    const start = stream.song?.extent.from_ms ?? 0;
    const at = this.session.state === "ended" && wish === "play" ? start : Math.min(place, duration_ms);
    if (stream.problem && !this.isOver) stream.problem = null;
    const foreseen = this.asking === 0 ? this.session.next[wish] : undefined;
    if (foreseen?.invoke && KEYED.has(foreseen.invoke) && at < duration_ms)
      await this.doAtOnce(wish, foreseen, foreseen.from_start ? start : at);
    else await this.step("player.begin", { action: wish, position_ms: at }, null, surface);
  }

  /**
   * The invocation leaves in this very task, before the core has heard of the wish.
   * @param {string} wish
   * @param {Foreseen} foreseen
   * @param {number} at
   */
  async doAtOnce(wish, { invoke, state, sound }, at) {
    const segment = this.stream.feed?.segmentAt(at) ?? 0;
    const {
      feed,
      sound: { positionMs: before },
    } = this.stream;
    const turn = ++this.turn;
    const counted = this.counting.act(/** @type {string} */ (invoke), at, segment);
    const poised = this.poise(sound, at);
    const begun = this.step("player.begin", { action: wish, position_ms: at }, invoke);
    this.session = { ...this.session, state, position_ms: at };
    try {
      await counted;
    } catch (error) {
      await begun.catch(() => undefined);
      if (this.isPast) return;
      await this.stream.fail(error);
      // A refused seek takes nothing back: the music is where it was.
      if (poised && this.session.state === "playing") feed?.start(before, feed.segmentAt(before));
      else if (poised && this.session.state === "paused") this.stream.sound.audio.currentTime = before / 1000;
      return;
    }
    // A pause or another seek that came meanwhile decides about the sound; the core may not have answered it yet.
    for (let latest; latest !== this.answered;) {
      latest = this.answered;
      await latest.catch(() => undefined);
    }
    if (this.isPast || this.turn !== turn || this.session.state !== state) return void (await begun);
    if (sound && !this.session.halting) this.start(at, segment, sound === "on");
    await Promise.all([begun, this.step("player.event", { event: "granted" }, sound)]);
  }

  /**
   * The decoder and the sink wake while the host decides, where there is nothing to sound before its keys come.
   * @param {string | null} sound @param {number} at ms
   */
  poise(sound, at) {
    const { audio } = this.stream.sound;
    if (!sound || this.stream.sound.holds(at)) return false;
    if (Math.abs(this.stream.sound.positionMs - at) > 20) audio.currentTime = at / 1000;
    if (sound === "on") audio.play().catch(() => undefined);
    return true;
  }

  /**
   * One event for the core's session; then do what it commands, but for the one thing that is done already.
   * @param {string} op
   * @param {Record<string, unknown>} payload
   * @param {string | null} [done] the action that was foreseen
   * @param {import("./activation_rules.js").Surface} [surface] where the wish was made
   */
  async step(op, payload, done = null, surface = "press") {
    const answer = this.ask(op, payload, done);
    if (op === "player.begin") this.answered = answer;
    const todo = await answer;
    if (this.isPast) return;
    for (const command of todo) await this.obey(command, surface);
  }

  /**
   * The session after an event, and what the core commands but for the one thing that is done already.
   * @param {string} op
   * @param {Record<string, unknown>} payload
   * @param {string | null} done
   * @returns {Promise<Command[]>}
   */
  async ask(op, payload, done) {
    this.asking++;
    const { commands, ...session } = await song(op, { stream: this.stream.place.stream, ...payload }).finally(() => {
      this.asking--;
    });
    if (this.isPast) return [];
    // It sounds already, and the core is about to hear of it.
    if (this.sounding > 0 && BEFORE.has(session.state)) session.state = this.session.state;
    this.session = session;
    tellState(this.stream);
    const todo = /** @type {Command[]} */ (commands).filter(({ action }) => action !== done);
    if (done && todo.length === commands.length) this.unforeseen(done);
    if (op === "player.begin" && todo.length) this.turn++;
    return todo;
  }

  /**
   * The core did not command what was begun. A problem or a pause that it heard of first decides about the sound.
   * @param {string} done
   */
  unforeseen(done) {
    if (done !== "on" && done !== "hold") throw new Problem("internal", { reason: `${done} was foreseen` });
    if (!BEFORE.has(this.session.state) && this.session.state !== "playing") this.silence();
  }

  /** The next song takes over: the host hears now that this one stops, while its last moment sounds. */
  async handOver() {
    this.stopped = true;
    this.counting.end();
    await this.counting.act("stop", this.stream.sound.positionMs, 0);
  }

  /** @param {Command} command @param {import("./activation_rules.js").Surface} surface */
  async obey({ kind, action, position_ms, segment }, surface) {
    if (kind === "invoke") {
      if (this.stopped) return;
      // The song may have ended since the wish was looked at: what would have gone on begins anew, and takes something.
      const refusal = STARTS.has(action) ? this.stream.refusalOf(action, surface) : null;
      if (refusal) {
        this.stream.note(refusal);
        return this.step("player.begin", { action: "stop" });
      }
      try {
        await this.counting.act(action, position_ms, segment);
        if (KEYED.has(action)) await this.step("player.event", { event: "granted" });
      } catch (error) {
        await this.stream.fail(error);
      }
    } else if (kind === "sound" && action === "off") this.silence();
    else if (kind === "sound") this.start(position_ms, segment, action === "on");
  }

  /** Begin to sound at a position. @param {number} position @param {number} segment @param {boolean} on */
  start(position, segment, on) {
    const { stream } = this;
    const { feed, sound } = stream;
    if (!feed) return;
    feed.start(position, segment);
    if (!on) return;
    const { turn } = feed;
    sound.audio
      .play()
      .catch((error) =>
        turn === feed.turn && !this.isPast
          ? stream.fail(new Problem("media.decode", { reason: String(error) }))
          : undefined,
      );
    this.counting.begin();
  }

  silence() {
    this.stream.feed?.stop();
    this.counting.end();
    this.stream.sound.pause();
  }

  /** The audio element said something. @param {string} name */
  heardOf(name) {
    const { state } = this.session;
    const { sound, timings } = this.stream;
    if (name === "error") return void this.stream.fail(sound.broken);
    if (name === "playing" || name === "seeked") {
      const { paused, readyState } = sound.audio;
      if (name === "seeked" && !(state === "seeking" && (paused || readyState >= 3))) return;
      if (state === "starting" || state === "seeking") timings.sounded();
      // The core agrees a moment later: what sounds is told at once.
      if (paused || state === "playing") return this.event("playing");
      this.session = { ...this.session, state: "playing", position_ms: sound.positionMs };
      tellState(this.stream);
      this.sounding++;
      this.event("playing", () => this.sounding--);
    } else if (name === "waiting") state === "playing" && this.event("waiting");
    else if (name === "ended") {
      this.counting.end();
      this.event("ended");
    }
  }

  /** @param {string} event @param {() => void} [done] */
  event(event, done) {
    this.step("player.event", { event, position_ms: this.stream.sound.positionMs })
      .catch((error) => this.stream.fail(error))
      .finally(done);
  }

  /** Something went wrong: the core says what that means for the play. @param {string} code */
  async failed(code) {
    if (this.stream.info && this.stream.song && this.session.state !== "loading") {
      await this.step("player.event", { event: "problem", code }).catch(() => undefined);
    } else {
      this.session = {
        ...this.session,
        state: this.session.state === "loading" && !code.startsWith("host.") ? "loading" : "failed",
      };
    }
  }
}
