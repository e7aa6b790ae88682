/**
 * Runs on every page: finds <sps-player> elements and shows a player in each.
 *
 * The page cannot access the player's frame: the root of <sps-player> may be the page's own, made by its markup, so the
 * frame is in a closed root of an element inside it.
 */

(() => {
  /** @typedef {import("../shared/page_messages.d.ts").PageMessage} PageMessage */
  /** @typedef {import("./globals.js").ShownPlayer} ShownPlayer */

  const TAG = "sps-player";
  const EVENT = "gomaa:element";
  const { players, roots: openRoots, sourcesOf } = globalThis.gomaaPagePlayers;
  const { ShownPlayer: Player } = globalThis.gomaaShownPlayer;
  const CHANGES = { subtree: true, childList: true, attributes: true, attributeFilter: ["src", "playlist"] };

  /** @type {Map<HTMLElement, ShownPlayer>} */
  const shown = new Map();
  /**
   * Shadow roots by element: an element that is put back into the page has them already.
   * @type {WeakMap<HTMLElement, {root: ShadowRoot, holder: HTMLElement, box: ShadowRoot}>}
   */
  const roots = new WeakMap();
  /** Sources of each element when it was last read. @type {WeakMap<HTMLElement, string>} */
  const sourceKeys = new WeakMap();
  /** Observed trees. @type {WeakSet<Node>} */
  const watched = new WeakSet();

  const port = globalThis.gomaaPort("page", {
    /** Passes a message to the player that it is for. @param {PageMessage} message */
    onMessage(message) {
      // Refusals are for developers: the background has logged them.
      if (message.type === "problem") return;
      for (const player of shown.values()) if (player.has(message.element)) return player.onMessage(message);
    },
    onOpened() {
      for (const player of shown.values()) player.reopen();
    },
  });

  /** Absolute addresses of an element's songs. @param {HTMLElement} element @returns {Promise<string[]>} */
  async function songs(element) {
    const absolute = (/** @type {string} */ address, /** @type {string} */ base) => {
      try {
        return new URL(address, base).href;
      } catch {
        // The background refuses an invalid address.
        return address;
      }
    };
    // Read each time: the page may change its base.
    const base = document.baseURI;
    const { playlist, songs: addresses } = sourcesOf(element);
    if (!playlist) return addresses.map((address) => absolute(address, base));
    return globalThis.gomaaPlaylist.fetchTracks(absolute(playlist, base));
  }

  /** The attributes and children that define an element's songs. @param {HTMLElement} element */
  const sourceKeyOf = (element) => JSON.stringify(sourcesOf(element));

  /**
   * The shadow roots of an element, attached at the first call.
   * @param {HTMLElement} element
   * @returns {{root: ShadowRoot, holder: HTMLElement, box: ShadowRoot} | null} null where the page has attached a
   *   closed root
   */
  function rootsOf(element) {
    const existing = roots.get(element);
    if (existing) return existing;
    let root;
    try {
      root = element.attachShadow({ mode: "closed" });
    } catch {
      return null;
    }
    const holder = document.createElement("div");
    holder.setAttribute("exportparts", "player");
    const own = { root, holder, box: holder.attachShadow({ mode: "closed" }) };
    roots.set(element, own);
    element.addEventListener(EVENT, (event) => onCommand(element, event));
    return own;
  }

  /**
   * Shows the player of an element, or its new songs.
   * @param {HTMLElement} element
   * @param {boolean} [isForced] also where the sources are the same as before
   */
  async function update(element, isForced = false) {
    const key = sourceKeyOf(element);
    if (sourceKeys.get(element) === key && !isForced) return;
    sourceKeys.set(element, key);
    const list = await songs(element);
    if (list.length === 0 || !element.isConnected || sourceKeyOf(element) !== key) return;
    const own = rootsOf(element);
    if (!own) return;
    element.style.setProperty("display", "block");
    watchAround(element);
    const existing = shown.get(element);
    if (existing) return existing.setList(list);
    const { root, holder, box } = own;
    const fallback = document.createElement("slot");
    box.replaceChildren();
    root.replaceChildren(fallback, holder);
    const player = new Player({ element, box, fallback }, list, port, () => globalThis.gomaaSong);
    shown.set(element, player);
    player.show();
  }

  /** Handles a command of the page's script. @param {HTMLElement} element @param {Event} event */
  function onCommand(element, event) {
    const player = shown.get(element);
    if (!player) return;
    /** @type {unknown} */
    let request;
    try {
      request = JSON.parse(String(/** @type {CustomEvent} */ (event).detail));
    } catch {
      return;
    }
    if (typeof request !== "object" || request === null) return;
    const { command, value, n } = /** @type {Record<string, unknown>} */ (request);
    if (typeof command !== "string") return;
    if (command === "load") update(element, true).catch(() => undefined);
    else player.onCommand({ command, value, n });
  }

  /** Updates the players at and below a node. @param {ParentNode} root */
  function find(root) {
    for (const shadow of openRoots(root)) watch(shadow);
    for (const element of players(root)) if (element.localName === TAG) update(element).catch(() => undefined);
    if (root instanceof HTMLElement && root.localName === "source" && root.parentElement?.localName === TAG)
      update(root.parentElement).catch(() => undefined);
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
      player.remove();
    }
  });

  /** Observes a tree: an observer of a document gets no changes in its shadow roots. @param {Node} root */
  function watch(root) {
    if (watched.has(root)) return;
    watched.add(root);
    observer.observe(root, CHANGES);
  }

  /** Observes the shadow roots around an element. @param {Node} element */
  function watchAround(element) {
    for (let root = element.getRootNode(); root instanceof ShadowRoot; root = root.host.getRootNode()) watch(root);
  }

  // Attaching a root to an element changes no observed tree: the player in it sends an event (element.js).
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
