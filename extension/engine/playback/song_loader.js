/**
 * Loads the song of a stream: its header, which host and core check, its terms, and what a play needs.
 */

import { Problem } from "../../shared/problem.js";
import { fromBase64, fromHex, toBase64 } from "../bytes.js";
import { native } from "../link.js";
import { MarkCheck } from "../media/mark_check.js";
import { SegmentScheduler } from "../media/segment_scheduler.js";
import { SiteQueue } from "../site_queue.js";
import { song as core } from "../song_cores.js";
import { publishTerms } from "./state_publisher.js";
import { recentContent, rememberContent } from "./ticket_cache.js";

const CODECS = ["flac", "opus"].filter((codec) => MediaSource.isTypeSupported(`audio/mp4; codecs="${codec}"`));
/** Headers of one site that are read at once. */
const MAX_READS = 4;
const reads = new SiteQueue(MAX_READS);
/** Songs of one site that the host opens at once. */
const MAX_OPENINGS = 8;
const openings = new SiteQueue(MAX_OPENINGS);

/** @import { SongHeader } from "../core_operations.d.ts" */
/** @typedef {import("./stream.js").OpenedSong} OpenedSong */
/** @typedef {import("./stream.js").Stream} Stream */
/** @typedef {import("../link.js").NativeOperations["open"]["request"]} Opening */

export class SongLoader {
  /** Request with which the host opens the song; empty until the header is read. @type {Partial<Opening>} */
  opening = {};

  /** @param {Stream} stream @param {import("./session.js").PlaybackSession} session that plays the song */
  constructor(stream, session) {
    this.stream = stream;
    this.session = session;
  }

  /** Reads the header, checks it with host and core, shows the terms and prepares the first play. */
  async load() {
    const { stream, session } = this;
    try {
      await this.#load();
    } catch (error) {
      if (session.isStale) return;
      await stream.fail(error);
      if (!session.isStale && !(stream.info && stream.song)) this.release();
    }
  }

  /** Drops the bytes of a song that could not be opened, or is closed. */
  release() {
    this.stream.source.close();
    if (this.opening.stream) this.opening = { stream: this.opening.stream };
  }

  /** Opens the song at another host, or again after the connection broke, while the sound goes on. */
  async reopen() {
    const { stream } = this;
    const info = await native("open", /** @type {Opening} */ (this.opening));
    if (stream.info) stream.setInfo({ ...stream.info, now_s: info.now_s });
    stream.ring.wrappingKey(info.ephemeral).catch(() => undefined);
  }

  async #load() {
    const { stream, session } = this;
    const { place, source } = stream;
    // The ticket of a file that was read before travels with the header.
    const expected = recentContent(place.src);
    if (expected) stream.tickets.speculate(expected, this.#mayRequest);
    const [cose, key] = await Promise.all([reads.run(place.site, () => source.header()), stream.ring.publicKey]);
    if (session.isStale) return;
    // Host and core select the rendition by the same fields.
    const capabilities = { codecs: CODECS, kbps: source.kbps === null ? null : Math.round(source.kbps) };
    const opening = { stream: place.stream, header: toBase64(cose), key: toBase64(key), ...capabilities };
    this.opening = opening;
    const closed = () => Promise.reject(new Problem("host.stream.unknown"));
    const opened = openings.run(place.site, async () => {
      const prepared = await stream.tickets.offer();
      return session.isStale ? closed() : native("open", { ...opening, ...prepared });
    });
    const loaded = core("header.load", { stream: place.stream, ...capabilities }, cose);
    source.addMirrors(loaded.then((song) => song.delivery));
    // The terms are part of the file, and are shown without a host as well.
    const shown = loaded.then((song) => this.#onHeader(song));
    const prepared = opened.then((info) => this.#onOpened(/** @type {OpenedSong} */ (info)));
    for (const promise of [shown, prepared]) promise.catch(() => undefined);
    await shown;
    await prepared;
    if (session.isStale) return;
    await stream.payment.decide();
    if (session.isStale) return;
    await this.#start();
    await publishTerms(stream, stream.players);
  }

  /** Before the host has accepted the song, only a station that serves the file itself gets a request about it. */
  get #mayRequest() {
    const { src, origin } = this.stream.place;
    return URL.parse(src)?.origin === origin;
  }

  /** Shows the song that the core has read. @param {SongHeader} song */
  #onHeader(song) {
    const { stream } = this;
    if (this.session.isStale) return;
    stream.song = song;
    rememberContent(stream.place.src, song.content);
    if (!stream.info && this.#mayRequest) stream.tickets.speculate(song.content);
    publishTerms(stream, stream.players).catch(() => undefined);
  }

  /** Prepares the first play of the song that the host has opened. @param {OpenedSong} info */
  async #onOpened(info) {
    const { stream, session } = this;
    if (session.isStale) return;
    stream.setInfo(info);
    session.invocations.left = info.left;
    stream.tickets.onOpened(info);
    if (!info.going) stream.tickets.prefetch(info, stream.nowS);
    const address = { content: fromHex(info.content), rendition: info.rendition, epochs: info.key_epochs };
    const { source, ring, sound } = stream;
    stream.scheduler = new SegmentScheduler(
      { source, ring, sound, info, address },
      (segment) => session.invocations.renew(segment),
      (error) => stream.fail(error),
      (isStalled) => stream.onStall(isStalled),
    );
    const { index, count } = stream.place.list ?? { index: 0, count: 1 };
    stream.scheduler.isContinued = index + 1 < count;
    ring.wrappingKey(info.ephemeral).catch(() => undefined);
    const { offset, size, sha256 } = info.init;
    stream.init = await source.part(offset, size, fromBase64(sha256));
    await sound.prepare(info.mime, info.duration_ms, stream.init);
  }

  /** Starts the session; a request that was made before takes effect. */
  async #start() {
    const { stream, session } = this;
    const { song, info } = stream;
    if (!song || !info) return;
    const { transitions, begins, extent } = song;
    if (stream.scheduler) {
      stream.scheduler.endMs = extent.to_ms;
      const onMismatch = (/** @type {Problem} */ problem) => void (session.isStale || stream.fail(problem));
      stream.scheduler.markCheck = new MarkCheck(stream.place.stream, song, stream.init, onMismatch, (verdict) =>
        stream.timings.onMark(verdict),
      );
    }
    session.load(transitions, { begins, from_ms: extent.from_ms }, info.duration_ms);
    if (stream.settings.rate !== 1 && !stream.permits("rate")) {
      stream.settings.rate = 1;
      stream.applySettings();
    }
    if (info.going) await this.#continuePlay(info);
    else await stream.playPending(session);
    stream.hold.take();
  }

  /**
   * Continues a play that a crash interrupted; where that fails the next play is a new one.
   * @param {OpenedSong} info
   */
  async #continuePlay(info) {
    const { stream, session } = this;
    try {
      const play = await native("rejoin", { stream: stream.place.stream });
      if (session.isStale) return;
      stream.tickets.onRejoin(play);
      await session.resume(play, stream.place.last ?? null);
    } catch {
      if (session.isStale) return;
      stream.tickets.prefetch(info, stream.nowS);
    }
    await stream.playPending(session);
  }
}
