/**
 * One player on one page: its file, its keys, its sound, and the core's session beside it.
 *
 * What a person does goes to the host at once: the core has said before what each wish will count, and follows beside it.
 */

import { Problem } from "../shared/problem.js";
import { fromBase64, fromHex, toBase64 } from "./bytes.js";
import { Admission } from "./admission.js";
import { MarkCheck } from "./check.js";
import { Feed } from "./feed.js";
import { KeyRing } from "./keys.js";
import { native, readPage, tell } from "./link.js";
import { python, started } from "./python.js";
import { Sound } from "./sound.js";
import { Source } from "./source.js";
import { forget, playing, stateOf, tellState, tellTerms } from "./telling.js";
import * as wallet from "./wallet.js";

const RENEW_MS = 4_500;
const COUNT = 16;
const TELL_MS = 1_000;
const HOST_COMMAND = "gomaa host install";
const ACTIVE = new Set(["starting", "playing", "paused", "seeking", "waiting"]);
const STARTS = new Set(["play", "preview", "live_join"]);
const KEYED = new Set([...STARTS, "seek", "resume"]);
const CODECS = ["flac", "opus"].filter((codec) => MediaSource.isTypeSupported(`audio/mp4; codecs="${codec}"`));
const OVER = new Set(["refused", "failed"]);

/** @typedef {{state: string, invoke: string | null, sound: string | null, from_start: boolean}} Foreseen what a wish will do */
/** @typedef {{state: string, position_ms: number, duration_ms: number, granted: boolean, code: string | null, next: Record<string, Foreseen>}} Session */
/** @typedef {{kind: string, action: string, position_ms: number, segment: number}} Command of the core */

export class Stream {
  /** @type {Source} */ source;
  /** @type {KeyRing} */ ring;
  /** @type {Sound} */ sound;
  /** @type {Admission} */ admission;
  /** @type {Feed | null} */ feed = null;
  /** @type {Uint8Array<ArrayBuffer>} the song's first part, which every decoder needs */ init = new Uint8Array(0);
  /** @type {Session} */ session;
  /** @type {{ms: number, at: number, intervals: number}} */ heard;
  /** @type {Record<string, number>} */ left;
  /** @type {symbol} */ run;
  /** @type {number} calls to the core under way */ asking = 0;
  /** @type {boolean} play was asked for before there was something to play */ wanted = false;
  /** @type {Promise<void> | null} */ renewal = null;
  /** @type {{at: number, first: boolean} | null} when the fan last asked for sound */ clicked = null;
  begun = performance.now();

  /** @param {{stream: string, src: string, origin: string, page: number, element: number}} place */
  constructor(place) {
    this.place = place;
    /** @type {Set<number>} the player's ports */
    this.players = new Set();
    this.volume = 1;
    this.muted = false;
    /** @type {{engine_cold_ms: number | null, first_audio_ms: number | null, seek_ms: number[], marks: string[]}} */
    this.timings = { engine_cold_ms: null, first_audio_ms: null, seek_ms: [], marks: [] };
    started.then((ms) => (this.timings.engine_cold_ms = Math.round(ms * 10) / 10), () => undefined);
    this.reset();
    this.ready = this.begin();
    this.ticker = setInterval(() => this.isActive && tellState(this), TELL_MS);
  }

  /** Everything that a retry starts anew. */
  reset() {
    this.run = Symbol("run");
    this.session = { state: "loading", position_ms: 0, duration_ms: 0, granted: false, code: null, next: {} };
    this.source = new Source(this.place.src, (offset, size) => readPage(this.place.stream, offset, size));
    this.ring = new KeyRing();
    this.admission = new Admission(this.place);
    this.sound = new Sound((name) => this.heardOf(name));
    this.sound.audio.volume = this.volume;
    this.sound.audio.muted = this.muted;
    this.feed = null;
    /** @type {any} */
    this.info = null;
    /** @type {any} */
    this.song = null;
    /** @type {Problem | null} */
    this.problem = null;
    this.heard = { ms: 0, at: 0, intervals: 0 };
    this.left = {};
    this.asking = 0;
    this.wanted = false;
    this.renewal = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.renewing = undefined;
  }

  get isActive() {
    return ACTIVE.has(this.session.state);
  }

  /** Unix seconds by the chain's clock. */
  get nowS() {
    return this.info.now_s + (performance.now() - this.begun) / 1000;
  }

  /** Read the header, have host and core check it, show the terms, and make ready for the click. */
  async begin() {
    const { run } = this;
    try {
      const [cose, key] = await Promise.all([this.source.header(), this.ring.publicKey]);
      // Host and core choose the rendition from the same words.
      const able = { codecs: CODECS, kbps: this.source.kbps === null ? null : Math.round(this.source.kbps) };
      const opened = native("open", { stream: this.place.stream, header: toBase64(cose), key: toBase64(key), ...able });
      const loaded = python("header.load", { stream: this.place.stream, language: navigator.language, ...able }, cose);
      this.source.deliver(loaded.then((song) => song.delivery));
      // The terms come from the file's own words even where the host is missing.
      const shown = loaded.then((song) => this.show(run, song));
      const ready = opened.then((info) => this.open(run, info));
      for (const promise of [shown, ready]) promise.catch(() => undefined);
      await shown;
      await ready;
      if (run !== this.run) return;
      const { extent, next } = this.song;
      if (this.feed) {
        this.feed.untilMs = extent.to_ms;
        const refused = (/** @type {Problem} */ problem) => void (run === this.run && this.fail(problem));
        this.feed.check = new MarkCheck(this.place.stream, this.song, this.init, refused, (verdict) => this.timings.marks.push(verdict));
      }
      this.session = { ...this.session, state: "ready", position_ms: extent.from_ms, duration_ms: this.info.duration_ms, next };
      tellState(this);
      if (this.wanted) await this.wish("play");
      await tellTerms(this, this.players);
    } catch (error) {
      if (run === this.run) await this.fail(error);
    }
  }

  /** The core has read the header. @param {symbol} run @param {any} song */
  async show(run, song) {
    if (run !== this.run) return;
    this.song = song;
    tellTerms(this, this.players).catch(() => undefined);
  }

  /** The host has read it too: from here on the way to the ticket needs no core. @param {symbol} run @param {any} info */
  async open(run, info) {
    if (run !== this.run) return;
    this.info = info;
    this.begun = performance.now();
    this.left = info.left;
    this.admission.ahead(info);
    const address = { content: fromHex(info.content), rendition: info.rendition, epochs: info.key_epochs };
    const { source, ring, sound } = this;
    this.feed = new Feed({ source, ring, sound, info, address }, (segment) => this.renew(segment), (error) => this.fail(error));
    ring.agree(info.ephemeral).catch(() => undefined);
    const { offset, size, sha256 } = info.init;
    this.init = await source.part(offset, size, fromBase64(sha256));
    await sound.prepare(info.mime, info.duration_ms, this.init);
  }

  /** A wallet was opened or rewards were switched: the next play is another listener's. */
  async walletChanged() {
    if (this.info && !this.isActive) this.admission.ahead(this.info);
    await tellTerms(this, this.players);
  }

  /** @param {any} message of the player's port or the page's element */
  async hear(message) {
    switch (message.type) {
      case "play": return this.wish("play");
      case "pause": return this.wish("pause");
      case "seek": return this.wish("seek", Math.max(0, Math.round(message.position_ms)));
      case "retry": return this.retry();
      case "rewards": return wallet.setRewards(message.on);
      case "volume":
        this.volume = Math.min(1, Math.max(0, message.value));
        this.sound.audio.volume = this.volume;
        return tellState(this);
      case "mute":
        this.muted = message.value;
        this.sound.audio.muted = this.muted;
        return tellState(this);
    }
  }

  /** What the fan wants. @param {string} wish play, pause or seek @param {number} [position] ms */
  async wish(wish, position) {
    if (wish !== "pause") this.clicked = { at: performance.now(), first: wish === "play" };
    if (this.session.state === "loading") {
      this.wanted = wish === "play" || (this.wanted && wish !== "pause");
      return;
    }
    if (!this.info) return;
    const { duration_ms } = this.info;
    const place = position ?? (this.session.state === "ready" ? this.session.position_ms : this.sound.positionMs);
    const start = this.song?.extent.from_ms ?? 0;
    const at = this.session.state === "ended" && wish === "play" ? start : Math.min(place, duration_ms);
    if (this.problem && !OVER.has(this.session.state)) this.problem = null;
    const foreseen = this.asking === 0 ? this.session.next[wish] : undefined;
    if (foreseen?.invoke && KEYED.has(foreseen.invoke) && at < duration_ms) await this.doAtOnce(wish, foreseen, foreseen.from_start ? start : at);
    else await this.step("player.begin", { action: wish, position_ms: at });
  }

  /**
   * The invocation leaves in this very task, before the core has heard of the wish.
   * @param {string} wish
   * @param {Foreseen} foreseen
   * @param {number} at
   */
  async doAtOnce(wish, { invoke, state, sound }, at) {
    const segment = this.feed?.segmentAt(at) ?? 0;
    const counted = this.act(/** @type {string} */ (invoke), at, segment);
    const begun = this.step("player.begin", { action: wish, position_ms: at }, invoke);
    this.session = { ...this.session, state, position_ms: at };
    const { run } = this;
    try {
      await counted;
    } catch (error) {
      await begun.catch(() => undefined);
      if (run === this.run) await this.fail(error);
      return;
    }
    // A pause or another seek that came meanwhile decides about the sound.
    if (run !== this.run || this.session.state !== state) return void (await begun);
    if (sound) this.start(at, segment, sound === "on");
    await Promise.all([begun, this.step("player.event", { event: "granted" }, sound)]);
  }

  /**
   * One event for the core's session; then do what it commands, but for the one thing that is done already.
   * @param {string} op
   * @param {Record<string, unknown>} payload
   * @param {string | null} [done] the action that was foreseen
   */
  async step(op, payload, done = null) {
    const { run } = this;
    this.asking++;
    const { commands, ...session } = await python(op, { stream: this.place.stream, ...payload }).finally(() => {
      if (run === this.run) this.asking--;
    });
    if (run !== this.run) return;
    this.session = session;
    tellState(this);
    const todo = /** @type {Command[]} */ (commands).filter(({ action }) => action !== done);
    if (done && todo.length === commands.length) throw new Problem("internal", { foreseen: done });
    for (const command of todo) await this.obey(command);
  }

  /** @param {Command} command */
  async obey({ kind, action, position_ms, segment }) {
    if (kind === "invoke") {
      try {
        await this.act(action, position_ms, segment);
        if (KEYED.has(action)) await this.step("player.event", { event: "granted" });
      } catch (error) {
        await this.fail(error);
      }
    } else if (kind === "sound" && action === "off") this.silence();
    else if (kind === "sound") this.start(position_ms, segment, action === "on");
  }

  /** @param {string} action @param {number} position @param {number} segment */
  async act(action, position, segment) {
    if (STARTS.has(action) && !this.admission.isReady(this.nowS)) await this.admission.admit(this.info, this.nowS);
    const keyed = KEYED.has(action);
    const first = this.feed?.lead(segment, position) ?? segment;
    const counted = this.invoke(action, position, keyed ? first : null);
    // The cipher text is under way while the host decides.
    if (keyed) this.feed?.fetchAhead(first);
    await counted;
    if (action === "stop") this.admission.forget();
  }

  /**
   * One invocation at the host: counted there before a key comes back.
   * @param {string} action
   * @param {number} position
   * @param {number | null} segment
   */
  async invoke(action, position, segment) {
    const { ring, feed } = this;
    const answer = await native("invoke", { stream: this.place.stream, action, position_ms: Math.round(position), segment, count: COUNT });
    this.left = answer.left;
    this.heard = { ms: answer.heard_ms, at: performance.now(), intervals: answer.intervals };
    if (answer.grant && feed) await ring.take(answer.grant, feed.parts.address);
  }

  /** Begin to sound at a position. @param {number} position @param {number} segment @param {boolean} on */
  start(position, segment, on) {
    const { feed, sound, run } = this;
    if (!feed) return;
    feed.start(position, segment);
    if (!on) return;
    const { turn } = feed;
    sound.audio.play().catch((error) => (turn === feed.turn && run === this.run ? this.fail(new Problem("media.decode", { reason: String(error) })) : undefined));
    clearInterval(this.renewing);
    this.renewing = setInterval(() => this.renew(null).catch((error) => this.fail(error)), RENEW_MS);
  }

  /** Say where the music is, and get the keys that come next. @param {number | null} segment */
  async renew(segment) {
    if (this.session.state !== "playing" && this.session.state !== "waiting") return;
    const { positionMs } = this.sound;
    this.renewal ??= this.invoke("renew", positionMs, segment ?? this.feed?.firstMissing(positionMs) ?? null).finally(() => {
      this.renewal = null;
    });
    await this.renewal;
  }

  silence() {
    this.feed?.stop();
    clearInterval(this.renewing);
    this.sound.audio.pause();
  }

  /** The audio element said something. @param {string} name */
  heardOf(name) {
    const { state } = this.session;
    if (name === "error") return void this.fail(this.sound.broken);
    if (name === "playing" || name === "seeked") {
      const { paused, readyState } = this.sound.audio;
      if (name === "seeked" && !(state === "seeking" && (paused || readyState >= 3))) return;
      if (state === "starting" || state === "seeking") this.measure();
      this.event("playing");
    } else if (name === "waiting") this.event("waiting");
    else if (name === "ended") {
      clearInterval(this.renewing);
      this.event("ended");
    }
  }

  measure() {
    if (!this.clicked) return;
    const { at, first } = this.clicked;
    const ms = Math.round((performance.now() - at) * 10) / 10;
    performance.measure(first ? "gomaa.first_audio" : "gomaa.seek", { start: at, end: performance.now() });
    if (first) this.timings.first_audio_ms ??= ms;
    else this.timings.seek_ms.push(ms);
    this.clicked = null;
  }

  /** @param {string} event */
  event(event) {
    this.step("player.event", { event, position_ms: this.sound.positionMs }).catch((error) => this.fail(error));
  }

  /** @param {unknown} error */
  async fail(error) {
    const problem = Problem.of(error);
    if (problem.code === "host.missing" || problem.code === "host.version") problem.detail["command"] = HOST_COMMAND;
    this.problem = problem;
    if (this.info && this.song && this.session.state !== "loading") {
      await this.step("player.event", { event: "problem", code: problem.code }).catch(() => undefined);
      if (OVER.has(this.session.state)) this.drop(problem.code);
    } else {
      this.session = { ...this.session, state: this.session.state === "loading" && !problem.code.startsWith("host.") ? "loading" : "failed" };
    }
    for (const port of this.players) tell(port, { type: "problem", ...problem.toJSON() });
    tellState(this);
  }

  /** After a refusal or failure nothing of this play is kept. @param {string} code */
  drop(code) {
    this.silence();
    this.admission.forget();
    if (code.startsWith("content.")) {
      this.ring.shred();
      this.sound.close();
    }
  }

  /** Everything anew: header, host, ticket. */
  async retry() {
    if (this.info && !OVER.has(this.session.state)) return tellState(this);
    this.discard();
    this.reset();
    this.ready = this.begin();
    await this.ready;
  }

  discard() {
    this.silence();
    this.source.close();
    this.sound.close();
  }

  /** The host says something about this stream. @param {any} event */
  async hostSays(event) {
    if (event.event === "revoked" || event.event === "problem") await this.fail(new Problem(event.code, {}, event.message));
    else if (event.event === "receipt") tellState(this);
    else if (event.event === "host" && this.problem?.code.startsWith("host.") && event.status.state === "connected") await this.retry();
    else if (event.event === "host" && this.isActive && event.status.state !== "connected") await this.fail(new Problem(`host.${event.status.state}`));
  }

  /** @param {number} port */
  attach(port) {
    this.players.add(port);
    tellTerms(this, [port]).then(() => {
      tell(port, stateOf(this));
      if (this.problem) tell(port, { type: "problem", ...this.problem.toJSON() });
    }, () => undefined);
  }

  /** For the popup. */
  playing() {
    return playing(this);
  }

  async close() {
    clearInterval(this.ticker);
    this.discard();
    this.run = Symbol("closed");
    await forget(this);
  }
}
