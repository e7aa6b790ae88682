// Every message in the sources has a row in the table of privileges, every row has a sender and a handler, and no other
// code listens for messages from outside.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { PRIVILEGES } from "../../../extension/background/privileges.js";

const ROOT = new URL("../../../extension/", import.meta.url);
const files = readdirSync(ROOT, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".js") && !/^(vendor|pyodide|bundle)\//.test(name));
/** Without line breaks: the layout of a call does not matter. */
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

/** Types of the messages that each kind sends to the background, read from its sources. */
const SENT = {
  page: all(
    inRoom("content/shown_player.js", "content/track_frame.js"),
    /(?:postIfOpen|post)\(\{ type: "([a-z.]+)"/g,
    /const request = \{ type: "([a-z.]+)"/g,
  ),
  provider: all(text.get("content/relay.js"), /port\.post\(\{ type: "([a-z.]+)"/g),
  player: all(inRoom("player/"), /send\(\{ type: "([a-z._]+)"/g, /\? "([a-z]+)" : "play" \}\)/g),
  engine: all(text.get("engine/link.js"), /(?:request|postMessage)\(\{ type: "([a-z.]+)"/g),
  approval: all(inRoom("approve/"), /\brequest\("([a-z.]+)"/g),
  wallet: all(
    inRoom("popup/", "onboarding/"),
    /\brequest\("((?:wallet|host|network)\.[a-z.]+)"/g,
    /\? "(wallet\.[a-z.]+)" :/g,
  ),
};

/** Rows that no screen uses. */
const UNUSED = new Set(["wallet.account.name", "wallet.networks"]);

for (const [kind, sent] of Object.entries(SENT)) {
  test(`${kind}: a message without a row, or a row without a sender`, () =>
    assert.deepEqual(
      sent,
      rows(kind).filter((type) => !UNUSED.has(type)),
    ));
}

test("a request of a screen without a handler in the engine, or a handler without a row", () => {
  const handled = all(
    inRoom("engine/wallet", "engine/provider/permits.js"),
    /"((?:wallet|host|network)\.[a-z.]+)"(?:\(|: \w)/g,
  );
  assert.deepEqual(handled, rows("wallet"));
  assert.deepEqual(all(inRoom("engine/provider/approvals.js"), /"(approval\.[a-z.]+)"(?:\(|: \w)/g), rows("approval"));
});

test("a message of the background without a handler in the engine, or a handler without a sender", () => {
  const sent = all(
    inRoom("background/"),
    /(?:engine\.send|respond|messages\.push)\((?:\/\*\*[^*]*\*\/ \()?\{ type: "([a-z.]+)"/g,
  );
  const handled = all(/const HANDLERS = \{(.*?)\n\};/s.exec(raw("engine/engine.js"))[1], /^ {2}([a-z]+)\(/gm);
  // "answer" and "lost": link.js.
  assert.deepEqual([...handled, "answer"].sort(), [...new Set([...sent, "lost"])].sort());
});

test("a listener for a port, a window or an event of the page that is not in this list", () => {
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
    // The key of the content script. A worker's answers.
    ["player/player.js", 'addEventListener("message"', 1],
    ["engine/core.js", 'addEventListener("message"', 2],
    // Commands of a page.
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
    return [...new Set(matches)].map((match) => [name, match, matches.filter((other) => other === match).length]);
  });
  const sorted = (list) => list.map(String).sort();
  assert.deepEqual(sorted(found), sorted(LISTENERS));
});
