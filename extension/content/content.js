/**
 * Runs on every page: finds <sps-player>, puts the player's frame into a closed shadow root, and passes the element's
 * commands on.
 *
 * The page cannot reach the frame: the root of <sps-player> may be the page's own, made by its markup, so the frame is
 * in a closed root of an element inside it. Each track of a list is a stream with a frame of its own.
 */

(() => {
  const TAG = "sps-player";
  const EVENT = "gomaa:element";
  const { players, roots: openRoots, named } = /** @type {any} */ (globalThis).gomaaPagePlayers;
  const CHANGES = { subtree: true, childList: true, attributes: true, attributeFilter: ["src", "playlist"] };
  // A copied or dragged selection would hold the frame's address, which differs between installations of Firefox.
  const FRAME =
    "display:block;width:100%;height:220px;border:0;color-scheme:normal;user-select:none!important;-webkit-user-select:none!important";
  const DEFAULT_WIDTH_PX = 320;
  const MIN_HEIGHT_PX = 96;
  const MAX_HEIGHT_PX = 1200;
  const MAX_CROSSFADE_S = 12;
  const SOUNDING = new Set(["playing", "waiting", "seeking", "starting"]);

  /**
   * A track of a list. `framed`: the stream that the frame was made for; `key`: what its window presents to the
   * background; `state`: the last state of the engine.
   * @typedef {{id: number, src: string, frame: HTMLIFrameElement | null, framed: string | null, key: string,
   *   stream: string | null, state: any}} Track
   */
  /**
   * A shown player. `box`: the closed root of the frames; `fallback`: shows the element's own children until the frame
   * runs; `now` and `next`: the present track and the one that is prepared.
   * @typedef {{element: HTMLElement, box: ShadowRoot, fallback: HTMLSlotElement, list: string[], index: number,
   *   now: Track, next: Track | null}} ShownPlayer
   */

  /** @type {Map<HTMLElement, ShownPlayer>} */
  const shown = new Map();
  /**
   * Shadow roots by element: an element that is put back into the page has them already.
   * @type {WeakMap<HTMLElement, {root: ShadowRoot, holder: HTMLElement, box: ShadowRoot}>}
   */
  const roots = new WeakMap();
  /** Songs that each element named when it was last read. @type {WeakMap<HTMLElement, string>} */
  const sourceKeys = new WeakMap();
  /** Observed trees. @type {WeakSet<Node>} */
  const watched = new WeakSet();
  let lastId = 0;

  /** The song that a page on disk carries (selfrender.js). @returns {any} */
  const song = () => /** @type {any} */ (globalThis).gomaaSong;

  const port = /** @type {any} */ (globalThis).gomaaPort("page", {
    onMessage,
    // The background was restarted, or the page left the back/forward cache: streams get new tokens.
    onOpened() {
      for (const player of shown.values()) {
        forget(player.next);
        player.next = null;
        show(player, player.now);
      }
    },
  });

  /** Posts where the port is open; messages for an earlier port are void. @param {object} message */
  const postIfOpen = (message) => port.isOpen() && port.post(message);

  /** Handles a message of the background or the engine. @param {any} message */
  function onMessage(message) {
    const player = [...shown.values()].find(
      ({ now, next }) => now.id === message.element || next?.id === message.element,
    );
    const track = player && (player.now.id === message.element ? player.now : player.next);
    if (!player || !track) return;
    if (message.type === "shown") {
      track.stream = message.stream;
      place(player, track, message.url);
      if (track === player.now) attach(player);
    } else if (message.type === "read") read(track, message);
    else if (message.type === "there") reveal(player, track);
    else if (message.type === "height") resize(track, message.height);
    else if (track.stream !== message.stream) return;
    else if (message.type === "track") move(player, message);
    else if (message.type === "state") {
      track.state = message.state;
      if (track === player.now) {
        dispatch(player, message.state);
        if (message.state.state === "playing") prepareNext(player);
        // Without a handover the list continues with a new play.
        else if (message.state.state === "ended" && player.index + 1 < player.list.length) move(player, { by: 1 });
      }
    }
  }

  /** Tells the element that a stream takes its commands from now on. @param {ShownPlayer} player */
  function attach(player) {
    dispatch(player, { track: { index: player.index, list: player.list } });
    dispatch(player, { found: true });
    if (player.now.state) dispatch(player, player.now.state);
  }

  /** Sends the element's script an event. @param {ShownPlayer} one @param {unknown} detail */
  function dispatch({ element }, detail) {
    element.dispatchEvent(new CustomEvent(`${EVENT}-state`, { detail: JSON.stringify(detail) }));
  }

  /**
   * Sends bytes of the song that this page carries (selfrender.js).
   * @param {Track} track
   * @param {{id: number, offset: number, size: number}} request
   */
  async function read(track, { id, offset, size }) {
    try {
      postIfOpen({ type: "bytes", element: track.id, id, data: await song().read(offset, size) });
    } catch (error) {
      postIfOpen({
        type: "bytes",
        element: track.id,
        id,
        code: /** @type {any} */ (error)?.code ?? "sps.segment.missing",
      });
    }
  }

  /** Puts the frame of a track into the page. @param {ShownPlayer} player @param {Track} track @param {string} url */
  function place(player, track, url) {
    // The same stream after a restart of the background: its frame exists, and presents the key that it has.
    if (track.frame && track.framed === track.stream)
      return void postIfOpen({ type: "framed", element: track.id, key: track.key });
    giveKey(track);
    const frame = document.createElement("iframe");
    frame.src = url;
    frame.title = "GoMAA";
    frame.allow = "";
    frame.setAttribute("part", "player");
    frame.style.cssText = FRAME;
    if (track !== player.now) frame.style.display = "none";
    let loads = 0;
    frame.addEventListener("load", () => {
      if (track.frame !== frame) return;
      // Each document has a key of its own: a page that moves the player loads its frame again.
      if (loads++ > 0) giveKey(track);
      frame.contentWindow?.postMessage({ gomaa: track.key }, originOf(url));
    });
    if (track.frame) track.frame.replaceWith(frame);
    else {
      // A page's policy may block the frame, without an event: the element's children are shown until the frame runs.
      if (player.fallback.isConnected)
        frame.style.cssText += `;position:fixed;left:0;top:0;visibility:hidden;width:${player.element.clientWidth || DEFAULT_WIDTH_PX}px`;
      player.box.append(frame);
    }
    Object.assign(track, { frame, framed: track.stream });
  }

  /** Draws a key for the document in the track's frame. @param {Track} track */
  function giveKey(track) {
    track.key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join("");
    postIfOpen({ type: "framed", element: track.id, key: track.key });
  }

  /** The origin of a page of the extension. @param {string} url */
  const originOf = (url) => url.slice(0, url.indexOf("/", url.indexOf("://") + 3));

  /** Shows the frame, where its player runs. @param {ShownPlayer} player @param {Track} track */
  function reveal(player, { frame }) {
    if (!frame || !player.fallback.isConnected) return;
    const { display, height } = frame.style;
    player.fallback.remove();
    frame.style.cssText = FRAME;
    Object.assign(frame.style, { display, height });
  }

  /** Asks the background to show a track. @param {ShownPlayer} player @param {Track} track */
  function show(player, track) {
    track.stream = track.state = null;
    const after = track === player.next ? { after: player.now.id, crossfade: crossfadeOf(player) } : {};
    const index = player.list.indexOf(track.src, track === player.next ? player.index + 1 : player.index);
    port.post({
      type: "show",
      element: track.id,
      src: track.src,
      station: song()?.station ?? null,
      index,
      count: player.list.length,
      inside: isInside(),
      ...after,
    });
  }

  /** Whether a page of another origin embeds this one and could draw over it. */
  function isInside() {
    try {
      for (let around = window; around !== around.parent; around = /** @type {any} */ (around.parent))
        void around.parent.document.body;
      return false;
    } catch {
      return true;
    }
  }

  /** Seconds by which two tracks overlap. @param {ShownPlayer} one */
  const crossfadeOf = ({ element }) =>
    Math.min(MAX_CROSSFADE_S, Math.max(0, Number(element.getAttribute("crossfade")) || 0));

  /** @param {string} src @returns {Track} */
  const newTrack = (src) => ({ id: ++lastId, src, frame: null, framed: null, key: "", stream: null, state: null });

  /** Removes a track and its stream. @param {Track | null} track */
  function forget(track) {
    if (!track) return;
    track.frame?.remove();
    postIfOpen({ type: "hide", element: track.id });
  }

  /** Prepares the next track while this one plays. @param {ShownPlayer} player */
  function prepareNext(player) {
    const src = player.list[player.index + 1];
    if (player.next || !src) return;
    player.next = newTrack(src);
    show(player, player.next);
  }

  /**
   * Moves to another track of the list.
   * @param {ShownPlayer} player
   * @param {{by?: number, to?: number | null, joined?: boolean}} step `joined`: the next track is audible already
   */
  function move(player, { by = 0, to = null, joined = false }) {
    const index = to ?? player.index + by;
    const src = player.list[index];
    if (src === undefined || (index === player.index && by === 0)) return;
    const old = player.now;
    const sounding = joined || SOUNDING.has(old.state?.state) || old.state?.state === "ended";
    if (!joined && SOUNDING.has(old.state?.state)) command(player, "pause", null, 0);
    const ready = index === player.index + 1 && player.next ? player.next : null;
    if (!ready) forget(player.next);
    player.next = null;
    player.index = index;
    player.now = ready ?? newTrack(src);
    forget(old);
    if (ready?.frame) ready.frame.style.display = "block";
    if (!ready) show(player, player.now);
    else if (ready.stream) attach(player);
    if (sounding && !joined) command(player, "play", null, 0);
  }

  /** Addresses of the songs that an element names. @param {HTMLElement} element @returns {Promise<string[]>} */
  async function songs(element) {
    const absolute = (/** @type {string} */ place, /** @type {string} */ base) => {
      try {
        return new URL(place, base).href;
      } catch {
        // The background refuses what is no URL.
        return place;
      }
    };
    // Read each time: the page may change its base.
    const base = document.baseURI;
    const { playlist, songs: places } = named(element);
    if (!playlist) return places.map((/** @type {string} */ place) => absolute(place, base));
    return /** @type {any} */ (globalThis).gomaaPlaylist.fetched(absolute(playlist, base));
  }

  /** The attributes and children that decide which songs an element names. @param {HTMLElement} element */
  const sourceKeyOf = (element) => JSON.stringify(named(element));

  /**
   * Shows the player of an element, or its new songs.
   * @param {HTMLElement} element
   * @param {boolean} [force] also where it names the same songs as before
   */
  async function update(element, force = false) {
    const key = sourceKeyOf(element);
    if (sourceKeys.get(element) === key && !force) return;
    sourceKeys.set(element, key);
    const list = await songs(element);
    if (list.length === 0 || !element.isConnected || sourceKeyOf(element) !== key) return;
    let own = roots.get(element);
    const fallback = document.createElement("slot");
    if (!own) {
      let root;
      try {
        root = element.attachShadow({ mode: "closed" });
      } catch {
        // The page has attached a root that is not open to this script: it gets no player.
        return;
      }
      // The page can read a root that its markup made: the frame is in a closed root of an element inside it.
      const holder = document.createElement("div");
      holder.setAttribute("exportparts", "player");
      own = { root, holder, box: holder.attachShadow({ mode: "closed" }) };
      roots.set(element, own);
      element.addEventListener(EVENT, (event) => {
        const player = shown.get(element);
        if (player) onCommand(player, event);
      });
    }
    element.style.setProperty("display", "block");
    watchAround(element);
    const before = shown.get(element);
    forget(before?.next ?? null);
    if (before) {
      // The frame of the song before stays until the frame of the new one comes.
      Object.assign(before, { list, index: 0, next: null });
      before.now.src = String(list[0]);
      return show(before, before.now);
    }
    const { root, holder, box } = own;
    box.replaceChildren();
    root.replaceChildren(fallback, holder);
    const player = { element, box, fallback, list, index: 0, now: newTrack(String(list[0])), next: null };
    shown.set(element, player);
    show(player, player.now);
  }

  /** Handles a command of the page's script. @param {ShownPlayer} player @param {Event} event */
  function onCommand(player, event) {
    let request;
    try {
      request = JSON.parse(String(/** @type {CustomEvent} */ (event).detail));
    } catch {
      return;
    }
    if (typeof request !== "object" || request === null || typeof request.command !== "string") return;
    if (request.command === "load") update(player.element, true).catch(() => undefined);
    else if (request.command === "next") move(player, { by: 1 });
    else if (request.command === "previous") move(player, { by: -1 });
    else if (request.command === "track") move(player, { to: Number(request.value) });
    else command(player, request.command, request.value ?? null, Number(request.n) || 0);
  }

  /** Whether the page has user activation, which an audio element needs to play by a script. */
  const isActivated = () => navigator.userActivation?.hasBeenActive === true;

  /**
   * Sends a command to the engine.
   * @param {ShownPlayer} player @param {string} name @param {unknown} value @param {number} n number of the command
   */
  function command(player, name, value, n) {
    port.post({ type: "command", element: player.now.id, command: name, value, n, active: isActivated() });
  }

  /** Updates the players at and below a node. @param {ParentNode} root */
  function find(root) {
    for (const shadow of openRoots(root)) watch(shadow);
    for (const element of players(root)) if (element.localName === TAG) update(element).catch(() => undefined);
    if (root instanceof HTMLElement && root.localName === "source" && root.parentElement?.localName === TAG)
      update(root.parentElement).catch(() => undefined);
  }

  /** Sets the height that a frame asks for. @param {Track} track @param {number} height px */
  function resize({ frame }, height) {
    if (frame) frame.style.height = `${Math.min(MAX_HEIGHT_PX, Math.max(MIN_HEIGHT_PX, Math.ceil(height)))}px`;
  }

  const observer = new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "attributes") find(/** @type {HTMLElement} */ (target));
      else for (const node of addedNodes) if (node instanceof HTMLElement) find(node);
    }
    for (const [element, player] of shown) {
      if (element.isConnected) continue;
      shown.delete(element);
      sourceKeys.delete(element);
      forget(player.next);
      forget(player.now);
    }
  });

  /** Observes a tree: an observer of a document does not see changes in its shadow roots. @param {Node} root */
  function watch(root) {
    if (watched.has(root)) return;
    watched.add(root);
    observer.observe(root, CHANGES);
  }

  /** Observes the shadow roots around an element. @param {Node} element */
  function watchAround(element) {
    for (let root = element.getRootNode(); root instanceof ShadowRoot; root = root.host.getRootNode()) watch(root);
  }

  // Attaching a root to an element changes no observed tree: the player in it announces itself (element.js).
  document.addEventListener(
    `${EVENT}-here`,
    (event) => {
      const [element] = event.composedPath();
      if (element instanceof HTMLElement && element.localName === TAG) update(element).catch(() => undefined);
    },
    true,
  );
  watch(document);
  find(document);
})();
