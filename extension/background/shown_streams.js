/**
 * The streams that pages show: one for each player element, or two while its list prepares the next track.
 */

import { Problem } from "../shared/problem.js";
import { songOf, topOrigin } from "./page_files.js";
import { hasRoomForPage, hasRoomForSite } from "./token_bucket.js";

/** @typedef {import("../shared/engine_messages.d.ts").ShowMessage} ShowMessage */
/** @typedef {import("../shared/page_messages.d.ts").ShowRequest} ShowRequest */
/** @typedef {import("../shared/page_messages.d.ts").PageState} PageState */
/** @typedef {import("../shared/page_messages.d.ts").StateMessage} StateMessage */
/**
 * A shown stream. `site`: origin of the top-level page; `page`: port of the element's page; `last`: the last
 * state and the time at which it was sent, ms, for a restarted engine.
 * @typedef {{origin: string, site: string, inside: boolean, src: string, page: number, element: number, tab: number,
 *   frame: number, last: {state: PageState, at: number} | null}} ShownStream
 */

const SOUNDING = new Set(["starting", "playing", "seeking", "waiting"]);

/** Shown streams by token. */
export class ShownStreams {
  /** @type {Map<string, ShownStream>} */
  #streams = new Map();
  /** Time at which the engine was lost, ms. @type {number | null} */
  #lostAt = null;

  /**
   * @param {Pick<import("./engine_link.js").EngineLink, "send">} engine
   * @param {Pick<import("./frames.js").PlayerFrames, "forget">} frames
   * @param {Pick<import("./stream_registry.js").StreamRegistry, "reclaim" | "add" | "remove">} registry
   * @param {() => number} [now] ms
   */
  constructor(engine, frames, registry, now = () => performance.now()) {
    this.now = now;
    this.engine = engine;
    this.frames = frames;
    this.registry = registry;
  }

  /** @param {string} token */
  get(token) {
    return this.#streams.get(token);
  }

  /** The token of an element's stream. @param {number} page @param {number} element @returns {string | null} */
  tokenOf(page, element) {
    for (const [token, stream] of this.#streams) if (stream.page === page && stream.element === element) return token;
    return null;
  }

  /**
   * Registers the stream of an element, in place of its earlier one, and reports it to the engine.
   * @param {number} page port of the content script
   * @param {chrome.runtime.MessageSender} sender as the browser reports it
   * @param {string} senderOrigin origin of the sender's document
   * @param {ShowRequest} request
   * @returns {string | null} its token; null where the page may not show the song
   * @throws {Problem} message.flood: too many streams of the page, its tab or its site
   */
  show(page, sender, senderOrigin, request) {
    const { element } = request;
    const replaced = this.tokenOf(page, element);
    if (replaced) this.hide(replaced);
    const song = songOf(request, sender, senderOrigin);
    if (!song) return null;
    const tab = sender.tab?.id ?? -1;
    const frame = sender.frameId ?? 0;
    const site = topOrigin(sender, song.origin);
    // The browser reports the top-level page, the content script the pages between.
    const inside = request.inside === true || site !== song.origin;
    if (!hasRoomForPage(this.#streams.values(), page, tab) || !hasRoomForSite(this.#streams.values(), site))
      throw new Problem("message.flood");
    const entry = { ...song, site, tab, frame, document: sender.documentId ?? "", element };
    const token = this.registry.reclaim(entry) ?? crypto.randomUUID();
    this.registry.add(token, entry);
    this.#streams.set(token, { ...song, site, inside, page, element, tab, frame, last: null });
    const list = {
      index: request.index ?? 0,
      count: request.count ?? 1,
      after: request.after === undefined ? null : this.tokenOf(page, request.after),
      crossfade_s: request.crossfade ?? 0,
    };
    this.engine.send({ type: "show", stream: token, ...song, site, inside, page, element, list });
    return token;
  }

  /** Removes a stream. @param {string} token */
  hide(token) {
    this.#streams.delete(token);
    this.frames.forget(token);
    this.registry.remove(token);
    this.engine.send({ type: "hide", stream: token });
  }

  /** Removes the streams of a page that has closed its port. @param {number} page */
  hidePage(page) {
    for (const [token, stream] of this.#streams) if (stream.page === page) this.hide(token);
  }

  /** Records the state of playback, for a restarted engine. @param {number} page @param {StateMessage} message */
  recordState(page, { element, state }) {
    for (const stream of this.#streams.values())
      if (stream.page === page && stream.element === element) stream.last = { state, at: this.now() };
  }

  /** Stops the positions: the engine was lost, and its sound with it. */
  onEngineLost() {
    this.#lostAt = this.now();
  }

  /** Messages that restore the streams in a restarted engine. @returns {ShowMessage[]} */
  restoreMessages() {
    const end = this.#lostAt ?? this.now();
    this.#lostAt = null;
    /** @type {ShowMessage[]} */
    const messages = [];
    for (const [token, { origin, site, inside, src, page, element, last }] of this.#streams)
      messages.push({
        type: "show",
        stream: token,
        src,
        origin,
        site,
        inside,
        page,
        element,
        last: last && playbackAt(last.state, end - last.at),
      });
    return messages;
  }
}

/** Playback some time after a state was sent. @param {PageState} state @param {number} elapsedMs */
function playbackAt({ state, position_ms, duration_ms, rate }, elapsedMs) {
  const position = position_ms + (state === "playing" ? Math.max(0, elapsedMs) * rate : 0);
  return { position_ms: Math.round(Math.min(position, duration_ms || Infinity)), playing: SOUNDING.has(state) };
}
