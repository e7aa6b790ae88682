// Where a page's song and station are, and who may answer for a page on disk.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PageFiles, placeOf, siteAround } from "../../../extension/background/page_files.js";

const DISK = { url: "file:///home/a/song.sps.html" };
const WEB = { url: "https://radio.example/song/x?y=1" };

test("a page from the web has its own origin and any web address", () => {
  assert.deepEqual(placeOf({ src: "/a.sps", station: "https://other.example" }, WEB, "https://radio.example"), {
    src: "https://radio.example/a.sps",
    origin: "https://radio.example",
  });
  assert.equal(placeOf({ src: "file:///etc/passwd" }, WEB, "https://radio.example"), null);
  assert.equal(placeOf({ src: "javascript:alert(1)" }, WEB, "https://radio.example"), null);
  assert.equal(placeOf({ src: "https://[" }, WEB, "https://radio.example"), null);
});

test("a page on disk shows itself and nothing else, at the station it names", () => {
  const self = { src: "file:///home/a/song.sps.html#x", station: "https://radio.example/page" };
  assert.deepEqual(placeOf(self, DISK, "null"), { src: DISK.url, origin: "https://radio.example" });
  for (const src of [
    "file:///etc/passwd",
    "file:///home/a/song.sps.html?x",
    "other.html",
    "https://radio.example/a.sps",
    "data:,",
  ])
    assert.equal(placeOf({ ...self, src }, DISK, "null"), null, src);
  for (const station of [null, "", "file:///x", "javascript:0", "radio.example"])
    assert.equal(placeOf({ ...self, station }, DISK, "null").origin, "file://");
});

test("only the page that was asked answers, once, and only for its element", () => {
  const told = [];
  const sent = [];
  const pages = new PageFiles((id, body) => told.push([id, body]));
  pages.read({ id: 4, offset: 1, size: 2 }, { page: 7, element: 3 }, { postMessage: (message) => sent.push(message) });
  assert.deepEqual(sent, [{ type: "read", element: 3, id: 4, offset: 1, size: 2 }]);
  for (const [page, element, id] of [
    [8, 3, 4],
    [7, 2, 4],
    [7, 3, 5],
  ])
    pages.onBytes(page, { element, id, data: "AAAA" });
  assert.deepEqual(told, []);
  for (let i = 0; i < 2; i++) pages.onBytes(7, { element: 3, id: 4, data: "AAAA" });
  assert.deepEqual(told, [[4, { ok: true, result: "AAAA" }]]);
});

test("a page's failure is a code, whatever it says, and a page that is not there is said", () => {
  const told = [];
  const pages = new PageFiles((id, body) => told.push(body.error?.code));
  for (const said of ["sps.segment.hash", "<script>", undefined]) {
    pages.read({ id: 1, offset: 0, size: 1 }, { page: 1, element: 1 }, { postMessage: () => undefined });
    pages.onBytes(1, { element: 1, id: 1, data: null, code: said });
  }
  pages.read({ id: 2, offset: 0, size: 1 }, undefined, undefined);
  assert.deepEqual(told, ["sps.segment.hash", "sps.segment.missing", "sps.segment.missing", "host.stream.unknown"]);
});

test("a frame counts for the page around it", () => {
  const tab = { url: "https://radio.example/a?b" };
  assert.equal(siteAround({ tab, frameId: 3 }, "https://a1.many.example"), "https://radio.example");
  assert.equal(siteAround({ tab, frameId: 0 }, "https://many.example"), "https://many.example");
  for (const url of ["", undefined])
    assert.equal(siteAround({ tab: { url }, frameId: 3 }, "https://many.example"), "https://many.example");
});

test("the frames of a page that is not of the web are one site together", () => {
  const pages = {
    "about:blank": "about://",
    "blob:https://many.example/7f3c": "https://many.example",
    "data:text/html,x": "data://",
    "file:///a.html": "file://",
  };
  for (const [url, site] of Object.entries(pages))
    for (const name of ["a1", "a2"])
      assert.equal(siteAround({ tab: { url }, frameId: 3 }, `https://${name}.many.example`), site, url);
});
