// The content scripts of a page, run in the manifest's order over a stand-in document.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const ROOT = new URL("../../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), "utf8");
const { content_scripts } = JSON.parse(read("manifest.json"));
const { js } = content_scripts.find(({ js: files }) => files.includes("content/content.js"));
const FRAME_URL = "chrome-extension://self/player/player.html";

/** A page with one player, and the background's end of its port. */
function page() {
  class FakeNode extends EventTarget {
    nodeType = 1;
    namespaceURI = "http://www.w3.org/1999/xhtml";
    attributes = new Map();
    children = [];
    style = { setProperty: () => {} };
    isConnected = true;
    clientWidth = 400;
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
  player.setAttribute("src", "/song.sps");
  const document = Object.assign(new Document(), { contentType: "text/html", found: [player] });
  const sent = [];
  let deliver = () => {};
  const port = {
    onMessage: { addListener: (listener) => (deliver = listener) },
    onDisconnect: { addListener: () => {} },
    postMessage: (message) => sent.push(structuredClone(message)),
  };
  const window = { addEventListener: () => {} };
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
    chrome: { runtime: { connect: () => port } },
    navigator: { userActivation: { hasBeenActive: false } },
    location: { protocol: "https:", href: "https://radio.example/" },
    addEventListener: () => {},
    HTMLElement: FakeNode,
    ShadowRoot: class {},
    MutationObserver: class {
      observe() {}
      disconnect() {}
    },
  });
  for (const file of js) vm.runInContext(read(`extension/${file}`), context, { filename: file });
  return { player, sent, made, deliver: (message) => deliver(message) };
}

const settled = () => new Promise(setImmediate);

test("a player of the page is shown, its frame gets a key, and states and commands pass between page and engine", async () => {
  const { player, sent, made, deliver } = page();
  await settled();
  assert.deepEqual(
    sent.map(({ type, src, index, count, inside }) => [type, src, index, count, inside]),
    [["show", "https://radio.example/song.sps", 0, 1, false]],
  );
  const { element } = sent[0];
  const received = [];
  player.addEventListener("gomaa:element-state", ({ detail }) => received.push(JSON.parse(detail)));
  deliver({ type: "shown", element, stream: "token", url: FRAME_URL });
  assert.deepEqual([sent[1].type, sent[1].key.length], ["framed", 32]);
  const frame = made.find(({ localName }) => localName === "iframe");
  frame.dispatchEvent(new Event("load"));
  assert.equal(frame.key, sent[1].key);
  assert.deepEqual(received.splice(0), [{ track: { index: 0, list: [sent[0].src] } }, { found: true }]);
  deliver({ type: "state", element, stream: "token", state: { state: "ready" } });
  deliver({ type: "state", element, stream: "another", state: { state: "playing" } });
  assert.deepEqual(received, [{ state: "ready" }]);
  deliver({ type: "height", element, height: 5000 });
  assert.equal(frame.style.height, "1200px");
  player.dispatchEvent(new CustomEvent("gomaa:element", { detail: '{"command":"play","value":null,"n":1}' }));
  player.dispatchEvent(new CustomEvent("gomaa:element", { detail: "no command" }));
  assert.deepEqual(sent.slice(2), [{ type: "command", element, command: "play", value: null, n: 1, active: false }]);
});
