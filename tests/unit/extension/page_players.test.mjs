// Players and sources in pages, by test vectors that the station's check uses, too (tests/vectors/found.json).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "parse5";

await import("../../../extension/content/page_players.js");
const { players, roots, sourcesOf } = globalThis.gomaaPagePlayers;
const { pages } = JSON.parse(readFileSync(new URL("../../vectors/found.json", import.meta.url), "utf8"));

/** A node of parse5 with the parts of the DOM that the script uses. */
class ParsedNode {
  constructor(node) {
    Object.assign(this, { localName: node.tagName, namespaceURI: node.namespaceURI, nodeType: node.tagName ? 1 : 9 });
    this.attributes = new Map((node.attrs ?? []).map(({ name, value }) => [name, value]));
    const elements = (node.childNodes ?? []).filter(({ tagName }) => tagName);
    // The parser has no shadow roots: the first template of that mode becomes one, as in a browser.
    const shadow = elements.find(({ attrs }) => attrs.some(({ name }) => name === "shadowrootmode"));
    const mode = shadow?.attrs.find(({ name }) => name === "shadowrootmode").value;
    this.shadowRoot = mode === "open" ? new ParsedNode(shadow.content) : null;
    this.children = elements.filter((element) => element !== shadow).map((element) => new ParsedNode(element));
  }

  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }

  querySelectorAll(css) {
    const all = this.children.flatMap((child) => [child, ...child.querySelectorAll("*")]);
    return css === "*" ? all : all.filter((node) => node.localName === "source" && node.attributes.has("src"));
  }
}

/** Every address as it is found, absolute. */
function found(html, page) {
  const document = new ParsedNode(parse(html, { scriptingEnabled: true }));
  const base = document
    .querySelectorAll("*")
    .find((node) => node.localName === "base" && node.attributes.has("href"))
    ?.getAttribute("href");
  const at = new URL(base ?? "", page);
  return [...players(document)].flatMap((player) => {
    const { playlist, songs } = sourcesOf(player);
    const urls = songs.filter((song) => URL.canParse(song, at)).map((song) => new URL(song, at).href);
    return playlist ? [{ list: new URL(playlist, at).href }] : urls;
  });
}

for (const { name, page, html, found: expected } of pages) {
  test(`in a page: ${name}`, () => assert.deepEqual(found(html, page), expected));
}

test("open roots are found at and below a node, also nested ones", () => {
  const html =
    '<div><template shadowrootmode="open"><p><template shadowrootmode="open"><b></b></template></p></template></div><i><template shadowrootmode="closed"></template></i>';
  const document = new ParsedNode(parse(html));
  assert.equal([...roots(document)].length, 2);
  const [div] = document.querySelectorAll("*").filter(({ localName }) => localName === "div");
  assert.equal([...roots(div)].length, 2);
});
