/**
 * Whether a player's frame is seen as it is, looked at from its page, where the page's scripts can reach nothing: how long it has stood still, what
 * an ancestor does to its looks, and, in Firefox, which does not tell the frame itself, what lies over it, even where that lets clicks through.
 */

(() => {
  const api = /** @type {any} */ (/** @type {any} */ (globalThis).browser ?? chrome);
  const TOLD = "isVisible" in IntersectionObserverEntry.prototype;
  const WATCH_MS = 2000;
  const SLACK_PX = 8;
  const DOWN_PX = 12;
  const ACROSS_PX = 40;
  const MOST_ELEMENTS = 20_000;
  /** Each makes what it holds look other than it is. @type {[string, (value: string) => boolean][]} */
  const PLAIN = [
    ["opacity", (value) => Number(value) >= 0.99],
    ["filter", (value) => value === "none"],
    ["transform", (value) => value === "none" || /^matrix\(1, 0, 0, 1, [^,]+, [^,]+\)$/.test(value)],
    ["rotate", (value) => value === "none"],
    ["scale", (value) => value === "none"],
    ["perspective", (value) => value === "none"],
    ["mix-blend-mode", (value) => value === "normal"],
    ["clip-path", (value) => value === "none"],
    ["mask-image", (value) => value === "none"],
    ["visibility", (value) => value === "visible"],
    ["zoom", (value) => value === "" || Number(value) >= 0.8],
  ];

  /** @typedef {{left: number, top: number, right: number, bottom: number}} Box */

  /** @param {Box} a @param {Box} b */
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

  /** The elements around one, through shadow roots. @param {Element} element */
  function* around(element) {
    for (let at = /** @type {Element | null} */ (element); at; at = at.assignedSlot ?? at.parentElement ?? hostOf(at)) yield at;
  }

  /** @param {Element} element */
  function hostOf(element) {
    const root = element.getRootNode();
    return root instanceof ShadowRoot ? root.host : null;
  }

  /** Every element of the page, those in shadow roots too. @param {ParentNode} root @returns {Generator<Element>} */
  function* all(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      const shadow = /** @type {any} */ (element).openOrClosedShadowRoot;
      if (shadow) yield* all(shadow);
    }
  }

  /** Whether the frame is what is seen at this point; outside of the window nothing is. @param {Element} frame @param {number} x @param {number} y */
  function topmost(frame, x, y) {
    if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return true;
    for (let at = /** @type {Element | null} */ (frame); at; at = hostOf(at)) {
      const root = /** @type {Document | ShadowRoot} */ (at.getRootNode());
      if (root.elementFromPoint(x, y) !== at) return false;
    }
    return true;
  }

  /** Whether the frame is the topmost thing at every point of it that the window shows. @param {Element} frame @param {Box} box */
  function onTop(frame, box) {
    for (let y = box.top + 2; y < box.bottom; y += DOWN_PX) {
      for (let x = box.left + 2; x < box.right; x += ACROSS_PX) if (!topmost(frame, x, y)) return false;
    }
    return true;
  }

  /** Where a pseudo-element that takes no clicks may be; null when there is none. @param {Element} element @param {string} which */
  function ghost(element, which) {
    const style = getComputedStyle(element, which);
    if (style.content === "none" || style.pointerEvents !== "none" || (style.position !== "fixed" && style.position !== "absolute")) return null;
    const px = (/** @type {string} */ name) => Number.parseFloat(style.getPropertyValue(name)) || 0;
    const holder = style.position === "fixed" ? null : getComputedStyle(element).position === "static" ? /** @type {HTMLElement} */ (element).offsetParent : element;
    const at = holder?.getBoundingClientRect() ?? { left: 0, top: 0 };
    const wide = px("width") + px("padding-left") + px("padding-right");
    const high = px("height") + px("padding-top") + px("padding-bottom");
    // Moved by a transform: it may be anywhere around.
    const slack = style.transform === "none" ? 0 : Math.max(wide, high);
    const left = at.left + px("left") - slack;
    const top = at.top + px("top") - slack;
    return { left, top, right: left + wide + 2 * slack, bottom: top + high + 2 * slack };
  }

  /**
   * What keeps a person from seeing this frame as it is; null when nothing does.
   * @param {Element} frame
   */
  function covered(frame) {
    if (document.fullscreenElement && !document.fullscreenElement.contains(frame)) return "fullscreen";
    const chain = new Set(around(frame));
    for (const element of chain) {
      const style = getComputedStyle(element);
      for (const [name, plain] of PLAIN) if (!plain(style.getPropertyValue(name))) return name;
    }
    const box = frame.getBoundingClientRect();
    if (box.width < 1 || box.height < 1) return "size";
    if (TOLD) return null;
    if (!onTop(frame, box)) return "covered";
    /** @type {[HTMLElement, string, string][]} */
    const opened = [];
    /** @type {Box[]} */
    const beside = [];
    try {
      let count = 0;
      for (const element of all(document)) {
        if (++count > MOST_ELEMENTS) return "too many elements";
        for (const which of ["::before", "::after"]) {
          const pseudo = ghost(element, which);
          if (pseudo && meet(pseudo, box)) return "pseudo-element";
        }
        const place = element.getBoundingClientRect();
        if (chain.has(element) || !meet(place, box)) continue;
        beside.push(place);
        const style = getComputedStyle(element);
        if (style.pointerEvents !== "none" || style.visibility !== "visible" || !("style" in element)) continue;
        const own = /** @type {HTMLElement} */ (element).style;
        opened.push([/** @type {HTMLElement} */ (element), own.getPropertyValue("pointer-events"), own.getPropertyPriority("pointer-events")]);
        own.setProperty("pointer-events", "auto", "important");
      }
      // Things smaller than the steps between the points are looked for where they are.
      for (const { left, top, right, bottom } of beside) {
        // Neighbours may share the part of a pixel.
        if (Math.min(right, box.right) - Math.max(left, box.left) < 2 || Math.min(bottom, box.bottom) - Math.max(top, box.top) < 2) continue;
        const x = (Math.max(left, box.left) + Math.min(right, box.right)) / 2;
        const y = (Math.max(top, box.top) + Math.min(bottom, box.bottom)) / 2;
        if (!topmost(frame, x, y)) return "covered";
      }
      return opened.length === 0 || onTop(frame, box) ? null : "covered";
    } finally {
      for (const [element, value, priority] of opened) element.style.setProperty("pointer-events", value, priority);
    }
  }

  /** @typedef {{box: Box, movedAt: number, until: number}} Watch */
  /** @type {Map<Element, Watch>} */
  const watched = new Map();

  /** @param {Element} frame @param {Watch} watch */
  function measure(frame, watch) {
    const { left, top, right, bottom } = frame.getBoundingClientRect();
    // Where its lower end is may change: the player grows and shrinks by itself.
    const near = (/** @type {number} */ a, /** @type {number} */ b) => Math.abs(a - b) <= SLACK_PX;
    if (near(left, watch.box.left) && near(top, watch.box.top) && near(right, watch.box.right)) return;
    watch.movedAt = performance.now();
    watch.box = { left, top, right, bottom };
  }

  function tick() {
    const now = performance.now();
    for (const [frame, watch] of watched) {
      if (now > watch.until || !frame.isConnected) watched.delete(frame);
      else measure(frame, watch);
    }
    if (watched.size > 0) requestAnimationFrame(tick);
  }

  /** @param {Element} frame @returns {number} ms that it has not moved, as far as it was watched */
  function still(frame) {
    const now = performance.now();
    let watch = watched.get(frame);
    if (!watch) {
      watch = { box: { left: NaN, top: NaN, right: NaN, bottom: NaN }, movedAt: now, until: 0 };
      if (watched.size === 0) requestAnimationFrame(tick);
      watched.set(frame, watch);
    }
    watch.until = now + WATCH_MS;
    measure(frame, watch);
    return performance.now() - watch.movedAt;
  }

  /** @param {Element} frame @returns {{covered: string | null, still_ms: number}} */
  const see = (frame) => ({ covered: covered(frame), still_ms: still(frame) });

  Object.assign(globalThis, { gomaaSee: see });
  if (TOLD) return;

  // Asked of all pages of a tab: the one that holds this frame answers.
  api.runtime.onMessage.addListener((/** @type {any} */ message) => {
    if (message?.type !== "look" || typeof message.frame !== "number") return undefined;
    for (const element of all(document)) {
      if (element.localName !== "iframe" && element.localName !== "frame" && element.localName !== "object" && element.localName !== "embed") continue;
      if (api.runtime.getFrameId(element) === message.frame) return Promise.resolve({ ...see(element), around: api.runtime.getFrameId(window) });
    }
    return undefined;
  });
})();
