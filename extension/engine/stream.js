/**
 * One player on one page: its file, its keys, its sound, and the core's session beside it.
 */

import { Problem } from "../shared/problem.js";
import { fromBase64, fromHex, toBase64 } from "./bytes.js";
import { KeyRing, unseal } from "./keys.js";
import { native, tell } from "./link.js";
import { python, started } from "./python.js";
import { Sound } from "./sound.js";
import { Source } from "./source.js";
import { askTicket } from "./ticket.js";
import * as wallet from "./wallet.js";

const AHEAD_MS = 12_000;
const RENEW_MS = 4_500;
const COUNT = 16;
const LOOK_MS = 200;
const TELL_MS = 1_000;
const HOST_COMMAND = "gomaa host install";
const ACTIVE = new Set(["starting", "playing", "paused", "seeking", "waiting"]);

export class Stream {
  /** @type {Source} */ source;
  /** @type {KeyRing} */ ring;
  /** @type {{state: string, position_ms: number, duration_ms: number, granted: boolean, code: string | null}} */ session;
  /** @type {{ms: number, at: number, intervals: number}} */ heard;
  /** @type {Record<string, number>} */ left;
  /** @type {{segment: number, promise: Promise<Uint8Array<ArrayBuffer>>, run: symbol} | null} */ ahead = null;
  /** @type {symbol} */ run;
  /** @type {number} counts the feeding loops; only the newest goes on */ feeding = 0;
  /** @type {Promise<void> | null} */ renewal = null;
  /** @type {number | undefined} when the fan last asked for sound */ clicked = undefined;
  /** @type {string | null} */ device = null;
  /** @type {number} Unix seconds */ expiry = 0;
  begun = performance.now();

  /** @param {{stream: string, src: string, origin: string, page: number, element: number}} place */
  constructor(place) {
    this.place = place;
    /** @type {Set<number>} the player's ports */
    this.players = new Set();
    this.volume = 1;
    this.muted = false;
    /** @type {{engine_cold_ms: number | null, first_audio_ms: number | null, seek_ms: number[]}} */
    this.timings = { engine_cold_ms: null, first_audio_ms: null, seek_ms: [] };
    started.then((ms) => (this.timings.engine_cold_ms = Math.round(ms * 10) / 10), () => undefined);
    this.reset();
    this.ready = this.begin();
    this.ticker = setInterval(() => this.isActive && this.tellState(), TELL_MS);
  }

  /** Everything that a retry starts anew. */
  reset() {
    this.run = Symbol("run");
    this.session = { state: "loading", position_ms: 0, duration_ms: 0, granted: false, code: null };
    this.source = new Source(this.place.src);
    this.ring = new KeyRing();
    /** @type {any} */
    this.info = null;
    /** @type {any} */
    this.song = null;
    /** @type {any} */
    this.address = null;
    /** @type {Sound | null} */
    this.sound = null;
    /** @type {Problem | null} */
    this.problem = null;
    /** @type {Promise<any> | null} */
    this.prepared = null;
    this.earns = false;
    this.heard = { ms: 0, at: 0, intervals: 0 };
    this.left = {};
    this.feeding++;
    this.ahead = null;
    this.renewal = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.renewing = undefined;
  }

  get isActive() {
    return ACTIVE.has(this.session.state);
  }

  /** Read the header, have host and core check it, show the terms, and make ready for the click. */
  async begin() {
    const { run } = this;
    try {
      const cose = await this.source.header();
      const key = toBase64(await this.ring.publicKey);
      const opened = native("open", { stream: this.place.stream, header: toBase64(cose), key });
      // The terms come from the file's own words even where the host is missing.
      opened.catch(() => undefined);
      this.song = await python("header.load", { stream: this.place.stream, language: navigator.language }, cose);
      if (run !== this.run) return;
      await this.tellTerms();
      const info = await opened;
      if (run !== this.run) return;
      this.info = info;
      this.begun = performance.now();
      this.left = info.left;
      this.address = { content: fromHex(info.content), rendition: this.song.rendition, epochs: this.song.key_epochs };
      await this.openSound();
      this.session = { ...this.session, state: "ready", duration_ms: info.duration_ms };
      await this.tellTerms();
      this.tellState();
      this.prepareAhead();
    } catch (error) {
      if (run === this.run) await this.fail(error);
    }
  }

  async openSound() {
    this.sound = new Sound((name) => this.heardOf(name));
    this.sound.audio.volume = this.volume;
    this.sound.audio.muted = this.muted;
    const { offset, size, sha256 } = this.info.init;
    await this.sound.prepare(this.info.mime, this.info.duration_ms, await this.source.part(offset, size, fromBase64(sha256)));
  }

  /** Session, ticket and lease before the click; what fails here is tried again at the click, and said then. */
  prepareAhead() {
    this.prepared = this.prepare();
    this.prepared.catch(() => {
      this.prepared = null;
    });
  }

  async prepare() {
    const { stream, origin } = this.place;
    const { device } = await native("status");
    this.device = device;
    const mine = await wallet.sessionFor(this.info, device);
    let identified;
    try {
      identified = await native("identify", { stream, session: mine?.session ?? null });
    } catch (error) {
      if (!mine || !Problem.of(error).code.startsWith("session.")) throw error;
      await wallet.spoil(mine);
      const again = await wallet.sessionFor(this.info, device);
      identified = await native("identify", { stream, session: again?.session ?? null });
    }
    this.earns = !/^0x0+$/.test(identified.session.message.payee);
    const ticket = await askTicket(origin, identified.session, this.info.content);
    const lease = await native("prepare", { stream, ticket });
    this.expiry = Number(ticket.message.expiry);
    return lease;
  }

  /** A wallet was opened or rewards were switched: the next play is another listener's. */
  async walletChanged() {
    if (!this.info || this.isActive) return this.tellTerms();
    this.prepareAhead();
    await this.tellTerms();
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
        if (this.sound) this.sound.audio.volume = this.volume;
        return this.tellState();
      case "mute":
        this.muted = message.value;
        if (this.sound) this.sound.audio.muted = this.muted;
        return this.tellState();
    }
  }

  /** What the fan wants. @param {string} action @param {number} [position] */
  async wish(action, position) {
    if (!this.info) return;
    if (action === "play" || action === "seek") this.clicked = performance.now();
    const at = position ?? this.sound?.positionMs ?? 0;
    if (this.problem && !["refused", "failed"].includes(this.session.state)) this.problem = null;
    await this.step("player.begin", { action, position_ms: this.session.state === "ended" ? 0 : at });
  }

  /** One event for the core's session; then do what it commands. @param {string} op @param {Record<string, unknown>} payload */
  async step(op, payload) {
    const { run } = this;
    const { commands, ...session } = await python(op, { stream: this.place.stream, ...payload });
    if (run !== this.run) return;
    this.session = session;
    this.tellState();
    for (const command of commands) await this.obey(command);
  }

  /** @param {{kind: string, action: string, position_ms: number, segment: number}} command */
  async obey({ kind, action, position_ms, segment }) {
    if (kind === "invoke") {
      try {
        await this.act(action, position_ms, segment);
        if (action === "play" || action === "resume" || action === "seek") await this.step("player.event", { event: "granted" });
      } catch (error) {
        await this.fail(error);
      }
    } else if (kind === "sound" && action === "off") this.silence();
    else if (kind === "sound") this.start(position_ms, segment, action === "on");
  }

  /** @param {string} action @param {number} position @param {number} segment */
  async act(action, position, segment) {
    if (action === "play") await this.admit();
    const keys = action === "play" || action === "seek" || action === "resume";
    // The cipher text is under way while the host decides.
    if (keys) this.fetchAhead(segment);
    await this.invoke(action, position, keys ? segment : null);
    if (action === "stop") this.prepared = null;
  }

  /** A ticket that is there and not expired. */
  async admit() {
    const fresh = this.expiry && this.expiry - 30 > this.info.now_s + (performance.now() - this.begun) / 1000;
    if (this.prepared && !fresh) this.prepared = null;
    this.prepared ??= this.prepare();
    try {
      await this.prepared;
    } catch (error) {
      this.prepared = null;
      throw error;
    }
  }

  /** @param {number} segment */
  fetchAhead(segment) {
    const { run } = this;
    const promise = this.cipherText(segment);
    promise.catch(() => undefined);
    this.ahead = { segment, promise, run };
  }

  /** @param {number} segment */
  cipherText(segment) {
    const [offset, size, , , sha256] = this.info.segments[segment];
    return this.source.part(offset, size, fromBase64(sha256));
  }

  /**
   * One invocation at the host: counted there before a key comes back.
   * @param {string} action
   * @param {number} position
   * @param {number | null} segment
   */
  async invoke(action, position, segment) {
    const answer = await native("invoke", { stream: this.place.stream, action, position_ms: Math.round(position), segment, count: COUNT });
    this.left = answer.left;
    this.heard = { ms: answer.heard_ms, at: performance.now(), intervals: answer.intervals };
    if (answer.grant) await this.ring.take(answer.grant, this.address);
  }

  /** Begin to sound at a position. @param {number} position @param {number} segment @param {boolean} on */
  start(position, segment, on) {
    const { sound } = this;
    if (!sound) return;
    const held = sound.holds(position);
    if (Math.abs(sound.positionMs - position) > 20) sound.audio.currentTime = position / 1000;
    const turn = ++this.feeding;
    this.feed(held ? this.segmentAfter(sound.aheadMs) : segment, turn).catch((error) => (turn === this.feeding ? this.fail(error) : undefined));
    if (on) {
      sound.audio.play().catch((error) => (turn === this.feeding ? this.fail(new Problem("media.decode", { reason: String(error) })) : undefined));
      clearInterval(this.renewing);
      this.renewing = setInterval(() => this.renew(null).catch((error) => this.fail(error)), RENEW_MS);
    }
  }

  /** @param {number} ms */
  segmentAfter(ms) {
    const found = this.info.segments.findIndex((/** @type {any[]} */ [, , start, length]) => start + length > ms + 50);
    return found < 0 ? this.info.segments.length : found;
  }

  /** Keep the buffer filled from a segment on. @param {number} first @param {number} turn */
  async feed(first, turn) {
    const { segments } = this.info;
    for (let index = first; index < segments.length; index++) {
      while (segments[index][2] - (this.sound?.positionMs ?? 0) > AHEAD_MS) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        if (turn !== this.feeding) return;
        this.sound?.evict();
      }
      const early = this.ahead?.segment === index && this.ahead.run === this.run ? this.ahead.promise : this.cipherText(index);
      const [sealed, key] = await Promise.all([early, this.keyFor(index, turn)]);
      if (turn !== this.feeding || !key) return;
      const clear = await unseal(key, sealed, this.address, index);
      if (turn !== this.feeding) return;
      await this.sound?.append(clear);
    }
    if (turn === this.feeding) await this.sound?.finish();
  }

  /** @param {number} index @param {number} turn @returns {Promise<CryptoKey | undefined>} */
  async keyFor(index, turn) {
    for (;;) {
      const key = this.ring.keys.get(index);
      if (key || turn !== this.feeding) return key;
      await this.renew(index);
      if (this.ring.keys.has(index)) continue;
      // Keys come no faster than the music: ask again when it has gone on.
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  /** Say where the music is, and get the keys that come next. @param {number | null} segment */
  async renew(segment) {
    if (this.session.state !== "playing" && this.session.state !== "waiting") return;
    this.renewal ??= this.invoke("renew", this.sound?.positionMs ?? 0, segment ?? this.firstMissing()).finally(() => {
      this.renewal = null;
    });
    await this.renewal;
  }

  firstMissing() {
    const { segments } = this.info;
    for (let i = this.segmentAfter(this.sound?.positionMs ?? 0); i < segments.length; i++) if (!this.ring.keys.has(i)) return i;
    return null;
  }

  silence() {
    this.feeding++;
    clearInterval(this.renewing);
    this.sound?.audio.pause();
  }

  /** The audio element said something. @param {string} name */
  heardOf(name) {
    const { state } = this.session;
    if (name === "error") return void this.fail(this.sound?.broken);
    if (name === "playing" || name === "seeked") {
      if (name === "seeked" && !(state === "seeking" && (this.sound?.audio.paused || (this.sound?.audio.readyState ?? 0) >= 3))) return;
      this.measure(state);
      this.event("playing");
    } else if (name === "waiting") this.event("waiting");
    else if (name === "ended") {
      clearInterval(this.renewing);
      this.event("ended");
    }
  }

  /** @param {string} state before the sound came */
  measure(state) {
    if (this.clicked === undefined || (state !== "starting" && state !== "seeking")) return;
    const ms = Math.round((performance.now() - this.clicked) * 10) / 10;
    performance.measure(state === "starting" ? "gomaa.first_audio" : "gomaa.seek", { start: this.clicked, end: performance.now() });
    if (state === "starting") this.timings.first_audio_ms ??= ms;
    else this.timings.seek_ms.push(ms);
    this.clicked = undefined;
  }

  /** @param {string} event */
  event(event) {
    this.step("player.event", { event, position_ms: this.sound?.positionMs ?? 0 }).catch((error) => this.fail(error));
  }

  /** @param {unknown} error */
  async fail(error) {
    const problem = Problem.of(error);
    if (problem.code === "host.missing" || problem.code === "host.version") problem.detail["command"] = HOST_COMMAND;
    this.problem = problem;
    if (this.info && this.song) {
      await this.step("player.event", { event: "problem", code: problem.code }).catch(() => undefined);
      if (this.session.state === "refused" || this.session.state === "failed") this.drop(problem.code);
    } else {
      this.session = { ...this.session, state: this.session.state === "loading" ? "loading" : "failed" };
      if (problem.code.startsWith("host.")) this.session.state = "failed";
    }
    for (const port of this.players) tell(port, { type: "problem", ...problem.toJSON() });
    this.tellState();
  }

  /** After a refusal or failure nothing of this play is kept. @param {string} code */
  drop(code) {
    this.silence();
    this.prepared = null;
    if (code.startsWith("content.")) {
      this.ring.shred();
      this.sound?.close();
    }
  }

  /** Everything anew: header, host, ticket; the place in the song is kept. */
  async retry() {
    if (this.info && !["refused", "failed"].includes(this.session.state)) return this.tellState();
    const { source, sound } = this;
    this.silence();
    source.close();
    sound?.close();
    this.reset();
    this.ready = this.begin();
    await this.ready;
  }

  /** The host says something about this stream. @param {any} event */
  async hostSays(event) {
    if (event.event === "revoked" || event.event === "problem") await this.fail(new Problem(event.code, {}, event.message));
    else if (event.event === "receipt") this.tellState();
    else if (event.event === "host" && this.problem?.code.startsWith("host.") && event.status.state === "connected") await this.retry();
    else if (event.event === "host" && this.isActive && event.status.state !== "connected") await this.fail(new Problem(`host.${event.status.state}`));
  }

  state() {
    const { sound, session, info } = this;
    const moving = session.state === "playing" ? performance.now() - this.heard.at : 0;
    const heard = this.heard.ms + Math.min(moving, 2 * RENEW_MS);
    const interval = (info?.interval_s ?? 30) * 1000;
    const reward = this.earns ? BigInt(info?.reward_wei ?? 0) : 0n;
    return {
      type: "state",
      state: session.state,
      position_ms: session.state === "ready" || session.state === "starting" ? session.position_ms : sound?.positionMs ?? session.position_ms,
      duration_ms: info?.duration_ms ?? this.song?.duration_ms ?? 0,
      buffered_ms: sound?.aheadMs ?? 0,
      volume: this.volume,
      muted: this.muted,
      left: { plays: this.left["play"] ?? null, seeks: this.left["seek"] ?? null },
      heard_ms: Math.round(heard),
      earned_wei: (BigInt(Math.floor(heard / interval)) * reward).toString(),
      next_ms: Math.round(interval - (heard % interval)),
      timings: this.timings,
    };
  }

  tellState() {
    const state = this.state();
    for (const port of this.players) tell(port, state);
    const { page, element } = this.place;
    const { position_ms, duration_ms, volume, muted } = state;
    // The page learns what an audio element would tell it, and nothing about the fan.
    tell(page, { type: "state", element, state: { state: state.state, position_ms, duration_ms, volume, muted, code: this.problem?.code ?? null } });
  }

  /** @param {number} port */
  attach(port) {
    this.players.add(port);
    this.tellTerms([port]).then(() => {
      tell(port, this.state());
      if (this.problem) tell(port, { type: "problem", ...this.problem.toJSON() });
    }, () => undefined);
  }

  /** @param {Iterable<number>} [ports] */
  async tellTerms(ports = this.players) {
    if (!this.song) return;
    const { song, info } = this;
    const standing = wallet.standing();
    const told = await python("terms", {
      stream: this.place.stream,
      usage: info?.usage ?? {},
      context: { now_s: info?.now_s ?? Math.floor(Date.now() / 1000), domain: info?.station?.domain ?? null, wallet: standing.wallet === "open" },
      names: { station: info?.station?.name ?? null },
      language: navigator.language,
      bps: info?.bps ?? 0,
      rewards: standing.rewards,
    });
    // Locked, but counting: a session that still runs needs no seed.
    const counting = standing.wallet === "locked" && info && this.device && wallet.runningSession(info, this.device);
    const { title, artist, duration_ms, quality, content, owner, server, waveform } = song;
    const station = info?.station ? { name: info.station.name, domain: info.station.domain } : null;
    const message = { type: "terms", title, artist, duration_ms, quality, content, owner, server: server?.address, waveform, station, ...told, ...standing, ...(counting ? { wallet: "open" } : {}) };
    for (const port of ports) tell(port, message);
  }

  /** For the popup. */
  playing() {
    if (!this.isActive || !this.info) return null;
    const { content, title, artist, station, reward_wei, interval_s } = this.info;
    const { position_ms, duration_ms, state, earned_wei, next_ms } = this.state();
    return { content, title, artist, station: station?.name ?? null, position_ms, duration_ms, state, earned_wei, reward_wei, interval_s, next_ms };
  }

  async close() {
    clearInterval(this.ticker);
    this.silence();
    this.source.close();
    this.sound?.close();
    this.run = Symbol("closed");
    if (this.info) await native("close", { stream: this.place.stream }).catch(() => undefined);
    await python("stream.close", { stream: this.place.stream }).catch(() => undefined);
  }
}
