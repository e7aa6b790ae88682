/**
 * On every page: finds <sps-player>, puts the player's frame into a closed shadow root, and passes the element's commands on.
 * It holds nothing secret, and the page can reach nothing of it.
 */

(() => {
  const api = /** @type {typeof chrome} */ (/** @type {any} */ (globalThis).browser ?? chrome);
  const TAG = "sps-player";
  const EVENT = "gomaa:element";
  const LEAST_HEIGHT = 96;
  const MOST_HEIGHT = 1200;
  const AGAIN_MS = 500;

  /** @typedef {{id: number, element: HTMLElement, root: ShadowRoot, frame: HTMLIFrameElement | null, src: string}} Shown */

  /** @type {Map<HTMLElement, Shown>} */
  const shown = new Map();
  /** @type {WeakMap<HTMLElement, ShadowRoot>} an element that is put back into the page has its root already */
  const roots = new WeakMap();
  /** @type {chrome.runtime.Port | null} */
  let port = null;
  let count = 0;

  /** What a page on disk carries: selfrender.js, in this same world. @returns {any} */
  const song = () => /** @type {any} */ (globalThis).gomaaSong;

  function connect() {
    if (port) return port;
    port = api.runtime.connect({ name: "page" });
    port.onMessage.addListener(hear);
    port.onDisconnect.addListener(() => {
      port = null;
      // The background was restarted: show every player again, under new names.
      setTimeout(() => {
        if (api.runtime?.id) for (const one of shown.values()) show(one);
      }, AGAIN_MS);
    });
    return port;
  }

  /** @param {any} message */
  function hear(message) {
    const one = [...shown.values()].find(({ id }) => id === message.element);
    if (!one) return;
    if (message.type === "shown") place(one, message.url);
    else if (message.type === "read") read(one, message);
    else if (message.type === "height") grow(one, message.height);
    else if (message.type === "look") look(one, message.id);
    else if (message.type === "state") one.element.dispatchEvent(new CustomEvent(`${EVENT}-state`, { detail: JSON.stringify(message.state) }));
  }

  /** The engine asks for bytes of the song that this page carries (selfrender.js). @param {Shown} one @param {{id: number, offset: number, size: number}} asked */
  async function read(one, { id, offset, size }) {
    try {
      port?.postMessage({ type: "bytes", element: one.id, id, data: await song().read(offset, size) });
    } catch (error) {
      port?.postMessage({ type: "bytes", element: one.id, id, code: /** @type {any} */ (error)?.code ?? "sps.segment.missing" });
    }
  }

  /** @param {Shown} one @param {string} url */
  function place(one, url) {
    // The same stream again: its frame is there, and finds the background by itself.
    if (one.frame?.src === url) return;
    const frame = document.createElement("iframe");
    frame.src = url;
    frame.title = "GoMAA";
    frame.allow = "";
    frame.style.cssText = "display:block;width:100%;height:220px;border:0;color-scheme:normal";
    one.frame = frame;
    one.root.replaceChildren(frame);
  }

  /** @param {Shown} one */
  function show(one) {
    let src = one.src;
    try {
      // The page's address and base may have changed since the port was opened.
      src = new URL(one.src, document.baseURI).href;
    } catch {
      // The background refuses what is no address.
    }
    connect().postMessage({ type: "show", element: one.id, src, station: song()?.station ?? null });
  }

  /** @param {HTMLElement} element */
  function found(element) {
    const src = element.getAttribute("src") ?? "";
    const known = shown.get(element);
    if (known) {
      if (known.src === src || !src) return;
      known.src = src;
      return show(known);
    }
    if (!src) return;
    let root = roots.get(element);
    if (!root) {
      try {
        root = element.attachShadow({ mode: "closed" });
      } catch {
        // The page has put a root of its own there: it gets no player.
        return;
      }
      roots.set(element, root);
      element.addEventListener(EVENT, (event) => {
        const one = shown.get(element);
        if (one) command(one, event);
      });
    }
    element.style.setProperty("display", "block");
    const one = { id: ++count, element, root, frame: null, src };
    shown.set(element, one);
    show(one);
  }

  /** What the page's script asks of the element. @param {Shown} one @param {Event} event */
  function command(one, event) {
    let asked;
    try {
      asked = JSON.parse(String(/** @type {CustomEvent} */ (event).detail));
    } catch {
      return;
    }
    if (typeof asked !== "object" || asked === null || typeof asked.command !== "string") return;
    connect().postMessage({ type: "command", element: one.id, command: asked.command, value: asked.value ?? null });
  }

  /** @param {ParentNode} root */
  function find(root) {
    if (root instanceof HTMLElement && root.localName === TAG) found(root);
    for (const element of root.querySelectorAll(TAG)) found(/** @type {HTMLElement} */ (element));
  }

  /** How the frame is seen (covered.js). @param {Shown} one @param {number} id */
  function look({ id: element, frame }, id) {
    let seen = { covered: "unknown", still_ms: 0 };
    try {
      seen = /** @type {any} */ (globalThis).gomaaSee(frame);
    } catch {
      // What cannot be looked at is not seen.
    }
    port?.postMessage({ type: "seen", element, id, ...seen });
  }

  /** The frame may ask its page for a height and for nothing else. @param {Shown} one @param {number} height */
  function grow({ frame }, height) {
    if (frame) frame.style.height = `${Math.min(MOST_HEIGHT, Math.max(LEAST_HEIGHT, Math.ceil(height)))}px`;
  }

  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "attributes") found(/** @type {HTMLElement} */ (target));
      else for (const node of addedNodes) if (node instanceof HTMLElement) find(node);
    }
    for (const [element, one] of shown) {
      if (element.isConnected) continue;
      shown.delete(element);
      port?.postMessage({ type: "hide", element: one.id });
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["src"] });
  find(document);
})();
