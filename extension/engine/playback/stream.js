/**
 * One player on one page: a song with its source, keys, sound and session, and the messages of player, page and host.
 */

import { Problem } from "../../shared/problem.js";
import { readPage, tell } from "../link.js";
import { SpsSource } from "../media/sps_source.js";
import { StallWatchdog } from "../media/stall_watchdog.js";
import { TrackAudio } from "../media/track_audio.js";
import { openSong } from "../song_cores.js";
import * as wallet from "../wallet.js";
import { ActivationGate } from "./activation_gate.js";
import { downgrade } from "./activation_rules.js";
import { AudioSettings } from "./audio_settings.js";
import { CommandQueue } from "./command_queue.js";
import { HostRecovery } from "./host_recovery.js";
import { KeyRing } from "./key_ring.js";
import { ListenerPayment } from "./listener_payment.js";
import { isOfStaleHeader, ProblemHandler } from "./problem_handler.js";
import { PlaybackSession } from "./session.js";
import { SongLoader } from "./song_loader.js";
import { closeStream, nowPlaying, publishState, publishTerms, stateOf } from "./state_publisher.js";
import { TicketManager } from "./ticket_manager.js";
import { Timings } from "./timings.js";

/** Another tab of this listener plays. */
const BUSY = "session.busy";
const PUBLISH_MS = 1_000;
/** A track with a successor ends by itself where none has followed this long before its end. */
const END_MS = 200;

/**
 * @typedef {{stream: string, src: string, origin: string, site: string, inside: boolean, page: number, element: number,
 * last?: {position_ms: number, playing: boolean} | null,
 *   list?: {index: number, count: number, after: string | null, crossfade_s: number}}} Place */

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
  /** @type {SongLoader} */
  loader;
  /** @type {ListenerPayment} */
  payment;
  /** @type {import("../media/segment_scheduler.js").SegmentScheduler | null} */
  scheduler = null;
  /** @type {Uint8Array<ArrayBuffer>} initialization segment of the rendition */
  init = new Uint8Array(0);
  settings = new AudioSettings();
  gate = new ActivationGate(this);
  problems = new ProblemHandler(this);
  recovery = new HostRecovery(this);
  watchdog = new StallWatchdog();
  pageCommands = new CommandQueue();
  /** @type {Problem | null} what a person has to know before the music can begin */
  notice = null;
  /** @type {import("./track_handover.js").TrackHandover | null} to the next track */
  next = null;
  /** @type {boolean} segments or keys are missing, and may still come */
  stalled = false;
  /** @type {boolean} a person has asked for the extension's own window from this player */
  opened = false;
  /** @type {number} `performance.now()` at which the host's clock was read */
  infoAtMs = performance.now();

  /** @param {Place} place */
  constructor(place) {
    this.place = place;
    this.timings = new Timings(openSong(place.stream, place.site));
    /** @type {Set<number>} the player's ports */
    this.players = new Set();
    this.reset();
    this.load();
    this.ticker = setInterval(() => this.tick(), PUBLISH_MS);
  }

  /** Replaces everything that a retry starts anew. @param {SpsSource} [source] */
  reset(source = this.sourceOf(false)) {
    const session = new PlaybackSession(this);
    this.session = session;
    this.loader = new SongLoader(this, session);
    this.source = source;
    this.ring = new KeyRing();
    this.tickets = new TicketManager(this.place);
    this.tickets.onCapped = () => void publishTerms(this, this.players).catch(() => undefined);
    this.sound = new TrackAudio((name) => session.isStale || session.onMediaEvent(name));
    this.applySettings();
    this.scheduler = null;
    /** @type {any} the song as the host has opened it */
    this.info = null;
    /** @type {any} the song as the core has read it */
    this.song = null;
    /** @type {{may: string, left: string, costs: string, earn: string, limits: string[]} | null} the terms in words */
    this.facts = null;
    /** @type {Problem | null} */
    this.problem = null;
    this.payment = new ListenerPayment(this);
  }

  /** @param {boolean} reload past every cache */
  sourceOf(reload) {
    const { stream, src, origin, site } = this.place;
    // A page on disk names its station itself: the name opens no addresses.
    const page = src.startsWith("file:") ? src : origin;
    return new SpsSource(src, (offset, size) => readPage(stream, offset, size), undefined, reload, { page, site });
  }

  /** Loads the song. */
  load() {
    return this.loader.load();
  }

  get isActive() {
    return this.session.isActive;
  }

  /** Whether a person's own press waits for the music of another tab; a page's script does not count. */
  get waitsToMove() {
    return (
      this.problem?.code === BUSY && (this.opened || this.session.surface === "press" || this.session.surface === "own")
    );
  }

  /** Whether the terms name this action. @param {string} action */
  permits(action) {
    return Boolean(this.info?.policy?.permissions?.includes(action));
  }

  /** The song as the host has opened it. @param {any} info with the host's clock of now */
  setInfo(info) {
    this.info = info;
    this.infoAtMs = performance.now();
  }

  /** Unix seconds by the chain's clock. */
  get nowS() {
    return this.info.now_s + (performance.now() - this.infoAtMs) / 1000;
  }

  /** No page shows this stream now. */
  orphan() {
    this.players.clear();
    this.place = { ...this.place, page: -1, element: -1 };
    if (this.isActive) this.recover();
  }

  get isOrphan() {
    return this.place.page === -1;
  }

  /**
   * The page shows the stream again, or a restarted background does.
   * @param {Place} place
   * @returns {boolean} whether it is this stream
   */
  adopt({ src, origin, page, element }) {
    if (src !== this.place.src || origin !== this.place.origin) return false;
    this.place = { ...this.place, page, element };
    publishState(this);
    return true;
  }

  /** The host is gone while music plays: the next one takes the play over. */
  recover() {
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
   * Plays or resumes, where the surface allows it.
   * @param {import("./activation_rules.js").Surface} surface
   * @returns {Promise<boolean>} whether it does
   */
  async play(surface) {
    const { session } = this;
    if (!this.gate.allows(surface)) return false;
    this.notice = null;
    const isLoaded = session.state !== "loading";
    // A press before the song is loaded was for no terms.
    session.surface = isLoaded ? surface : downgrade(surface);
    if (isLoaded) this.noteStation();
    await session.request("play", undefined, surface);
    return true;
  }

  /** @private Adds the site to the wallet's sites, and its station's question where there is one. */
  noteStation() {
    wallet.met(this.place.origin);
    if (this.info?.reward_wei !== "0") wallet.question(this.info?.station ?? null).catch(() => undefined);
  }

  /** The play that was requested before the song was loaded. @param {PlaybackSession} session */
  async playPending(session) {
    if (!session.playWhenReady) return;
    session.playWhenReady = false;
    if (await this.play(session.surface)) return;
    this.pageCommands.deny();
    publishState(this);
  }

  /** @param {any} message of the player's port, or of the system's media keys */
  async onMessage(message) {
    const { session, settings } = this;
    switch (message.type) {
      case "play":
        return this.play("press");
      case "pause":
        return session.request("pause");
      case "seek":
        return session.request("seek", Math.max(0, Math.round(message.position_ms)));
      case "retry":
        return this.retry();
      case "open":
        this.opened = true;
        return wallet.asks();
      case "volume":
        settings.setVolume(message.value);
        break;
      case "mute":
        settings.muted = message.value;
        break;
      case "pitch":
        settings.pitch = message.value;
        break;
      case "rate":
        return this.setRate(message.value);
      case "track":
        return this.changeTrack(Math.sign(message.by), false);
      default:
        return;
    }
    this.applySettings();
    return publishState(this);
  }

  applySettings() {
    this.settings.applyTo(this.sound.audio);
  }

  /** Sets the speed, which is an action of the terms. @param {number} value */
  async setRate(value) {
    const rate = AudioSettings.nearestRate(value);
    if (rate === this.settings.rate) return publishState(this);
    if (rate !== 1 && this.info && !this.permits("rate")) {
      this.notify(new Problem("policy.action.denied", { action: "rate" }));
      return publishState(this);
    }
    // The host has the position at the old speed before the new one begins.
    if (this.isActive && this.session.granted)
      await this.session.invocations.invoke("rate", this.sound.positionMs, null);
    this.settings.rate = rate;
    this.applySettings();
    publishState(this);
  }

  /** To another track of the list. @param {number} by @param {boolean} joined it sounds already */
  changeTrack(by, joined) {
    const { page, element, stream } = this.place;
    tell(page, { type: "track", element, stream, by, joined });
  }

  /** Ends the track where no other one has followed up to its end. */
  endIfLast() {
    const { scheduler } = this;
    if (!scheduler?.isContinued || !scheduler.isComplete) return;
    if (this.info.duration_ms - this.sound.positionMs > END_MS) return;
    scheduler.isContinued = false;
    this.sound.finish().catch((error) => this.fail(error));
  }

  /** Every second of an active play. */
  tick() {
    if (!this.isActive) return;
    if (!this.next?.isStarted) this.endIfLast();
    const playing = ["playing", "waiting"].includes(this.session.state);
    if (this.watchdog.check(this.sound.audio, playing, performance.now()) === "given up")
      this.fail(new Problem("media.decode", { reason: "still" }));
    publishState(this);
  }

  /** @param {boolean} isStalled whether segments or keys are missing that may still come */
  onStall(isStalled) {
    if (this.stalled === isStalled) return;
    this.stalled = isStalled;
    publishState(this);
  }

  /** Shows what a person has to know and what stops nothing. @param {Problem} problem */
  notify(problem) {
    this.problems.notify(problem);
  }

  /** @param {unknown} error */
  fail(error) {
    return this.problems.fail(error);
  }

  /** Starts over: header, host, ticket. */
  async retry() {
    if (this.info && !this.session.isOver) return publishState(this);
    this.discard();
    this.reset(this.sourceOf(isOfStaleHeader(this.problem?.code)));
    this.problems.hasReread = false;
    await this.load();
    wallet.asks();
  }

  discard() {
    this.session.silence();
    this.tickets.close();
    this.source.close();
    this.sound.close();
  }

  /** Event of the host about this stream. @param {any} event */
  async onHostEvent(event) {
    if (event.event === "revoked" || event.event === "problem") await this.fail(Problem.ofHost(event));
    else if (event.event === "receipt") publishState(this);
    else if (event.event === "host" && this.problem?.code.startsWith("host.") && event.status.state === "connected")
      await this.retry();
    else if (event.event === "host" && this.isActive && event.status.state === "gone") this.recover();
    else if (event.event === "host" && this.isActive && event.status.state !== "connected")
      await this.fail(new Problem(event.status.code ?? `host.${event.status.state}`));
  }

  /** @param {number} port of a player */
  attach(port) {
    this.players.add(port);
    publishTerms(this, [port]).then(
      () => {
        tell(port, stateOf(this));
        const problem = this.problem ?? this.notice;
        if (problem) tell(port, { type: "problem", ...problem.toJSON() });
      },
      () => undefined,
    );
  }

  /** The song that plays, for the popup. */
  playing() {
    return nowPlaying(this);
  }

  async close() {
    clearInterval(this.ticker);
    this.next?.close();
    this.discard();
    this.loader.release();
    // Whatever is still under way is of a stale session.
    this.session = new PlaybackSession(this);
    await closeStream(this);
  }
}
