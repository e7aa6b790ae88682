/**
 * On every page: finds <sps-player>, puts the player's frame into a closed shadow root of an element that it makes
 * itself, and passes the element's commands on.
 * The page can reach nothing of it: the root of <sps-player> may be the page's own, made in its markup. Each track of a
 * list is a stream of its own, with a frame of its own.
 */

(() => {
  const TAG = "sps-player";
  const EVENT = "gomaa:element";
  const { players, roots: openRoots, named } = /** @type {any} */ (globalThis).gomaaFound;
  const CHANGES = { subtree: true, childList: true, attributes: true, attributeFilter: ["src", "playlist"] };
  // A copied or dragged selection would hold the frame's address, which differs between installations of Firefox.
  const FRAME =
    "display:block;width:100%;height:220px;border:0;color-scheme:normal;user-select:none!important;-webkit-user-select:none!important";
  const LEAST_WIDTH = 320;
  const LEAST_HEIGHT = 96;
  const MOST_HEIGHT = 1200;
  const MOST_FADE_S = 12;
  const SOUNDING = new Set(["playing", "waiting", "seeking", "starting"]);

  /**
   * `framed`: the stream that the frame was made for; `key`: what that frame shows the background, told to its window
   * alone.
   * @typedef {{id: number, src: string, frame: HTMLIFrameElement | null, framed: string | null, key: string, stream:
   *   string | null, state: any}} Track
   */
  /**
   * `box`: the closed root that the frames stand in. @typedef {{element: HTMLElement, box: ShadowRoot, words:
   * HTMLSlotElement, list: string[], index: number, now: Track, next: Track | null}} Shown
   */

  /** @type {Map<HTMLElement, Shown>} */
  const shown = new Map();
  /**
   * @type {WeakMap<HTMLElement, {root: ShadowRoot, holder: HTMLElement, box: ShadowRoot}>} an element that is put back
   *   into the page has its roots already
   */
  const roots = new WeakMap();
  /** @type {WeakMap<HTMLElement, string>} what each element names, once it has been looked at */
  const keys = new WeakMap();
  /** @type {WeakSet<Node>} trees that are observed */
  const watched = new WeakSet();
  let count = 0;

  /** What a page on disk carries: selfrender.js, in this same world. @returns {any} */
  const song = () => /** @type {any} */ (globalThis).gomaaSong;

  const port = /** @type {any} */ (globalThis).gomaaPort("page", {
    hear,
    // The background was restarted, or the page came back: every player is shown again, under new names.
    up() {
      for (const one of shown.values()) {
        forget(one.next);
        one.next = null;
        show(one, one.now);
      }
    },
  });

  /** Posts over an open port only: nobody waits for an answer to an earlier port. @param {object} message */
  const tell = (message) => port.isOpen() && port.post(message);

  /** @param {any} message */
  function hear(message) {
    const one = [...shown.values()].find(({ now, next }) => now.id === message.element || next?.id === message.element);
    const track = one && (one.now.id === message.element ? one.now : one.next);
    if (!one || !track) return;
    if (message.type === "shown") {
      track.stream = message.stream;
      place(one, track, message.url);
      if (track === one.now) began(one);
    } else if (message.type === "read") read(track, message);
    else if (message.type === "there") reveal(one, track);
    else if (message.type === "height") grow(track, message.height);
    else if (track.stream !== message.stream) return;
    else if (message.type === "track") move(one, message);
    else if (message.type === "state") {
      track.state = message.state;
      if (track === one.now) {
        say(one, message.state);
        if (message.state.state === "playing") ahead(one);
        // Where nothing has taken over, the list goes on all the same, with what a new play takes.
        else if (message.state.state === "ended" && one.index + 1 < one.list.length) move(one, { by: 1 });
      }
    }
  }

  /** A stream takes this element's wishes from now on. @param {Shown} one */
  function began(one) {
    say(one, { track: { index: one.index, list: one.list } });
    say(one, { found: true });
    if (one.now.state) say(one, one.now.state);
  }

  /** @param {Shown} one @param {unknown} detail */
  function say({ element }, detail) {
    element.dispatchEvent(new CustomEvent(`${EVENT}-state`, { detail: JSON.stringify(detail) }));
  }

  /**
   * The engine asks for bytes of the song that this page carries (selfrender.js).
   * @param {Track} track
   * @param {{id: number, offset: number, size: number}} asked
   */
  async function read(track, { id, offset, size }) {
    try {
      tell({ type: "bytes", element: track.id, id, data: await song().read(offset, size) });
    } catch (error) {
      tell({ type: "bytes", element: track.id, id, code: /** @type {any} */ (error)?.code ?? "sps.segment.missing" });
    }
  }

  /** @param {Shown} one @param {Track} track @param {string} url */
  function place(one, track, url) {
    // The same stream again, of a background that was restarted: its frame is there, and comes back with the key that
    // it has.
    if (track.frame && track.framed === track.stream)
      return void tell({ type: "framed", element: track.id, key: track.key });
    give(track);
    const frame = document.createElement("iframe");
    frame.src = url;
    frame.title = "GoMAA";
    frame.allow = "";
    frame.setAttribute("part", "player");
    frame.style.cssText = FRAME;
    if (track !== one.now) frame.style.display = "none";
    let loads = 0;
    frame.addEventListener("load", () => {
      if (track.frame !== frame) return;
      // Each document has a key of its own: the page may have moved the player, which loads its frame anew.
      if (loads++ > 0) give(track);
      frame.contentWindow?.postMessage({ gomaa: track.key }, originOf(url));
    });
    if (track.frame) track.frame.replaceWith(frame);
    else {
      // A page's policy may keep the frame out, and no event says so: until it answers, what stands in the element
      // stays.
      if (one.words.isConnected)
        frame.style.cssText += `;position:fixed;left:0;top:0;visibility:hidden;width:${one.element.clientWidth || LEAST_WIDTH}px`;
      one.box.append(frame);
    }
    Object.assign(track, { frame, framed: track.stream });
  }

  /** A key for the document that comes into the track's frame. @param {Track} track */
  function give(track) {
    track.key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join("");
    tell({ type: "framed", element: track.id, key: track.key });
  }

  /** @param {string} url of a page of the extension */
  const originOf = (url) => url.slice(0, url.indexOf("/", url.indexOf("://") + 3));

  /** The player in the frame runs. @param {Shown} one @param {Track} track */
  function reveal(one, { frame }) {
    if (!frame || !one.words.isConnected) return;
    const { display, height } = frame.style;
    one.words.remove();
    frame.style.cssText = FRAME;
    Object.assign(frame.style, { display, height });
  }

  /** @param {Shown} one @param {Track} track */
  function show(one, track) {
    track.stream = track.state = null;
    const after = track === one.next ? { after: one.now.id, crossfade: fade(one) } : {};
    const index = one.list.indexOf(track.src, track === one.next ? one.index + 1 : one.index);
    port.post({
      type: "show",
      element: track.id,
      src: track.src,
      station: song()?.station ?? null,
      index,
      count: one.list.length,
      inside: isInside(),
      ...after,
    });
  }

  /** Tells whether a page of another origin embeds this one and could draw over it. */
  function isInside() {
    try {
      for (let around = window; around !== around.parent; around = /** @type {any} */ (around.parent))
        void around.parent.document.body;
      return false;
    } catch {
      return true;
    }
  }

  /** @param {Shown} one */
  const fade = ({ element }) => Math.min(MOST_FADE_S, Math.max(0, Number(element.getAttribute("crossfade")) || 0));

  /** @param {string} src @returns {Track} */
  const track = (src) => ({ id: ++count, src, frame: null, framed: null, key: "", stream: null, state: null });

  /** @param {Track | null} old */
  function forget(old) {
    if (!old) return;
    old.frame?.remove();
    tell({ type: "hide", element: old.id });
  }

  /** The track after this one, made ready while this one plays. @param {Shown} one */
  function ahead(one) {
    const src = one.list[one.index + 1];
    if (one.next || !src) return;
    one.next = track(src);
    show(one, one.next);
  }

  /**
   * The list moves on.
   * @param {Shown} one
   * @param {{by?: number, to?: number | null, joined?: boolean}} how joined: the next one sounds already
   */
  function move(one, { by = 0, to = null, joined = false }) {
    const index = to ?? one.index + by;
    const src = one.list[index];
    if (src === undefined || (index === one.index && by === 0)) return;
    const old = one.now;
    const sounding = joined || SOUNDING.has(old.state?.state) || old.state?.state === "ended";
    if (!joined && SOUNDING.has(old.state?.state)) command(one, "pause", null, 0);
    const ready = index === one.index + 1 && one.next ? one.next : null;
    if (!ready) forget(one.next);
    one.next = null;
    one.index = index;
    one.now = ready ?? track(src);
    forget(old);
    if (ready?.frame) ready.frame.style.display = "block";
    if (!ready) show(one, one.now);
    else if (ready.stream) began(one);
    if (sounding && !joined) command(one, "play", null, 0);
  }

  /** The songs that an element names. @param {HTMLElement} element @returns {Promise<string[]>} */
  async function songs(element) {
    const absolute = (/** @type {string} */ place, /** @type {string} */ base) => {
      try {
        return new URL(place, base).href;
      } catch {
        // The background refuses what is no address.
        return place;
      }
    };
    // The page's address and base may have changed since the port was opened.
    const base = document.baseURI;
    const { playlist, songs: places } = named(element);
    if (!playlist) return places.map((/** @type {string} */ place) => absolute(place, base));
    return /** @type {any} */ (globalThis).gomaaPlaylist.fetched(absolute(playlist, base));
  }

  /** What decides which songs they are. @param {HTMLElement} element */
  const keyOf = (element) => JSON.stringify(named(element));

  /** @param {HTMLElement} element @param {boolean} [anew] */
  async function found(element, anew = false) {
    const key = keyOf(element);
    if (keys.get(element) === key && !anew) return;
    keys.set(element, key);
    const list = await songs(element);
    if (list.length === 0 || !element.isConnected || keyOf(element) !== key) return;
    let mine = roots.get(element);
    const words = document.createElement("slot");
    if (!mine) {
      let root;
      try {
        root = element.attachShadow({ mode: "closed" });
      } catch {
        // The page has put a root of its own there: it gets no player.
        return;
      }
      // A root that markup made is the page's to read: what is put into it holds the frame in a closed root of its own.
      const holder = document.createElement("div");
      holder.setAttribute("exportparts", "player");
      mine = { root, holder, box: holder.attachShadow({ mode: "closed" }) };
      roots.set(element, mine);
      element.addEventListener(EVENT, (event) => {
        const one = shown.get(element);
        if (one) asked(one, event);
      });
    }
    element.style.setProperty("display", "block");
    watchAround(element);
    const before = shown.get(element);
    forget(before?.next ?? null);
    if (before) {
      // The frame of the song before stays until the new one's comes.
      Object.assign(before, { list, index: 0, next: null });
      before.now.src = String(list[0]);
      return show(before, before.now);
    }
    const { root, holder, box } = mine;
    box.replaceChildren();
    root.replaceChildren(words, holder);
    const one = { element, box, words, list, index: 0, now: track(String(list[0])), next: null };
    shown.set(element, one);
    show(one, one.now);
  }

  /** What the page's script asks of the element. @param {Shown} one @param {Event} event */
  function asked(one, event) {
    let wish;
    try {
      wish = JSON.parse(String(/** @type {CustomEvent} */ (event).detail));
    } catch {
      return;
    }
    if (typeof wish !== "object" || wish === null || typeof wish.command !== "string") return;
    if (wish.command === "load") found(one.element, true).catch(() => undefined);
    else if (wish.command === "next") move(one, { by: 1 });
    else if (wish.command === "previous") move(one, { by: -1 });
    else if (wish.command === "track") move(one, { to: Number(wish.value) });
    else command(one, wish.command, wish.value ?? null, Number(wish.n) || 0);
  }

  /** The page's user activation, as the browser has it: what an audio element needs to play by a script. */
  const touched = () => navigator.userActivation?.hasBeenActive === true;

  /** @param {Shown} one @param {string} name @param {unknown} value @param {number} n */
  function command(one, name, value, n) {
    port.post({ type: "command", element: one.now.id, command: name, value, n, active: touched() });
  }

  /** @param {ParentNode} root */
  function find(root) {
    for (const shadow of openRoots(root)) watch(shadow);
    for (const element of players(root)) if (element.localName === TAG) found(element).catch(() => undefined);
    if (root instanceof HTMLElement && root.localName === "source" && root.parentElement?.localName === TAG)
      found(root.parentElement).catch(() => undefined);
  }

  /** The frame may ask its page for a height, and for nothing else. @param {Track} track @param {number} height */
  function grow({ frame }, height) {
    if (frame) frame.style.height = `${Math.min(MOST_HEIGHT, Math.max(LEAST_HEIGHT, Math.ceil(height)))}px`;
  }

  const observer = new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "attributes") find(/** @type {HTMLElement} */ (target));
      else for (const node of addedNodes) if (node instanceof HTMLElement) find(node);
    }
    for (const [element, one] of shown) {
      if (element.isConnected) continue;
      shown.delete(element);
      keys.delete(element);
      forget(one.next);
      forget(one.now);
    }
  });

  /** Each tree is observed by itself: changes in a shadow root are not its page's. @param {Node} root */
  function watch(root) {
    if (watched.has(root)) return;
    watched.add(root);
    observer.observe(root, CHANGES);
  }

  /** The trees that an element stands in. @param {Node} element */
  function watchAround(element) {
    for (let root = element.getRootNode(); root instanceof ShadowRoot; root = root.host.getRootNode()) watch(root);
  }

  // A root that is attached to an element of the page later changes no tree: the player in it says itself that it is
  // there (element.js).
  document.addEventListener(
    `${EVENT}-here`,
    (event) => {
      const [element] = event.composedPath();
      if (element instanceof HTMLElement && element.localName === TAG) found(element).catch(() => undefined);
    },
    true,
  );
  watch(document);
  find(document);
})();
