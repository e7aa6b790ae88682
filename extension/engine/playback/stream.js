/**
 * One player on one page: a song with its source, keys, sound and session.
 */

import { readPage, tell } from "../link.js";
import { SpsSource } from "../media/sps_source.js";
import { TrackAudio } from "../media/track_audio.js";
import { openSong } from "../song_cores.js";
import * as wallet from "../wallet.js";
import { ActivationGate } from "./activation_gate.js";
import { downgrade } from "./activation_rules.js";
import { AudioSettings } from "./audio_settings.js";
import { CommandQueue } from "./command_queue.js";
import { HostEventHandler } from "./host_events.js";
import { HostRecovery } from "./host_recovery.js";
import { KeyRing } from "./key_ring.js";
import { ListenerPayment } from "./listener_payment.js";
import { PlaybackMonitor } from "./playback_monitor.js";
import { PlayerControls } from "./player_controls.js";
import { PlayHold } from "./play_hold.js";
import { isOfStaleHeader, ProblemHandler } from "./problem_handler.js";
import { PlaybackSession } from "./session.js";
import { SongLoader } from "./song_loader.js";
import { closeStream, publishState, publishTerms, publishTo, publishToPage } from "./state_publisher.js";
import { TicketManager } from "./ticket_manager.js";
import { Timings } from "./timings.js";

/** Code of a play while another tab of this listener plays. */
const BUSY = "session.busy";

/** @import { PlayerPlace } from "../../shared/engine_messages.d.ts" */
/** @import { TermsInWords } from "../../shared/player_messages.d.ts" */
/** @import { SongHeader } from "../core_operations.d.ts" */
/** @import { OpenResult } from "../../shared/protocol.d.ts" */
/** @typedef {import("../../shared/problem.js").Problem} Problem */
/** @typedef {import("./activation_rules.js").Surface} Surface */
/**
 * A song as the host has opened it.
 * @typedef {Omit<OpenResult, "policy"> & {policy: import("./activation_rules.js").Policy}} OpenedSong
 */

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
  /** Initialization segment of the rendition. @type {Uint8Array<ArrayBuffer>} */
  init = new Uint8Array(0);
  settings = new AudioSettings();
  gate = new ActivationGate(this);
  problems = new ProblemHandler(this);
  recovery = new HostRecovery(this);
  controls = new PlayerControls({
    parts: () => this,
    settings: this.settings,
    actions: {
      play: (surface) => this.play(surface),
      retry: () => this.retry(),
      changeTrack: (by, joined) => this.changeTrack(by, joined),
      applySettings: () => this.applySettings(),
      permits: (action) => this.permits(action),
      notify: (problem) => this.notify(problem),
      open: () => (this.opened = true),
      publish: () => publishState(this),
    },
  });
  hostEvents = new HostEventHandler({
    isActive: () => this.isActive,
    problem: () => this.problem,
    retry: () => this.retry(),
    recover: () => this.recover(),
    fail: (error) => this.fail(error),
    publish: () => publishState(this),
  });
  monitor = new PlaybackMonitor({
    parts: () => this,
    fail: (error) => this.fail(error),
    publish: () => publishState(this),
  });
  hold = new PlayHold(() => this);
  pageCommands = new CommandQueue();
  /** Problem that is shown and stops nothing. @type {Problem | null} */
  notice = null;
  /** Handover to the next track. @type {import("./track_handover.js").TrackHandover | null} */
  next = null;
  /** Segments or keys are missing, and may still arrive. */
  stalled = false;
  /** A person has opened the extension's window from this player. */
  opened = false;
  /** `performance.now()` at which the host's clock was read. */
  infoAtMs = performance.now();
  /** Ports of the player. @type {Set<number>} */
  players = new Set();
  /** The song as the host has opened it. @type {OpenedSong | null} */
  info = null;
  /** The song's header as the core has read it. @type {SongHeader | null} */
  song = null;
  /** The terms in words. @type {TermsInWords | null} */
  facts = null;
  /** Problem that has stopped the play. @type {Problem | null} */
  problem = null;

  /** @param {PlayerPlace} place */
  constructor(place) {
    this.place = place;
    this.timings = new Timings(openSong(place.stream, place.site));
    this.reset();
    this.load();
    this.monitor.start();
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
    this.info = null;
    this.song = null;
    this.facts = null;
    this.problem = null;
    this.payment = new ListenerPayment(this);
  }

  /** Creates the song's source. @param {boolean} reload past every cache */
  sourceOf(reload) {
    const { stream, src, origin, site } = this.place;
    // The origin of a page on disk is the station that the page names, which must not make addresses reachable.
    const page = src.startsWith("file:") ? src : origin;
    return new SpsSource(src, (offset, size) => readPage(stream, offset, size), undefined, reload, { page, site });
  }

  /** Loads the song. */
  load() {
    return this.loader.load();
  }

  /** True if a play is requested or granted. */
  get isActive() {
    return this.session.isActive;
  }

  /** True if a press of a person, not a page's script, was refused because another tab plays. */
  get waitsForTakeOver() {
    const { surface } = this.session;
    return this.problem?.code === BUSY && (this.opened || surface === "press" || surface === "own");
  }

  /** True if the terms permit an action. @param {string} action */
  permits(action) {
    return Boolean(this.info?.policy?.permissions?.includes(action));
  }

  /** Stores the song as the host has opened it. @param {OpenedSong} info with the present time of the host's clock */
  setInfo(info) {
    this.info = info;
    this.infoAtMs = performance.now();
  }

  /** Unix seconds by the chain's clock; NaN before the host has opened the song. */
  get nowS() {
    return (this.info?.now_s ?? NaN) + (performance.now() - this.infoAtMs) / 1000;
  }

  /** Detaches the page and the player after a restart of the background. */
  orphan() {
    this.players.clear();
    this.place = { ...this.place, page: -1, element: -1 };
    if (this.isActive) this.recover();
  }

  /** True if no page shows the stream. */
  get isOrphan() {
    return this.place.page === -1;
  }

  /**
   * Attaches the page that shows the stream again.
   * @param {PlayerPlace} place
   * @returns {boolean} false for a place of another song or origin
   */
  adopt({ src, origin, page, element }) {
    if (src !== this.place.src || origin !== this.place.origin) return false;
    this.place = { ...this.place, page, element };
    publishToPage(this);
    return true;
  }

  /** Continues the play at the next host, after the host has gone. */
  recover() {
    const { session } = this;
    this.recovery
      .recover()
      .then(() => session.invocations.renew(null))
      .catch((error) => (session.isStale ? undefined : this.fail(error)));
  }

  /** Prepares the next play again, whose listener may be another one after a change of the wallet. */
  async walletChanged() {
    if (this.info && !this.isActive) this.tickets.prefetch(this.info, this.nowS);
    const { session } = this;
    this.payment.cover();
    if (this.payment.costs && (session.state === "ready" || session.state === "ended")) {
      await this.payment.decide();
      publishState(this);
    }
    this.hold.take();
    await publishTerms(this, this.players);
  }

  /**
   * Plays or resumes, where the surface allows it.
   * @param {Surface} surface
   * @returns {Promise<boolean>} whether it is allowed
   */
  async play(surface) {
    if (!this.gate.allows(surface)) return false;
    await this.playAllowed(surface);
    return true;
  }

  /** Plays on a surface that is allowed. @private @param {Surface} surface */
  playAllowed(surface) {
    const { session } = this;
    this.notice = null;
    const isLoaded = session.state !== "loading";
    // A press before the song is loaded was made without its terms.
    session.surface = isLoaded ? surface : downgrade(surface);
    if (isLoaded) this.reportStation();
    return session.request("play", undefined, surface);
  }

  /** Adds the site to the wallet's sites, and the question whether rewards are collected at its station. @private */
  reportStation() {
    wallet.reportSite(this.place.origin);
    if (this.info?.reward_wei !== "0") wallet.addQuestion(this.info?.station ?? null).catch(() => undefined);
  }

  /** Starts the play that was requested before the song was loaded. @param {PlaybackSession} session */
  async playPending(session) {
    if (!session.playWhenReady) return;
    session.playWhenReady = false;
    if (this.gate.allows(session.surface)) return void (await this.playAllowed(session.surface));
    // In the same task: a state without wish and denial would tell the page that its play was aborted.
    this.pageCommands.deny();
    publishState(this);
  }

  /** Executes a command. @param {import("./player_controls.js").Command} message */
  onMessage(message) {
    return this.controls.onMessage(message);
  }

  /** Applies the settings to the audio element. */
  applySettings() {
    this.settings.applyTo(this.sound.audio);
  }

  /** Requests another track of the list from the page. @param {number} by @param {boolean} joined it plays already */
  changeTrack(by, joined) {
    const { page, element, stream } = this.place;
    tell(page, { type: "track", element, stream, by, joined });
  }

  /** Publishes a stall. @param {boolean} isStalled segments or keys are missing that may still arrive */
  onStall(isStalled) {
    if (this.stalled === isStalled) return;
    this.stalled = isStalled;
    publishState(this);
  }

  /** Shows a problem that stops nothing. @param {Problem} problem */
  notify(problem) {
    this.problems.notify(problem);
  }

  /** Handles an error of the song or of its play. @param {unknown} error */
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
    wallet.decisionsChanged();
  }

  /** Closes everything that a retry starts anew. */
  discard() {
    this.session.silence();
    this.hold.end();
    this.tickets.close();
    this.source.close();
    this.sound.close();
  }

  /** Adds a port of the player. @param {number} port */
  attach(port) {
    this.players.add(port);
    publishTo(this, port).catch(() => undefined);
  }

  /** Closes the stream at host and core. */
  async close() {
    this.monitor.stop();
    this.next?.close();
    this.discard();
    this.hold.close();
    this.payment.close();
    this.loader.release();
    // The running requests are of a stale session from here on.
    this.session = new PlaybackSession(this);
    await closeStream(this);
  }
}
