// Every message in the sources has a row that says who may send it, every row has a sender and a handler, and nothing
// else listens to the outside.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { PRIVILEGES } from "../../../extension/background/privileges.js";

const ROOT = new URL("../../../extension/", import.meta.url);
const files = readdirSync(ROOT, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".js") && !/^(vendor|pyodide|bundle)\//.test(name));
/** Without line breaks, so that the layout of a call says nothing. */
const flat = (/** @type {string} */ source) => source.replace(/\(\s+/g, "(").replace(/\s+/g, " ");
const raw = (/** @type {string} */ name) => readFileSync(new URL(name, ROOT), "utf8");
const text = new Map(files.map((name) => [name, flat(raw(name))]));
const inRoom = (...rooms) =>
  [...text]
    .filter(([name]) => rooms.some((room) => name.startsWith(room)))
    .map(([, source]) => source)
    .join("\n");
const all = (source, ...patterns) =>
  [...new Set(patterns.flatMap((pattern) => [...source.matchAll(pattern)].map(([, type]) => type)))].sort();
const rows = (kind) => Object.keys(PRIVILEGES[kind]).sort();

/** Messages that each room says to the background, by the words of its sources. */
const SAID = {
  page: all(text.get("content/content.js"), /(?:postIfOpen|port\.post)\(\{ type: "([a-z.]+)"/g),
  provider: all(text.get("content/relay.js"), /port\.post\(\{ type: "([a-z.]+)"/g),
  player: all(
    inRoom("player/"),
    /(?:actions\.|port\?\.)send\("([a-z.]+)"/g,
    /send\(\{ type: "([a-z.]+)"/g,
    /\? "([a-z]+)" : "play"\)/g,
  ),
  engine: all(text.get("engine/link.js"), /(?:request|postMessage)\(\{ type: "([a-z.]+)"/g),
  approval: all(inRoom("approve/"), /\bask\("([a-z.]+)"/g),
  wallet: all(
    inRoom("popup/", "onboarding/"),
    /\bask\("((?:wallet|host|network)\.[a-z.]+)"/g,
    /\? "(wallet\.[a-z.]+)" :/g,
  ),
};

/** Rows that no screen uses by now. */
const UNSAID = new Set(["wallet.account.name", "wallet.networks"]);

for (const [kind, said] of Object.entries(SAID)) {
  test(`${kind}: what its sources say and its rows are the same`, () =>
    assert.deepEqual(
      said,
      rows(kind).filter((type) => !UNSAID.has(type)),
    ));
}

test("every request of a screen has a handler in the engine, and every handler a row", () => {
  const handled = all(
    inRoom("engine/wallet", "engine/provider/permits.js"),
    /"((?:wallet|host|network)\.[a-z.]+)"(?:\(|: \w)/g,
  );
  assert.deepEqual(handled, rows("wallet"));
  assert.deepEqual(all(inRoom("engine/provider/approvals.js"), /"(approval\.[a-z.]+)"(?:\(|: \w)/g), rows("approval"));
});

test("the engine handles what the background tells it, and only the background's line reaches it", () => {
  const told = all(text.get("background/main.js"), /(?:engine\.send|messages\.push)\(\{ type: "([a-z.]+)"/g);
  const handled = all(/const HANDLERS = \{(.*?)\n\};/s.exec(raw("engine/engine.js"))[1], /^ {2}([a-z]+)\(/gm);
  // What the line itself answers and says: link.js.
  assert.deepEqual([...handled, "answer"].sort(), [...new Set([...told, "lost"])].sort());
});

test("whatever listens to a port, to a window or to a page's event stands here with what it lets in", () => {
  const LISTENERS = [
    // [file, listener, times]
    ["background/main.js", "runtime.onConnect", 1],
    ["background/main.js", "port.onMessage", 2],
    ["background/main.js", "runtime.onInstalled", 1],
    ["background/main.js", ".onmessage =", 1],
    ["background/native.js", "port.onMessage", 1],
    ["content/port.js", "opened.onMessage", 1],
    ["engine/link.js", "opened.onMessage", 1],
    ["engine/link.js", ".onmessage =", 1],
    // The key of the content script: no other word is read. A worker's answers.
    ["player/player.js", 'addEventListener("message"', 1],
    ["engine/core.js", 'addEventListener("message"', 2],
    // CommandQueue of a page, each with the origin and the user activation as the browser has them.
    ["content/content.js", "addEventListener(EVENT,", 1],
    ["content/content.js", "addEventListener(`${EVENT}-here`", 1],
    ["content/relay.js", "addEventListener(REQUEST_EVENT", 1],
    // In the page's own world.
    ["content/element.js", "addEventListener(`${EVENT}-state`", 1],
    ["content/provider.js", "addEventListener(RESPONSE_EVENT", 1],
  ];
  const found = [...text].flatMap(([name, source]) => {
    const matches =
      source.match(
        /\b(?:runtime|port|opened)\.on(?:Connect|Message|ConnectExternal|MessageExternal|UserScriptMessage|Installed)\b|\.onmessage =|addEventListener\((?:"message"|EVENT,|REQUEST_EVENT|RESPONSE_EVENT|`\$\{EVENT\}-[a-z]+`)|onmessageerror|BroadcastChannel|SharedWorker/g,
      ) ?? [];
    return [...new Set(matches)].map((match) => [name, match, matches.filter((one) => one === match).length]);
  });
  const sorted = (list) => list.map(String).sort();
  assert.deepEqual(sorted(found), sorted(LISTENERS));
});
