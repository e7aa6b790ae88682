/**
 * In the page's own world, after element.js: <audio data-sps> gets the interface of a <sps-player> that is put beside
 * it.
 */

(() => {
  const { apply } = Reflect;
  const { players: playersIn, roots: openRoots } = globalThis.gomaaPagePlayers;
  Reflect.deleteProperty(globalThis, "gomaaPagePlayers");
  if (!globalThis.gomaaElement) return;
  const { SpsPlayer, CONSTANTS, EVENTS, withoutFile } = globalThis.gomaaElement;
  Reflect.deleteProperty(globalThis, "gomaaElement");

  const EXCLUDED = new Set(["constructor", "connectedCallback", "attributeChangedCallback"]);
  /** Properties and methods that an audio element gets from its player. */
  const members = Object.entries(Object.getOwnPropertyDescriptors(SpsPlayer.prototype)).filter(
    ([name]) => !EXCLUDED.has(name) && !(name in CONSTANTS),
  );
  /** Attributes that the player takes over. */
  const COPIED = ["autoplay", "loop", "muted", "preload", "controls", "playlist", "crossfade"];
  /** Players by their audio elements. @type {WeakMap<HTMLAudioElement, HTMLElement>} */
  const players = new WeakMap();

  /** Gives an audio element a player, or its player another song. @param {HTMLAudioElement} audio */
  function upgrade(audio) {
    const existing = players.get(audio);
    const song = audio.dataset["sps"] ?? "";
    if (existing) {
      if (existing.getAttribute("src") !== song) existing.setAttribute("src", song);
      return;
    }
    const player = document.createElement("sps-player");
    players.set(audio, player);
    for (const name of COPIED) {
      const value = audio.getAttribute(name);
      if (value !== null) player.setAttribute(name, value);
    }
    // The element itself is silent and hidden; the player takes its place.
    audio.pause();
    audio.removeAttribute("autoplay");
    audio.style.setProperty("display", "none", "important");
    for (const [name, { value, set }] of members) {
      if (typeof value === "function")
        Object.defineProperty(audio, name, { configurable: true, value: value.bind(player) });
      else {
        Object.defineProperty(audio, name, {
          configurable: true,
          get: () => Reflect.get(player, name),
          ...(set ? { set: (/** @type {unknown} */ to) => Reflect.set(player, name, to) } : {}),
        });
      }
    }
    for (const name of EVENTS) player.addEventListener(name, () => audio.dispatchEvent(new Event(name)));
    if (song) player.setAttribute("src", song);
    audio.after(player);
  }

  /** Upgrades the audio elements at and below a node. @param {Node} node */
  function scan(node) {
    if (!(node instanceof Element || node instanceof Document || node instanceof ShadowRoot)) return;
    for (const root of openRoots(node)) watch(root);
    for (const player of playersIn(node)) if (player instanceof HTMLAudioElement) upgrade(player);
  }

  const observer = new MutationObserver(
    withoutFile((/** @type {MutationRecord[]} */ changes) => {
      for (const { type, target, addedNodes, removedNodes } of changes) {
        if (type === "attributes") scan(target);
        for (const node of addedNodes) scan(node);
        for (const node of removedNodes)
          if (node instanceof HTMLAudioElement && !node.isConnected) players.get(node)?.remove();
      }
    }, true),
  );
  /** @type {WeakSet<Node>} */
  const watched = new WeakSet();

  /** Observes a tree. @param {Node} root */
  function watch(root) {
    if (watched.has(root)) return;
    watched.add(root);
    observer.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-sps"] });
  }

  // Attaching a root changes no observed tree.
  Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
    apply: withoutFile(
      (
        /** @type {Element["attachShadow"]} */ attach,
        /** @type {Element} */ host,
        /** @type {[ShadowRootInit]} */ options,
      ) => {
        const root = apply(attach, host, options);
        if (root.mode === "open") watch(root);
        return root;
      },
    ),
  });
  watch(document);
  scan(document);
})();
//# sourceURL=gomaa-audio.js
