// The song and origin of a page's player, and reads from the file of a page on disk.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PageFiles, songOf, topOrigin } from "../../../extension/background/page_files.js";

const DISK = { url: "file:///home/a/song.sps.html" };
const WEB = { url: "https://radio.example/song/x?y=1" };

test("a page from the web may show any web address, with its own origin", () => {
  assert.deepEqual(songOf({ src: "/a.sps", station: "https://other.example" }, WEB, "https://radio.example"), {
    src: "https://radio.example/a.sps",
    origin: "https://radio.example",
  });
  assert.equal(songOf({ src: "file:///etc/passwd" }, WEB, "https://radio.example"), null);
  assert.equal(songOf({ src: "javascript:alert(1)" }, WEB, "https://radio.example"), null);
  assert.equal(songOf({ src: "https://[" }, WEB, "https://radio.example"), null);
});

test("a page on disk may show only itself, at the station that it names", () => {
  const self = { src: "file:///home/a/song.sps.html#x", station: "https://radio.example/page" };
  assert.deepEqual(songOf(self, DISK, "null"), { src: DISK.url, origin: "https://radio.example" });
  for (const src of [
    "file:///etc/passwd",
    "file:///home/a/song.sps.html?x",
    "other.html",
    "https://radio.example/a.sps",
    "data:,",
  ])
    assert.equal(songOf({ ...self, src }, DISK, "null"), null, src);
  for (const station of [null, "", "file:///x", "javascript:0", "radio.example"])
    assert.equal(songOf({ ...self, station }, DISK, "null").origin, "file://");
});

test("bytes are accepted once, only from the page and element of the request", () => {
  const responses = [];
  const sent = [];
  const pages = new PageFiles((response) => responses.push(response));
  pages.read({ id: 4, offset: 1, size: 2 }, { page: 7, element: 3 }, { postMessage: (message) => sent.push(message) });
  assert.deepEqual(sent, [{ type: "read", element: 3, id: 4, offset: 1, size: 2 }]);
  for (const [page, element, id] of [
    [8, 3, 4],
    [7, 2, 4],
    [7, 3, 5],
  ])
    pages.onBytes(page, { element, id, data: "AAAA" });
  assert.deepEqual(responses, []);
  for (let i = 0; i < 2; i++) pages.onBytes(7, { element: 3, id: 4, data: "AAAA" });
  assert.deepEqual(responses, [{ type: "answer", id: 4, ok: true, result: "AAAA" }]);
});

test("a page's failure has a known code, and a missing page has one, too", () => {
  const responses = [];
  const pages = new PageFiles((response) => responses.push(response.error?.code));
  for (const code of ["sps.segment.hash", "<script>", undefined]) {
    pages.read({ id: 1, offset: 0, size: 1 }, { page: 1, element: 1 }, { postMessage: () => undefined });
    pages.onBytes(1, { element: 1, id: 1, data: null, code });
  }
  pages.read({ id: 2, offset: 0, size: 1 }, undefined, undefined);
  assert.deepEqual(responses, [
    "sps.segment.hash",
    "sps.segment.missing",
    "sps.segment.missing",
    "host.stream.unknown",
  ]);
});

test("a frame is attributed to the top-level page", () => {
  const tab = { url: "https://radio.example/a?b" };
  assert.equal(topOrigin({ tab, frameId: 3 }, "https://a1.many.example"), "https://radio.example");
  assert.equal(topOrigin({ tab, frameId: 0 }, "https://many.example"), "https://many.example");
  for (const url of ["", undefined])
    assert.equal(topOrigin({ tab: { url }, frameId: 3 }, "https://many.example"), "https://many.example");
});

test("all frames of a page without a web origin are one site", () => {
  const pages = {
    "about:blank": "about://",
    "blob:https://many.example/7f3c": "https://many.example",
    "data:text/html,x": "data://",
    "file:///a.html": "file://",
  };
  for (const [url, site] of Object.entries(pages))
    for (const name of ["a1", "a2"])
      assert.equal(topOrigin({ tab: { url }, frameId: 3 }, `https://${name}.many.example`), site, url);
});
