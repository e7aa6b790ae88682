/**
 * One player on one page: its file, its keys, its sound; how it begins, fails and ends. What happens in between is
 * session.js's.
 */

import { Problem } from "../../shared/problem.js";
import { fromBase64, fromHex, toBase64 } from "../bytes.js";
import { TicketManager } from "./ticket_manager.js";
import { MarkCheck } from "../media/mark_check.js";
import { PlaybackSession } from "./session.js";
import { SegmentScheduler } from "../media/segment_scheduler.js";
import { INSTALL, installCommand } from "../install_command.js";
import { KeyRing } from "./key_ring.js";
import { native, readPage, tell } from "../link.js";
import { Timings } from "./timings.js";
import { ListenerPayment } from "./listener_payment.js";
import { HostRecovery } from "./host_recovery.js";
import { TrackAudio } from "../media/track_audio.js";
import { openSong, song as core } from "../song_cores.js";
import { SpsSource } from "../media/sps_source.js";
import { mayBegin, downgrade, costOf } from "./activation_rules.js";
import { Turns } from "../site_queue.js";
import { closeStream, nowPlaying, stateOf, publishState, publishTerms } from "./state_publisher.js";
import * as wallet from "../wallet.js";
import { StallWatchdog } from "../media/stall_watchdog.js";
import { CommandQueue } from "./command_queue.js";

/** Another tab of this listener plays. */
const BUSY = "session.busy";
const TELL_MS = 1_000;
/** So close to its end a song whose list goes on ends after all. */
const END_MS = 200;
const SLOWEST = 0.5;
const FASTEST = 2;
/**
 * Contradictions between the header and what station, chain or server say: the header may come from a cache that kept
 * it for too long.
 */
const STALE =
  /^(station\.right\.missing|server\.mismatch|content\.(unknown|owner|revoked|destroyed)|sps\.(policy\.mismatch|segment\.hash|truncated))$/;
const CODECS = ["flac", "opus"].filter((codec) => MediaSource.isTypeSupported(`audio/mp4; codecs="${codec}"`));

/**
 * @typedef {{stream: string, src: string, origin: string, site: string, inside: boolean, page: number, element: number,
 * last?: {position_ms: number, playing: boolean} | null,
 *   list?: {index: number, count: number, after: string | null, crossfade_s: number}}} Place */

/** Headers that one site reads at once. */
const MOST_READ = 4;
const turns = new Turns(MOST_READ);
/** Songs that one site has the host look at on the chain at once. */
const MOST_OPENED = 8;
const openings = new Turns(MOST_OPENED);
/** @param {Stream} stream */
const headerOf = ({ place: { site }, source }) => turns.run(site, () => source.header());

export class Stream {
  /** @type {SpsSource} */
  source;
  /** @type {KeyRing} */
  ring;
  /** @type {TrackAudio} */
  sound;
  /** @type {TicketManager} */
  tickets;
  /** @type {PlaybackSession} */
  session;
  /** @type {ListenerPayment} */
  payment;
  /** @type {SegmentScheduler | null} */
  scheduler = null;
  /** @type {Uint8Array<ArrayBuffer>} the song's first part, which every decoder needs */
  init = new Uint8Array(0);
  volume = 1;
  muted = false;
  rate = 1;
  pitch = true;
  pageCommands = new CommandQueue();
  /** @type {Problem | null} what a person has to know before the music can begin */
  notice = null;
  /** @type {import("./track_handover.js").TrackHandover | null} to the next track */
  next = null;
  watchdog = new StallWatchdog();
  /** @type {boolean} nothing has come for a while */
  stalled = false;
  /** @type {boolean} the header was read past every cache */
  reread = false;
  begun = performance.now();

  /** @type {boolean} a person has asked for the extension's own window from this player */
  opened = false;

  recovery = new HostRecovery(this);

  /** @param {Place} place */
  constructor(place) {
    this.place = place;
    this.timings = new Timings(openSong(place.stream, place.site));
    /** @type {Set<number>} the player's ports */
    this.players = new Set();
    this.reset();
    this.ready = this.begin();
    this.ticker = setInterval(() => this.tick(), TELL_MS);
  }

  /** Everything that a retry starts anew. @param {SpsSource} [source] */
  reset(source = this.sourceOf(false)) {
    const session = new PlaybackSession(this);
    this.session = session;
    this.source = source;
    this.ring = new KeyRing();
    this.tickets = new TicketManager(this.place);
    this.tickets.onCapped = () => void publishTerms(this, this.players).catch(() => undefined);
    this.sound = new TrackAudio((name) => session.isStale || session.onMediaEvent(name));
    this.tune();
    this.scheduler = null;
    /** @type {any} */
    this.info = null;
    /** @type {Record<string, unknown>} what the host was told of the song */
    this.opening = {};
    /** @type {any} */
    this.song = null;
    /** @type {{may: string, left: string, costs: string, earn: string, limits: string[]} | null} the terms in words */
    this.facts = null;
    /** @type {Problem | null} */
    this.problem = null;
    this.payment = new ListenerPayment(this);
  }

  /** @param {boolean} anew past every cache */
  sourceOf(anew) {
    const { stream, src, origin, site } = this.place;
    // A page on disk names its station itself, and gets nowhere by that word.
    const page = src.startsWith("file:") ? src : origin;
    return new SpsSource(src, (offset, size) => readPage(stream, offset, size), undefined, anew, { page, site });
  }

  get isActive() {
    return this.session.isActive;
  }

  /** Whether a person's own press waits for the music of another tab; what a page's script tried is no question. */
  get waitsToMove() {
    return (
      this.problem?.code === BUSY && (this.opened || this.session.surface === "press" || this.session.surface === "own")
    );
  }

  /** Whether the terms name this action. @param {string} action */
  permits(action) {
    return Boolean(this.info?.policy?.permissions?.includes(action));
  }

  /** Unix seconds by the chain's clock. */
  get nowS() {
    return this.info.now_s + (performance.now() - this.begun) / 1000;
  }

  /** Read the header, have host and core check it, show the terms, and make ready for the click. */
  async begin() {
    const { session } = this;
    try {
      const [cose, key] = await Promise.all([headerOf(this), this.ring.publicKey]);
      if (session.isStale) return;
      // Host and core choose the rendition from the same words.
      const able = { codecs: CODECS, kbps: this.source.kbps === null ? null : Math.round(this.source.kbps) };
      this.opening = { stream: this.place.stream, header: toBase64(cose), key: toBase64(key), ...able };
      const gone = () => Promise.reject(new Problem("host.stream.unknown"));
      const opened = openings.run(this.place.site, () => (session.isStale ? gone() : native("open", this.opening)));
      const loaded = core("header.load", { stream: this.place.stream, language: navigator.language, ...able }, cose);
      this.source.addMirrors(loaded.then((song) => song.delivery));
      // The terms come from the file's own words even where the host is missing.
      const shown = loaded.then((song) => this.show(session, song));
      const ready = opened.then((info) => this.open(session, info));
      for (const promise of [shown, ready]) promise.catch(() => undefined);
      await shown;
      await ready;
      if (session.isStale) return;
      await this.payment.decide();
      if (session.isStale) return;
      const { transitions, begins, extent } = this.song;
      if (this.scheduler) {
        this.scheduler.endMs = extent.to_ms;
        const refused = (/** @type {Problem} */ problem) => void (session.isStale || this.fail(problem));
        this.scheduler.markCheck = new MarkCheck(this.place.stream, this.song, this.init, refused, (verdict) =>
          this.timings.onMark(verdict),
        );
      }
      session.load(transitions, { begins, from_ms: extent.from_ms }, this.info.duration_ms);
      if (this.rate !== 1 && !this.permits("rate")) {
        this.rate = 1;
        this.tune();
      }
      if (this.info.going) await this.rejoin(session);
      else await this.playWanted(session);
      await publishTerms(this, this.players);
    } catch (error) {
      if (session.isStale) return;
      await this.fail(error);
      if (!session.isStale && !(this.info && this.song)) this.release();
    }
  }

  /** Drops what was read of a song that was not opened, or is gone: only a retry begins anew. */
  release() {
    this.source.close();
    if (this.opening["stream"]) this.opening = { stream: this.opening["stream"] };
  }

  /** The core has read the header. @param {PlaybackSession} session @param {any} song */
  async show(session, song) {
    if (session.isStale) return;
    this.song = song;
    // The station hears of a song that the host has not accepted only where it serves the file itself.
    if (!this.info && URL.parse(this.place.src)?.origin === this.place.origin) this.tickets.speculate(song.content);
    publishTerms(this, this.players).catch(() => undefined);
  }

  /**
   * The host has read it too: from here on the way to the ticket needs no core.
   * @param {PlaybackSession} session
   * @param {any} info
   */
  async open(session, info) {
    if (session.isStale) return;
    this.info = info;
    this.begun = performance.now();
    session.invocations.left = info.left;
    if (!info.going) this.tickets.prefetch(info, this.nowS);
    const address = { content: fromHex(info.content), rendition: info.rendition, epochs: info.key_epochs };
    const { source, ring, sound } = this;
    this.scheduler = new SegmentScheduler(
      { source, ring, sound, info, address },
      (segment) => session.invocations.renew(segment),
      (error) => this.fail(error),
      (is) => this.isStalled(is),
    );
    const { index, count } = this.place.list ?? { index: 0, count: 1 };
    this.scheduler.isContinued = index + 1 < count;
    ring.wrappingKey(info.ephemeral).catch(() => undefined);
    const { offset, size, sha256 } = info.init;
    this.init = await source.part(offset, size, fromBase64(sha256));
    await sound.prepare(info.mime, info.duration_ms, this.init);
  }

  /**
   * Continues a play that a crash interrupted; where that fails the next play is a new one.
   * @param {PlaybackSession} session
   */
  async rejoin(session) {
    try {
      const told = await native("rejoin", { stream: this.place.stream });
      if (session.isStale) return;
      this.tickets.onRejoin(told);
      await session.resume(told, this.place.last ?? null);
      await this.playWanted(session);
    } catch {
      if (session.isStale) return;
      this.tickets.prefetch(this.info, this.nowS);
      await this.playWanted(session);
    }
  }

  /** Another host, or the same one after the line broke: it gets the same words, and the music is not disturbed. */
  async reopen() {
    const info = await native("open", this.opening);
    this.info = { ...this.info, now_s: info.now_s };
    this.begun = performance.now();
    this.ring.wrappingKey(info.ephemeral).catch(() => undefined);
  }

  /** Nobody shows this stream now. */
  orphan() {
    this.players.clear();
    this.place = { ...this.place, page: -1, element: -1 };
    if (this.isActive) this.goOn();
  }

  get isOrphan() {
    return this.place.page === -1;
  }

  /**
   * The page shows it again, or a background that was restarted does.
   * @param {Place} place
   * @returns {boolean} whether it is this one
   */
  adopt({ src, origin, page, element }) {
    if (src !== this.place.src || origin !== this.place.origin) return false;
    this.place = { ...this.place, page, element };
    publishState(this);
    return true;
  }

  /** The host is gone while music plays: have the next one take it up. */
  goOn() {
    const { session } = this;
    this.recovery
      .recover()
      .then(() => session.invocations.renew(null))
      .catch((error) => (session.isStale ? undefined : this.fail(error)));
  }

  /** A wallet was opened or rewards were switched: the next play is another listener's. */
  async walletChanged() {
    if (this.info && !this.isActive) this.tickets.prefetch(this.info, this.nowS);
    const { session } = this;
    if (this.payment.costs && (session.state === "ready" || session.state === "ended")) {
      await this.payment.decide();
      publishState(this);
    }
    await publishTerms(this, this.players);
  }

  /**
   * Why a wish may not begin where it was asked; null: it may.
   * @param {"play" | "seek" | "rate"} wish
   * @param {import("./activation_rules.js").Surface} surface
   * @returns {Problem | null}
   */
  refusal(wish, surface) {
    const { session } = this;
    // A play that is under way, whose pause may not be through yet, can only go on.
    const action = session.actionOf(wish) ?? (wish === "play" && session.isActive ? "resume" : wish);
    return this.refusalOf(action, surface);
  }

  /**
   * Why an action may not begin where it was asked; null: it may.
   * @param {string} action
   * @param {import("./activation_rules.js").Surface} surface
   * @returns {Problem | null}
   */
  refusalOf(action, surface) {
    const { info, payment } = this;
    const cost = costOf(info?.policy, action, payment.on || (payment.costs && action === "play"));
    // A jump that uses nothing up makes no sound that was not there.
    if (cost === "free" && (action === "seek" || action === "rate")) return null;
    if (mayBegin(cost, surface, payment.on)) return null;
    return cost === "costs" && !payment.on
      ? new Problem("site.budget", { origin: this.place.origin })
      : new Problem("player.press", { action });
  }

  /**
   * Whether a play may begin where it was asked; if not, the player says why beside the terms. What a song takes is
   * known, and looked at again, once it is there.
   * @param {import("./activation_rules.js").Surface} surface
   */
  allows(surface) {
    const isEarly = this.session.state === "loading" && mayBegin("free", surface, false);
    const refusal = isEarly ? null : this.refusal("play", surface);
    if (refusal) this.note(refusal);
    return refusal === null;
  }

  /**
   * Begin, or go on, where it may.
   * @param {import("./activation_rules.js").Surface} surface
   * @returns {Promise<boolean>} whether it may
   */
  async play(surface) {
    const { session } = this;
    if (!this.allows(surface)) return false;
    this.notice = null;
    const isThere = session.state !== "loading";
    // Before there is a song a press is for none: what it turns out to be may take something.
    session.surface = isThere ? surface : downgrade(surface);
    if (isThere) this.noteStation();
    await session.request("play", undefined, surface);
    return true;
  }

  /** Music is about to play: its site stands among the sites, and its station's question waits, where there is one. */
  noteStation() {
    wallet.met(this.place.origin);
    if (this.info?.reward_wei !== "0") wallet.question(this.info?.station ?? null).catch(() => undefined);
  }

  /** The play that was asked for before there was something to play. @param {PlaybackSession} session */
  async playWanted(session) {
    if (!session.playWhenReady) return;
    session.playWhenReady = false;
    if (await this.play(session.surface)) return;
    this.pageCommands.deny();
    publishState(this);
  }

  /** @param {any} message of the player's port, or of the system's media keys */
  async onMessage(message) {
    switch (message.type) {
      case "play":
        return this.play("press");
      case "pause":
        return this.session.request("pause");
      case "seek":
        return this.session.request("seek", Math.max(0, Math.round(message.position_ms)));
      case "retry":
        return this.retry();
      case "open":
        this.opened = true;
        return wallet.asks();
      case "volume":
        this.volume = Math.min(1, Math.max(0, message.value));
        break;
      case "mute":
        this.muted = message.value;
        break;
      case "pitch":
        this.pitch = message.value;
        break;
      case "rate":
        return this.speed(message.value);
      case "track":
        return this.turn(Math.sign(message.by), false);
      default:
        return;
    }
    this.tune();
    return publishState(this);
  }

  /** The element sounds as the fan has set it. */
  tune() {
    const { audio } = this.sound;
    Object.assign(audio, {
      volume: this.volume,
      muted: this.muted,
      defaultPlaybackRate: this.rate,
      playbackRate: this.rate,
      preservesPitch: this.pitch,
    });
  }

  /** Another speed is an action of its own: the terms decide. @param {number} value */
  async speed(value) {
    const rate = Math.min(FASTEST, Math.max(SLOWEST, value || 1));
    if (rate === this.rate) return publishState(this);
    if (rate !== 1 && this.info && !this.permits("rate")) {
      this.note(new Problem("policy.action.denied", { action: "rate" }));
      return publishState(this);
    }
    // Where it stood at the old speed goes to the host before the new one begins.
    if (this.isActive && this.session.granted)
      await this.session.invocations.invoke("rate", this.sound.positionMs, null);
    this.rate = rate;
    this.tune();
    publishState(this);
  }

  /** To another track of the list. @param {number} by @param {boolean} joined it sounds already */
  turn(by, joined) {
    const { page, element, stream } = this.place;
    tell(page, { type: "track", element, stream, by, joined });
  }

  /** Nothing has followed up to the very end: the song ends. */
  letEnd() {
    const { scheduler } = this;
    if (!scheduler?.isContinued || !scheduler.isComplete || this.info.duration_ms - this.sound.positionMs > END_MS)
      return;
    scheduler.isContinued = false;
    this.sound.finish().catch((error) => this.fail(error));
  }

  /** Every second while there is a play. */
  tick() {
    if (!this.isActive) return;
    if (!this.next?.isStarted) this.letEnd();
    const playing = ["playing", "waiting"].includes(this.session.state);
    if (this.watchdog.check(this.sound.audio, playing, performance.now()) === "given up")
      this.fail(new Problem("media.decode", { reason: "still" }));
    publishState(this);
  }

  /** Whether something is missing that may come again. @param {boolean} is */
  isStalled(is) {
    if (this.stalled === is) return;
    this.stalled = is;
    publishState(this);
  }

  /** Something that a person has to know, and that stops nothing. @param {Problem} problem */
  note(problem) {
    this.notice = problem;
    for (const port of this.players) tell(port, { type: "problem", ...problem.toJSON() });
  }

  /** @param {unknown} error */
  async fail(error) {
    const problem = Problem.of(error);
    if (await this.renewed(problem)) return;
    if (problem.code === "host.missing" || problem.code === "host.version") this.sayCommand(problem);
    if (problem.code.startsWith("host.network.")) problem.detail["origin"] = this.place.origin;
    this.problem = problem;
    await this.session.onProblem(problem.code);
    if (this.info && this.session.isOver) this.drop(problem.code);
    for (const port of this.players) tell(port, { type: "problem", ...problem.toJSON() });
    publishState(this);
    wallet.asks();
  }

  /** The command that helps, with the station's network where it names one. @param {Problem} problem */
  sayCommand(problem) {
    problem.detail["command"] = INSTALL;
    installCommand(this.place.origin).then((command) => {
      if (this.problem !== problem || command === INSTALL) return;
      problem.detail["command"] = command;
      for (const port of this.players) tell(port, { type: "problem", ...problem.toJSON() });
    });
  }

  /**
   * Begin anew where the header came from a cache and is another one now; once, and never while a play is counted.
   * @param {Problem} problem
   * @returns {Promise<boolean>} whether it was so
   */
  async renewed({ code }) {
    const { session } = this;
    if (this.reread || !STALE.test(code) || session.granted) return false;
    this.reread = true;
    const source = await this.source.reread();
    if (!source || session.isStale) {
      source?.close();
      return session.isStale;
    }
    const playWhenReady = session.playWhenReady || (session.state === "starting" && !session.pendingPause);
    // The press was for the terms that were shown, and the header is another one now.
    const surface = downgrade(session.surface);
    this.discard();
    this.reset(source);
    Object.assign(this.session, { playWhenReady, surface });
    this.ready = this.begin();
    await this.ready;
    return true;
  }

  /** After a refusal or failure nothing of this play is kept. @param {string} code */
  drop(code) {
    this.session.silence();
    this.tickets.reset();
    if (code.startsWith("content.")) {
      this.ring.clear();
      this.sound.close();
    }
  }

  /** Everything anew: header, host, ticket. */
  async retry() {
    if (this.info && !this.session.isOver) return publishState(this);
    this.discard();
    this.reset(this.sourceOf(this.problem !== null && STALE.test(this.problem.code)));
    this.reread = false;
    this.ready = this.begin();
    await this.ready;
    wallet.asks();
  }

  discard() {
    this.session.silence();
    this.tickets.close();
    this.source.close();
    this.sound.close();
  }

  /** The host says something about this stream. @param {any} event */
  async onHostEvent(event) {
    if (event.event === "revoked" || event.event === "problem") await this.fail(Problem.ofHost(event));
    else if (event.event === "receipt") publishState(this);
    else if (event.event === "host" && this.problem?.code.startsWith("host.") && event.status.state === "connected")
      await this.retry();
    else if (event.event === "host" && this.isActive && event.status.state === "gone") this.goOn();
    else if (event.event === "host" && this.isActive && event.status.state !== "connected")
      await this.fail(new Problem(event.status.code ?? `host.${event.status.state}`));
  }

  /** @param {number} port */
  attach(port) {
    this.players.add(port);
    publishTerms(this, [port]).then(
      () => {
        tell(port, stateOf(this));
        for (const problem of [this.problem ?? this.notice])
          if (problem) tell(port, { type: "problem", ...problem.toJSON() });
      },
      () => undefined,
    );
  }

  /** For the popup. */
  playing() {
    return nowPlaying(this);
  }

  async close() {
    clearInterval(this.ticker);
    this.next?.close();
    this.discard();
    this.release();
    // Whatever is still under way speaks of the past.
    this.session = new PlaybackSession(this);
    await closeStream(this);
  }
}
