// A stand-in for a page with the content scripts of the manifest.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const ROOT = new URL("../../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), "utf8");
const { content_scripts } = JSON.parse(read("manifest.json"));
const { js } = content_scripts.find(({ js: files }) => files.includes("content/content.js"));
export const FRAME_URL = "chrome-extension://self/player/player.html";

/**
 * A page with one player, and the background's end of its port.
 * @param {Record<string, string>} [attributes] of the element
 * @param {string[]} [sources] addresses of its children <source>
 */
export function page(attributes = { src: "/song.sps" }, sources = []) {
  class FakeNode extends EventTarget {
    nodeType = 1;
    namespaceURI = "http://www.w3.org/1999/xhtml";
    attributes = new Map();
    children = [];
    style = { setProperty: () => {} };
    isConnected = true;
    clientWidth = 400;
    clientHeight = 0;
    getAttribute(name) {
      return this.attributes.get(name) ?? null;
    }
    setAttribute(name, value) {
      this.attributes.set(name, value);
    }
    querySelector() {
      return null;
    }
    querySelectorAll() {
      return this.found ?? [];
    }
    getRootNode() {
      return this;
    }
    attachShadow() {
      return new FakeNode();
    }
    append(child) {
      this.children.push(child);
      child.isConnected = true;
    }
    replaceWith(other) {
      this.remove();
      other.isConnected = true;
    }
    replaceChildren(...children) {
      this.children = children;
    }
    remove() {
      this.isConnected = false;
    }
  }
  const made = [];
  class Document extends FakeNode {
    nodeType = 9;
    baseURI = "https://radio.example/";
    images = [];
    createElement(localName) {
      const element = Object.assign(new FakeNode(), { localName });
      if (localName === "iframe") element.contentWindow = { postMessage: (message) => (element.key = message.gomaa) };
      made.push(element);
      return element;
    }
  }
  const player = Object.assign(new FakeNode(), { localName: "sps-player" });
  for (const [name, value] of Object.entries(attributes)) player.setAttribute(name, value);
  player.found = sources.map((src) => {
    const source = Object.assign(new FakeNode(), { localName: "source" });
    source.setAttribute("src", src);
    return source;
  });
  const document = Object.assign(new Document(), { contentType: "text/html", found: [player] });
  const sent = [];
  let deliver = () => {};
  let disconnect = () => {};
  const connect = () => ({
    onMessage: { addListener: (listener) => (deliver = listener) },
    onDisconnect: { addListener: (listener) => (disconnect = listener) },
    postMessage: (message) => sent.push(structuredClone(message)),
    disconnect: () => {},
  });
  const windowEvents = new EventTarget();
  const window = { addEventListener: (name, listener) => windowEvents.addEventListener(name, listener) };
  let changed = () => {};
  Object.assign(window, { top: window, parent: window });
  const context = vm.createContext({
    ...{
      console,
      crypto,
      URL,
      Event,
      CustomEvent,
      setTimeout,
      clearTimeout,
      atob,
      btoa,
      document,
      window,
      performance,
    },
    chrome: { runtime: { connect } },
    navigator: { userActivation: { hasBeenActive: false } },
    location: { protocol: "https:", href: "https://radio.example/" },
    addEventListener: () => {},
    HTMLElement: FakeNode,
    ShadowRoot: class {},
    MutationObserver: class {
      constructor(listener) {
        changed = listener;
      }
      observe() {}
      disconnect() {}
    },
  });
  for (const file of js) vm.runInContext(read(`extension/${file}`), context, { filename: file });
  /** Reports changed attributes of the player, or that it was removed. */
  const change = () => changed([{ type: "attributes", target: player, addedNodes: [] }]);
  const frames = () => made.filter(({ localName }) => localName === "iframe");
  return {
    ...{ player, sent, made, frames, change },
    deliver: (message) => deliver(message),
    disconnect: () => disconnect(),
    /** Puts the page into the back/forward cache, or takes it out. @param {"pagehide" | "pageshow"} name */
    cache: (name) => windowEvents.dispatchEvent(Object.assign(new Event(name), { persisted: true })),
  };
}

export const settled = () => new Promise(setImmediate);
