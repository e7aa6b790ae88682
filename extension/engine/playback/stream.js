/**
 * One player on one page: its file, its keys, its sound; how it begins, fails and ends. What happens in between is
 * course.js's.
 */

import { Problem } from "../../shared/problem.js";
import { fromBase64, fromHex, toBase64 } from "../bytes.js";
import { Admission } from "./ticket_manager.js";
import { MarkCheck } from "../media/mark_check.js";
import { Course } from "./session.js";
import { Feed } from "../media/segment_scheduler.js";
import { INSTALL, installCommand } from "../install_command.js";
import { KeyRing } from "./key_ring.js";
import { native, readPage, tell } from "../link.js";
import { Measures } from "./timings.js";
import { Paying } from "./listener_payment.js";
import { Recovery } from "./host_recovery.js";
import { Sound } from "../media/track_audio.js";
import { openSong, song as core } from "../song_cores.js";
import { Source } from "../media/sps_source.js";
import { mayBegin, stale, takingOf } from "./activation_rules.js";
import { SiteQueue } from "../site_queue.js";
import { forget, playing, stateOf, tellState, tellTerms } from "./state_publisher.js";
import * as wallet from "../wallet.js";
import { Watchdog } from "../media/stall_watchdog.js";
import { Wishes } from "./command_queue.js";

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
const turns = new SiteQueue(MOST_READ);
/** Songs that one site has the host look at on the chain at once. */
const MOST_OPENED = 8;
const openings = new SiteQueue(MOST_OPENED);
/** @param {Stream} stream */
const headerOf = ({ place: { site }, source }) => turns.run(site, () => source.header());

export class Stream {
  /** @type {Source} */
  source;
  /** @type {KeyRing} */
  ring;
  /** @type {Sound} */
  sound;
  /** @type {Admission} */
  admission;
  /** @type {Course} */
  course;
  /** @type {Paying} */
  paying;
  /** @type {Feed | null} */
  feed = null;
  /** @type {Uint8Array<ArrayBuffer>} the song's first part, which every decoder needs */
  init = new Uint8Array(0);
  volume = 1;
  muted = false;
  rate = 1;
  pitch = true;
  page = new Wishes();
  /** @type {Problem | null} what a person has to know before the music can begin */
  notice = null;
  /** @type {import("./track_handover.js").Handover | null} to the next track */
  next = null;
  dog = new Watchdog();
  /** @type {boolean} nothing has come for a while */
  stalled = false;
  /** @type {boolean} the header was read past every cache */
  reread = false;
  begun = performance.now();

  /** @type {boolean} a person has asked for the extension's own window from this player */
  opened = false;

  recovery = new Recovery(this);

  /** @param {Place} place */
  constructor(place) {
    this.place = place;
    this.timings = new Measures(openSong(place.stream, place.site));
    /** @type {Set<number>} the player's ports */
    this.players = new Set();
    this.reset();
    this.ready = this.begin();
    this.ticker = setInterval(() => this.tick(), TELL_MS);
  }

  /** Everything that a retry starts anew. @param {Source} [source] */
  reset(source = this.sourceOf(false)) {
    const course = new Course(this);
    this.course = course;
    this.source = source;
    this.ring = new KeyRing();
    this.admission = new Admission(this.place);
    this.admission.onCapped = () => void tellTerms(this, this.players).catch(() => undefined);
    this.sound = new Sound((name) => course.isPast || course.heardOf(name));
    this.tune();
    this.feed = null;
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
    this.paying = new Paying(this);
  }

  /** @param {boolean} anew past every cache */
  sourceOf(anew) {
    const { stream, src, origin, site } = this.place;
    // A page on disk names its station itself, and gets nowhere by that word.
    const page = src.startsWith("file:") ? src : origin;
    return new Source(src, (offset, size) => readPage(stream, offset, size), undefined, anew, { page, site });
  }

  get isActive() {
    return this.course.isActive;
  }

  /** Whether a person's own press waits for the music of another tab; what a page's script tried is no question. */
  get waitsToMove() {
    return (
      this.problem?.code === BUSY && (this.opened || this.course.surface === "press" || this.course.surface === "own")
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
    const { course } = this;
    try {
      const [cose, key] = await Promise.all([headerOf(this), this.ring.publicKey]);
      if (course.isPast) return;
      // Host and core choose the rendition from the same words.
      const able = { codecs: CODECS, kbps: this.source.kbps === null ? null : Math.round(this.source.kbps) };
      this.opening = { stream: this.place.stream, header: toBase64(cose), key: toBase64(key), ...able };
      const gone = () => Promise.reject(new Problem("host.stream.unknown"));
      const opened = openings.run(this.place.site, () => (course.isPast ? gone() : native("open", this.opening)));
      const loaded = core("header.load", { stream: this.place.stream, language: navigator.language, ...able }, cose);
      this.source.deliver(loaded.then((song) => song.delivery));
      // The terms come from the file's own words even where the host is missing.
      const shown = loaded.then((song) => this.show(course, song));
      const ready = opened.then((info) => this.open(course, info));
      for (const promise of [shown, ready]) promise.catch(() => undefined);
      await shown;
      await ready;
      if (course.isPast) return;
      await this.paying.decide();
      if (course.isPast) return;
      const { extent, next } = this.song;
      if (this.feed) {
        this.feed.untilMs = extent.to_ms;
        const refused = (/** @type {Problem} */ problem) => void (course.isPast || this.fail(problem));
        this.feed.check = new MarkCheck(this.place.stream, this.song, this.init, refused, (verdict) =>
          this.timings.mark(verdict),
        );
      }
      course.isReady({ position_ms: extent.from_ms, duration_ms: this.info.duration_ms, next });
      if (this.rate !== 1 && !this.permits("rate")) {
        this.rate = 1;
        this.tune();
      }
      if (this.info.going) await this.rejoin(course);
      else await this.playWanted(course);
      await tellTerms(this, this.players);
    } catch (error) {
      if (course.isPast) return;
      await this.fail(error);
      if (!course.isPast && !(this.info && this.song)) this.release();
    }
  }

  /** Drops what was read of a song that was not opened, or is gone: only a retry begins anew. */
  release() {
    this.source.close();
    if (this.opening["stream"]) this.opening = { stream: this.opening["stream"] };
  }

  /** The core has read the header. @param {Course} course @param {any} song */
  async show(course, song) {
    if (course.isPast) return;
    this.song = song;
    // The station hears of a song that the host has not accepted only where it serves the file itself.
    if (!this.info && URL.parse(this.place.src)?.origin === this.place.origin) this.admission.guess(song.content);
    tellTerms(this, this.players).catch(() => undefined);
  }

  /**
   * The host has read it too: from here on the way to the ticket needs no core.
   * @param {Course} course
   * @param {any} info
   */
  async open(course, info) {
    if (course.isPast) return;
    this.info = info;
    this.begun = performance.now();
    course.counting.left = info.left;
    if (!info.going) this.admission.ahead(info, this.nowS);
    const address = { content: fromHex(info.content), rendition: info.rendition, epochs: info.key_epochs };
    const { source, ring, sound } = this;
    this.feed = new Feed(
      { source, ring, sound, info, address },
      (segment) => course.counting.renew(segment),
      (error) => this.fail(error),
      (is) => this.isStalled(is),
    );
    const { index, count } = this.place.list ?? { index: 0, count: 1 };
    this.feed.held = index + 1 < count;
    ring.agree(info.ephemeral).catch(() => undefined);
    const { offset, size, sha256 } = info.init;
    this.init = await source.part(offset, size, fromBase64(sha256));
    await sound.prepare(info.mime, info.duration_ms, this.init);
  }

  /** A play that a crash cut off goes on; what keeps it from it costs nothing but a new play. @param {Course} course */
  async rejoin(course) {
    try {
      const told = await native("rejoin", { stream: this.place.stream });
      if (course.isPast) return;
      this.admission.rejoined(told);
      await course.goOn(told, this.place.last ?? null);
      await this.playWanted(course);
    } catch {
      if (course.isPast) return;
      this.admission.ahead(this.info, this.nowS);
      await this.playWanted(course);
    }
  }

  /** Another host, or the same one after the line broke: it gets the same words, and the music is not disturbed. */
  async reopen() {
    const info = await native("open", this.opening);
    this.info = { ...this.info, now_s: info.now_s };
    this.begun = performance.now();
    this.ring.agree(info.ephemeral).catch(() => undefined);
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
    tellState(this);
    return true;
  }

  /** The host is gone while music plays: have the next one take it up. */
  goOn() {
    const { course } = this;
    this.recovery
      .begin()
      .then(() => course.counting.renew(null))
      .catch((error) => (course.isPast ? undefined : this.fail(error)));
  }

  /** A wallet was opened or rewards were switched: the next play is another listener's. */
  async walletChanged() {
    if (this.info && !this.isActive) this.admission.ahead(this.info, this.nowS);
    const { course } = this;
    const before = course.session.state;
    if (this.paying.costs && (before === "ready" || before === "ended")) {
      await this.paying.decide();
      if (!course.isPast && course.session.state === before)
        course.session = { ...course.session, next: this.song.next };
      tellState(this);
    }
    await tellTerms(this, this.players);
  }

  /**
   * Why a wish may not begin where it was asked; null: it may.
   * @param {"play" | "seek" | "rate"} wish
   * @param {import("./activation_rules.js").Surface} surface
   * @returns {Problem | null}
   */
  refusal(wish, surface) {
    const { course } = this;
    // A play that is under way, whose pause may not be through yet, can only go on.
    const action = course.session.next[wish]?.invoke ?? (wish === "play" && course.isActive ? "resume" : wish);
    return this.refusalOf(action, surface);
  }

  /**
   * Why an action may not begin where it was asked; null: it may.
   * @param {string} action
   * @param {import("./activation_rules.js").Surface} surface
   * @returns {Problem | null}
   */
  refusalOf(action, surface) {
    const { info, paying } = this;
    const taking = takingOf(info?.policy, action, paying.on || (paying.costs && action === "play"));
    // A jump that uses nothing up makes no sound that was not there.
    if (taking === "free" && (action === "seek" || action === "rate")) return null;
    if (mayBegin(taking, surface, paying.on)) return null;
    return taking === "costs" && !paying.on
      ? new Problem("site.budget", { origin: this.place.origin })
      : new Problem("player.press", { action });
  }

  /**
   * Whether a play may begin where it was asked; if not, the player says why beside the terms. What a song takes is
   * known, and looked at again, once it is there.
   * @param {import("./activation_rules.js").Surface} surface
   */
  allows(surface) {
    const isEarly = this.course.session.state === "loading" && mayBegin("free", surface, false);
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
    const { course } = this;
    if (!this.allows(surface)) return false;
    this.notice = null;
    const isThere = course.session.state !== "loading";
    // Before there is a song a press is for none: what it turns out to be may take something.
    course.surface = isThere ? surface : stale(surface);
    if (isThere) this.noteStation();
    await course.wish("play", undefined, surface);
    return true;
  }

  /** Music is about to play: its site stands among the sites, and its station's question waits, where there is one. */
  noteStation() {
    wallet.met(this.place.origin);
    if (this.info?.reward_wei !== "0") wallet.question(this.info?.station ?? null).catch(() => undefined);
  }

  /** The play that was asked for before there was something to play. @param {Course} course */
  async playWanted(course) {
    if (!course.wanted) return;
    course.wanted = false;
    if (await this.play(course.surface)) return;
    this.page.deny();
    tellState(this);
  }

  /** @param {any} message of the player's port, or of the system's media keys */
  async hear(message) {
    switch (message.type) {
      case "play":
        return this.play("press");
      case "pause":
        return this.course.wish("pause");
      case "seek":
        return this.course.wish("seek", Math.max(0, Math.round(message.position_ms)));
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
    return tellState(this);
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
    if (rate === this.rate) return tellState(this);
    if (rate !== 1 && this.info && !this.permits("rate")) {
      this.note(new Problem("policy.action.denied", { action: "rate" }));
      return tellState(this);
    }
    // Where it stood at the old speed goes to the host before the new one begins.
    if (this.isActive && this.course.session.granted)
      await this.course.counting.invoke("rate", this.sound.positionMs, null);
    this.rate = rate;
    this.tune();
    tellState(this);
  }

  /** To another track of the list. @param {number} by @param {boolean} joined it sounds already */
  turn(by, joined) {
    const { page, element, stream } = this.place;
    tell(page, { type: "track", element, stream, by, joined });
  }

  /** Nothing has followed up to the very end: the song ends. */
  letEnd() {
    const { feed } = this;
    if (!feed?.held || !feed.complete || this.info.duration_ms - this.sound.positionMs > END_MS) return;
    feed.held = false;
    this.sound.finish().catch((error) => this.fail(error));
  }

  /** Every second while there is a play. */
  tick() {
    if (!this.isActive) return;
    if (!this.next?.begun) this.letEnd();
    const playing = ["playing", "waiting"].includes(this.course.session.state);
    if (this.dog.look(this.sound.audio, playing, performance.now()) === "given up")
      this.fail(new Problem("media.decode", { reason: "still" }));
    tellState(this);
  }

  /** Whether something is missing that may come again. @param {boolean} is */
  isStalled(is) {
    if (this.stalled === is) return;
    this.stalled = is;
    tellState(this);
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
    await this.course.failed(problem.code);
    if (this.info && this.course.isOver) this.drop(problem.code);
    for (const port of this.players) tell(port, { type: "problem", ...problem.toJSON() });
    tellState(this);
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
    const { course } = this;
    if (this.reread || !STALE.test(code) || course.session.granted) return false;
    this.reread = true;
    const source = await this.source.renewed();
    if (!source || course.isPast) {
      source?.close();
      return course.isPast;
    }
    const wanted = course.wanted || (course.session.state === "starting" && !course.session.halting);
    // The press was for the terms that were shown, and the header is another one now.
    const surface = stale(course.surface);
    this.discard();
    this.reset(source);
    Object.assign(this.course, { wanted, surface });
    this.ready = this.begin();
    await this.ready;
    return true;
  }

  /** After a refusal or failure nothing of this play is kept. @param {string} code */
  drop(code) {
    this.course.silence();
    this.admission.forget();
    if (code.startsWith("content.")) {
      this.ring.shred();
      this.sound.close();
    }
  }

  /** Everything anew: header, host, ticket. */
  async retry() {
    if (this.info && !this.course.isOver) return tellState(this);
    this.discard();
    this.reset(this.sourceOf(this.problem !== null && STALE.test(this.problem.code)));
    this.reread = false;
    this.ready = this.begin();
    await this.ready;
    wallet.asks();
  }

  discard() {
    this.course.silence();
    this.admission.close();
    this.source.close();
    this.sound.close();
  }

  /** The host says something about this stream. @param {any} event */
  async hostSays(event) {
    if (event.event === "revoked" || event.event === "problem") await this.fail(Problem.ofHost(event));
    else if (event.event === "receipt") tellState(this);
    else if (event.event === "host" && this.problem?.code.startsWith("host.") && event.status.state === "connected")
      await this.retry();
    else if (event.event === "host" && this.isActive && event.status.state === "gone") this.goOn();
    else if (event.event === "host" && this.isActive && event.status.state !== "connected")
      await this.fail(new Problem(event.status.code ?? `host.${event.status.state}`));
  }

  /** @param {number} port */
  attach(port) {
    this.players.add(port);
    tellTerms(this, [port]).then(
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
    return playing(this);
  }

  async close() {
    clearInterval(this.ticker);
    this.next?.close();
    this.discard();
    this.release();
    // Whatever is still under way speaks of the past.
    this.course = new Course(this);
    await forget(this);
  }
}
