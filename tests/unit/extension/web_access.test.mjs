// Places of web requests in the extension.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const HOME = new URL("../../../extension/", import.meta.url);
const FILES = readdirSync(HOME, { recursive: true, encoding: "utf8" }).filter(
  (name) => /\.m?js$/.test(name) && !/^(bundle|vendor|pyodide|store)\//.test(name),
);
const PAGES = readdirSync(HOME, { recursive: true, encoding: "utf8" }).filter(
  (name) => /\.(html|css)$/.test(name) && !/^store\//.test(name),
);
/** Numbers of requests by file. */
const KNOWN = {
  "engine/media/web_request.js": 1,
  // The extension's own package.
  "engine/worker.mjs": 1,
  // A content script's requests have the rights of its page.
  "content/playlist.js": 1,
  // The page on disk itself.
  "content/selfrender.js": 1,
};

test("requests are made only in the listed files", () => {
  const found = {};
  for (const name of FILES) {
    const text = readFileSync(new URL(name, HOME), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/ .*$/gm, "");
    const count = text.match(/(?<![.\w])fetch\(/g)?.length ?? 0;
    if (count) found[name] = count;
    assert.doesNotMatch(
      text,
      /\b(XMLHttpRequest|WebSocket|EventSource|WebTransport|sendBeacon|importScripts|RTCPeerConnection)\b|new Image\b|(globalThis|window|self)\.fetch\b|\bimport\((?!["'`]\.)/,
      name,
    );
    assert.doesNotMatch(text, /\.(src|href|poster|srcset|background)\s*=\s*["'`]https?:/, name);
  }
  assert.deepEqual(found, KNOWN);
  assert.ok(FILES.length > 80);
});

test("pages and styles of the extension refer to nothing outside of it", () => {
  for (const name of PAGES) {
    const text = readFileSync(new URL(name, HOME), "utf8");
    assert.doesNotMatch(
      text,
      /(src|href|srcset|action|poster)\s*=\s*["']?(https?:)?\/\/|url\(\s*["']?(https?:)?\/\/|@import|rel=["']?(preconnect|dns-prefetch|prefetch|preload)/i,
      name,
    );
  }
  assert.ok(PAGES.length > 8);
});
