// The site of a sender, and the approval window.
import assert from "node:assert/strict";
import { test } from "node:test";

let removed = () => {};
const calls = [];
let next = 1;
Object.assign(globalThis, {
  location: { protocol: "chrome-extension:" },
  chrome: {
    runtime: { getURL: (path) => `chrome-extension://self/${path}` },
    windows: {
      onRemoved: { addListener: (listener) => (removed = listener) },
      create: async (options) => (calls.push(["create", options.url, options.type]), { id: next++ }),
      update: async (id) => (calls.push(["update", id]), { id }),
      remove: async (id) => void calls.push(["remove", id]),
    },
  },
});
const { ApprovalWindow, siteOf } = await import("../../../extension/background/approval.js");

const sender = (origin, { frameId = 0, top = `${origin}/page` } = {}) => ({
  origin,
  url: `${origin}/page`,
  frameId,
  tab: { id: 1, url: top },
});

test("only https and loopback origins are sites", () => {
  for (const origin of [
    "https://tunes.example",
    "https://tunes.example:8443",
    "http://localhost:3000",
    "http://app.localhost",
    "http://127.0.0.1:5000",
    "http://127.1.2.3",
    "http://[::1]:8080",
  ]) {
    assert.deepEqual(siteOf(sender(origin)), { origin, top: null }, origin);
  }
  for (const origin of [
    "http://tunes.example",
    "http://localhost.example",
    "http://127.0.0.1.example",
    "http://192.168.0.1",
    "null",
    "file://",
    "data:text/html,x",
    "https://a@tunes.example",
    "",
  ]) {
    assert.equal(siteOf({ ...sender("https://x.example"), origin, url: "https://x.example/" }), null, origin);
  }
});

test("a frame's site names the top-level page, and there is none in an insecure page", () => {
  const framed = (top) => siteOf(sender("https://tunes.example", { frameId: 3, top }));
  assert.deepEqual(framed("https://tunes.example/other"), { origin: "https://tunes.example", top: null });
  assert.deepEqual(framed("https://other.example/"), { origin: "https://tunes.example", top: "https://other.example" });
  for (const top of ["http://other.example/", "about:blank", "", "null"]) assert.equal(framed(top), null, top);
});

test("one window is opened, brought to the front, and reported when a person closes it", async () => {
  let closed = 0;
  const one = new ApprovalWindow(() => closed++);
  await Promise.all([one.show(), one.show()]);
  assert.deepEqual(calls.splice(0), [
    ["create", "chrome-extension://self/approve/approve.html", "popup"],
    ["update", 1],
  ]);
  removed(99);
  assert.equal(closed, 0);
  removed(1);
  assert.equal(closed, 1);
  await one.show();
  await one.hide();
  removed(2);
  assert.equal(closed, 1, "closed by the extension");
  await one.show();
  const hidden = one.hide();
  removed(3);
  await hidden;
  assert.equal(closed, 1, "closed while the extension closes it");
  calls.splice(2);
  assert.deepEqual(
    calls.map(([what]) => what),
    ["create", "remove"],
  );
});
