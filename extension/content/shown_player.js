/**
 * A player that a page shows: its list of tracks, the frames of the present and the next one, and the commands and
 * states between its element and the engine. In the world of content.js.
 *
 * Each track is a stream with a frame of its own.
 */

(() => {
  /** @typedef {import("../shared/page_messages.d.ts").PageMessage} PageMessage */
  /** @typedef {import("../shared/page_messages.d.ts").PageState} PageState */
  /** @typedef {import("../shared/page_messages.d.ts").PageRequest} PageRequest */
  /** @typedef {import("../shared/page_messages.d.ts").PageCommandName} PageCommandName */
  /** @typedef {import("./globals.js").PlayerNodes} PlayerNodes */
  /**
   * A track of a list; `id`: its number for the background; `state`: the engine's last state, received `at`, ms.
   * @typedef {{id: number, src: string, frame: import("./globals.js").TrackFrame,
   *   delay: import("./globals.js").FrameDelay, stream: string | null, state: PageState | null, at: number}} Track
   */

  const { TrackFrame } = globalThis.gomaaTrackFrame;
  const { FrameDelay } = globalThis.gomaaFrameDelay;
  const STATE_EVENT = "gomaa:element-state";
  const MAX_CROSSFADE_S = 12;
  const SOUNDING = new Set(["playing", "waiting", "seeking", "starting"]);
  let lastId = 0;

  /** True if a page of another origin embeds this one: it could draw over the player. */
  function isEmbedded() {
    try {
      for (let { parent } = window, child = /** @type {Window} */ (window); child !== parent; { parent } = parent) {
        void parent.document.body;
        child = parent;
      }
      return false;
    } catch {
      return true;
    }
  }

  /** A state some time after it was received, ms. @param {PageState} state @param {number} elapsedMs */
  function advanced(state, elapsedMs) {
    if (state.state !== "playing") return state;
    return { ...state, position_ms: Math.min(state.position_ms + elapsedMs * state.rate, state.duration_ms) };
  }

  /** The player of one element. */
  class ShownPlayer {
    /** Index of the present track. */
    #index = 0;
    /** @type {Track} */
    #current;
    /** The track that is prepared. @type {Track | null} */
    #next = null;

    /**
     * @param {PlayerNodes} nodes
     * @param {string[]} list addresses of the songs, at least one
     * @param {import("./globals.js").ReconnectingPort} port to the background
     * @param {() => import("./globals.js").EmbeddedSong | undefined} song that the page carries
     */
    constructor({ element, box, fallback }, list, port, song) {
      this.element = element;
      this.box = box;
      this.fallback = fallback;
      this.list = list;
      this.port = port;
      this.song = song;
      this.#current = this.#newTrack(String(list[0]));
    }

    /** Shows other songs, from the first one on. @param {string[]} list */
    setList(list) {
      this.#removeTrack(this.#next);
      Object.assign(this, { list });
      this.#index = 0;
      this.#next = null;
      // The frame of the song before stays until the new song's is made.
      this.#current.src = String(list[0]);
      this.show();
    }

    /** Requests a stream for the present track. */
    show() {
      this.#show(this.#current);
    }

    /** Requests other streams: the background was restarted, or the page has left the back/forward cache. */
    reopen() {
      this.#removeTrack(this.#next);
      this.#next = null;
      this.show();
    }

    /** Removes the frames and streams. */
    remove() {
      this.#removeTrack(this.#next);
      this.#removeTrack(this.#current);
    }

    /** True if a track of this player has this number. @param {number} element */
    has(element) {
      return this.#track(element) !== null;
    }

    /** Handles a message of the background or the engine. @param {Exclude<PageMessage, {type: "problem"}>} message */
    onMessage(message) {
      const track = this.#track(message.element);
      if (!track) return;
      if (message.type === "shown") this.#onShown(track, message.stream, message.url);
      else if (message.type === "read") void this.#read(track, message);
      else if (message.type === "there") track.frame.reveal(this.fallback);
      else if (message.type === "height") track.frame.resize(message.height);
      else if (track.stream !== message.stream) return;
      else if (message.type === "track") this.#move(this.#index + message.by, message.joined);
      else this.#onState(track, message.state);
    }

    /**
     * Handles a command of the page's script.
     * @param {{command: string, value?: unknown, n?: unknown}} request `n`: number of the command
     */
    onCommand({ command, value, n }) {
      if (command === "next") this.#move(this.#index + 1);
      else if (command === "previous") this.#move(this.#index - 1);
      else if (command === "track") this.#move(Number(value));
      else this.#command(command, value ?? null, Number(n) || 0);
    }

    /**
     * Attaches the element's script to a stream, and makes its frame.
     * @param {Track} track
     * @param {string} stream
     * @param {string} url of the player's document
     */
    #onShown(track, stream, url) {
      const isCurrent = () => track === this.#current;
      track.stream = stream;
      // The element repeats its play in this call.
      if (isCurrent()) this.#attach(track.frame.isOf(stream));
      // A handler of the page may have moved the list.
      if (!this.has(track.id)) return;
      const place = () =>
        track.frame.place(stream, url, {
          box: this.box,
          fallback: this.fallback,
          widthPx: this.element.clientWidth,
          isHidden: !isCurrent(),
        });
      if (isCurrent() && this.element.clientHeight === 0) track.frame.reserve(this.box);
      // A frame that exists only has to register its key, which opens its port again.
      if (track.frame.isOf(stream)) place();
      else track.delay.start(place, isCurrent() && this.element.getAttribute("autoplay") !== null);
    }

    /** @param {Track} track @param {PageState} state */
    #onState(track, state) {
      track.state = state;
      track.at = performance.now();
      if (track !== this.#current) return;
      this.#dispatch(state);
      track.delay.onState(state);
      if (state.state === "playing") this.#prepareNext();
      // Without a handover the list continues with a new play.
      else if (state.state === "ended" && this.#index + 1 < this.list.length) this.#move(this.#index + 1);
    }

    /** @param {number} element @returns {Track | null} */
    #track(element) {
      return this.#current.id === element ? this.#current : this.#next?.id === element ? this.#next : null;
    }

    /**
     * Reports to the element's script that the stream takes its commands from now on.
     * @param {boolean} isSame whether it is the stream that took them before
     */
    #attach(isSame) {
      this.#dispatch({ track: { index: this.#index, list: this.list } });
      this.#dispatch({ found: true, isSame });
      const { state, at } = this.#current;
      if (state) this.#dispatch(advanced(state, performance.now() - at));
    }

    /** Sends an event to the element's script. @param {object} detail */
    #dispatch(detail) {
      this.element.dispatchEvent(new CustomEvent(STATE_EVENT, { detail: JSON.stringify(detail) }));
    }

    /** Posts where the port is open: messages for an earlier port are void. @param {PageRequest} message */
    #postIfOpen(message) {
      if (this.port.isOpen()) this.port.post(message);
    }

    /**
     * Sends bytes of the song that this page carries.
     * @param {Track} track
     * @param {{id: number, offset: number, size: number}} request
     */
    async #read(track, { id, offset, size }) {
      const song = this.song();
      const code = "sps.segment.missing";
      try {
        const data = song ? { data: await song.read(offset, size) } : { code };
        this.#postIfOpen({ type: "bytes", element: track.id, id, ...data });
      } catch (error) {
        const reason = /** @type {{code?: string} | null} */ (error)?.code ?? code;
        this.#postIfOpen({ type: "bytes", element: track.id, id, code: reason });
      }
    }

    /** @param {Track} track */
    #show(track) {
      track.stream = track.state = null;
      track.delay.reset();
      const isNext = track === this.#next;
      /** @type {import("../shared/page_messages.d.ts").ShowRequest} */
      const request = {
        type: "show",
        element: track.id,
        src: track.src,
        station: this.song()?.station ?? null,
        index: this.list.indexOf(track.src, isNext ? this.#index + 1 : this.#index),
        count: this.list.length,
        inside: isEmbedded(),
        ...(isNext ? { after: this.#current.id, crossfade: this.#crossfadeS } : {}),
      };
      this.port.post(request);
    }

    /** Seconds by which two tracks overlap. */
    get #crossfadeS() {
      return Math.min(MAX_CROSSFADE_S, Math.max(0, Number(this.element.getAttribute("crossfade")) || 0));
    }

    /** @param {string} src @returns {Track} */
    #newTrack(src) {
      const id = ++lastId;
      const frame = new TrackFrame(id, (message) => this.#postIfOpen(message));
      return { id, src, frame, delay: new FrameDelay(), stream: null, state: null, at: 0 };
    }

    /** @param {Track | null} track */
    #removeTrack(track) {
      if (!track) return;
      track.delay.reset();
      track.frame.remove();
      this.#postIfOpen({ type: "hide", element: track.id });
    }

    /** Prepares the next track while the present one plays. */
    #prepareNext() {
      const src = this.list[this.#index + 1];
      if (this.#next || !src) return;
      this.#next = this.#newTrack(src);
      this.#show(this.#next);
    }

    /**
     * Moves to another track of the list.
     * @param {number} index
     * @param {boolean} [isJoined] whether the next track is audible already
     */
    #move(index, isJoined = false) {
      const src = this.list[index];
      if (src === undefined || index === this.#index) return;
      const old = this.#current;
      const wasSounding = SOUNDING.has(old.state?.state ?? "");
      // A pause would make a frame that waits.
      old.delay.reset();
      if (wasSounding && !isJoined) this.#command("pause", null, 0);
      const prepared = index === this.#index + 1 ? this.#next : null;
      if (!prepared) this.#removeTrack(this.#next);
      this.#next = null;
      this.#index = index;
      this.#current = prepared ?? this.#newTrack(src);
      const { heightPx } = old.frame;
      this.#removeTrack(old);
      if (heightPx !== null) this.#current.frame.reserve(this.box, heightPx);
      prepared?.frame.setVisible();
      if (!prepared) this.show();
      else if (prepared.stream) this.#attach(false);
      if ((wasSounding || old.state?.state === "ended") && !isJoined) this.#command("play", null, 0);
    }

    /** Sends a command to the engine. @param {string} name @param {unknown} value @param {number} n its number */
    #command(name, value, n) {
      // An audio element needs user activation to play by a script, too.
      const active = navigator.userActivation?.hasBeenActive === true;
      // The background refuses other names and values.
      const command = /** @type {PageCommandName} */ (name);
      const scalar = /** @type {import("../shared/page_messages.d.ts").PageCommandValue} */ (value);
      /** @type {PageRequest} */
      const request = { type: "command", element: this.#current.id, command, value: scalar, n, active };
      this.port.post(request);
      this.#current.delay.onCommand(command, n);
    }
  }

  globalThis.gomaaShownPlayer = { ShownPlayer };
})();
