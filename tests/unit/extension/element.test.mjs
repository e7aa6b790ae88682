// The scripts of the page's own world, run in the manifest's order over a stand-in document.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const ROOT = new URL("../../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), "utf8");
const { content_scripts } = JSON.parse(read("manifest.json"));
const { js } = content_scripts.find(({ js: files }) => files.includes("content/element.js"));
/** The copy that pack.py makes. */
const source = (file) =>
  read(`extension/${file === "content/page_players_main.js" ? "content/page_players.js" : file}`);

/** A page's global object with as much of a document as the scripts use. */
function page() {
  class FakeNode extends EventTarget {
    attributes = new Map();
    style = { setProperty: () => {} };
    dataset = {};
    isConnected = true;
    getAttribute(name) {
      return this.attributes.get(name) ?? null;
    }
    setAttribute(name, value) {
      const old = this.getAttribute(name);
      this.attributes.set(name, String(value));
      if (this.constructor.observedAttributes?.includes(name)) this.attributeChangedCallback(name, old, String(value));
    }
    hasAttribute(name) {
      return this.attributes.has(name);
    }
    removeAttribute(name) {
      this.attributes.delete(name);
    }
    toggleAttribute(name, on) {
      if (on) this.setAttribute(name, "");
      else this.removeAttribute(name);
    }
    querySelector() {
      return null;
    }
    querySelectorAll() {
      return this.found ?? [];
    }
    attachInternals() {
      return { states: new Set() };
    }
    attachShadow() {
      return new FakeNode();
    }
    pause() {}
    after(player) {
      this.player = player;
    }
  }
  class HTMLAudioElement extends FakeNode {
    nodeType = 1;
    namespaceURI = "http://www.w3.org/1999/xhtml";
    localName = "audio";
  }
  const elements = new Map();
  class Document extends FakeNode {
    baseURI = "https://radio.example/";
    createElement(name) {
      return new (elements.get(name) ?? FakeNode)();
    }
  }
  const audio = new HTMLAudioElement();
  audio.dataset["sps"] = "/song.sps";
  audio.setAttribute("data-sps", "/song.sps");
  const document = new Document();
  document.found = [audio];
  const globals = {
    console,
    queueMicrotask,
    setInterval,
    clearInterval,
    performance,
    Event,
    CustomEvent,
    DOMException,
  };
  const context = vm.createContext({
    ...globals,
    document,
    Document,
    HTMLElement: FakeNode,
    Element: FakeNode,
    ShadowRoot: class {},
    HTMLAudioElement,
    URL,
    customElements: { get: (name) => elements.get(name), define: (name, made) => elements.set(name, made) },
    MutationObserver: class {
      observe() {}
    },
  });
  return { context, elements, audio };
}

test("the scripts define the element, upgrade an audio element, and leave no global behind", () => {
  const { context, elements, audio } = page();
  const before = new Set(Object.keys(context));
  for (const file of js) vm.runInContext(source(file), context, { filename: file });
  assert.deepEqual(
    Object.keys(context).filter((name) => !before.has(name)),
    [],
  );
  const SpsPlayer = elements.get("sps-player");
  assert.equal(SpsPlayer.HAVE_ENOUGH_DATA, 4);
  assert.ok(audio.player instanceof SpsPlayer);
  assert.equal(audio.player.getAttribute("src"), "/song.sps");
  assert.deepEqual([audio.paused, audio.volume, audio.readyState, audio.networkState], [true, 1, 0, 2]);
});

test("commands go to the content script once a stream is attached, and states come back as properties", () => {
  const { context, audio } = page();
  for (const file of js) vm.runInContext(source(file), context, { filename: file });
  const { player } = audio;
  const commands = [];
  player.addEventListener("gomaa:element", ({ detail }) => commands.push(JSON.parse(detail)));
  const state = (detail) =>
    player.dispatchEvent(new CustomEvent("gomaa:element-state", { detail: JSON.stringify(detail) }));
  player.volume = 0.5;
  assert.deepEqual(commands, []);
  state({ found: true });
  assert.deepEqual(commands, [{ command: "volume", value: 0.5, n: 2 }]);
  state({ state: "ready", position_ms: 0, duration_ms: 60_000, volume: 0.5, done: 2, ranges: [] });
  assert.deepEqual([audio.duration, audio.volume, audio.readyState], [60, 0.5, 4]);
  assert.doesNotThrow(() => state("no state"));
});

test("a page that has the element already gets no other, and no global either", () => {
  const { context, elements } = page();
  class Own {}
  elements.set("sps-player", Own);
  const before = new Set(Object.keys(context));
  for (const file of js) vm.runInContext(source(file), context, { filename: file });
  assert.equal(elements.get("sps-player"), Own);
  assert.deepEqual(
    Object.keys(context).filter((name) => !before.has(name)),
    [],
  );
});
