// Streams that elements keep after the service worker was stopped.
import assert from "node:assert/strict";
import { test } from "node:test";

Object.assign(globalThis, { location: { protocol: "chrome-extension:" }, chrome: { storage: {} } });
const { StreamRegistry } = await import("../../../extension/background/stream_registry.js");

const entry = {
  origin: "https://radio.example",
  site: "https://radio.example",
  src: "https://radio.example/a.sps",
  tab: 3,
  frame: 0,
  document: "D1",
  element: 1,
};

/** An area that outlives its service workers. */
function area() {
  let kept = {};
  return {
    get: async () => structuredClone(kept),
    set: async (values) => void (kept = structuredClone({ ...kept, ...values })),
  };
}

test("the same element gets its stream back, once, and only after a restart", async () => {
  const storage = area();
  const first = new StreamRegistry(storage);
  await first.ready;
  first.add("token", entry);
  assert.equal(first.reclaim(entry), null, "a stream that is known is not taken over");
  const second = new StreamRegistry(storage);
  await second.ready;
  assert.equal(second.reclaim(entry), "token");
  assert.equal(second.reclaim(entry), null);
});

test("another document, tab, frame, element, song or origin gets no stream", async () => {
  const storage = area();
  const first = new StreamRegistry(storage);
  await first.ready;
  first.add("token", entry);
  for (const change of [
    { document: "D2" },
    { document: "" },
    { tab: 4 },
    { frame: 1 },
    { element: 2 },
    { src: "https://radio.example/b.sps" },
    { origin: "https://evil.example" },
  ]) {
    const later = new StreamRegistry(storage);
    await later.ready;
    assert.equal(later.reclaim({ ...entry, ...change }), null, JSON.stringify(change));
  }
});

test("a hidden stream is removed, and the number of entries is limited", async () => {
  const storage = area();
  const first = new StreamRegistry(storage);
  await first.ready;
  for (let i = 0; i < 80; i++) first.add(`token ${i}`, { ...entry, element: i });
  first.remove("token 79");
  const second = new StreamRegistry(storage);
  await second.ready;
  assert.equal(second.entries.size, 63);
  assert.equal(second.reclaim({ ...entry, element: 79 }), null);
  assert.equal(second.reclaim({ ...entry, element: 0 }), null);
  assert.equal(second.reclaim({ ...entry, element: 78 }), "token 78");
});

test("a site with many players displaces none of another's", async () => {
  const storage = area();
  const first = new StreamRegistry(storage);
  await first.ready;
  first.add("token", entry);
  for (let i = 0; i < 128; i++)
    first.add(`many ${i}`, {
      ...entry,
      origin: `https://a${i}.many.example`,
      site: "https://many.example",
      element: i,
    });
  const second = new StreamRegistry(storage);
  await second.ready;
  assert.equal(second.entries.size, 64);
  assert.equal(second.reclaim(entry), "token");
});

test("without session storage no stream is kept, and nothing fails", async () => {
  const none = new StreamRegistry(/** @type {any} */ (null));
  await none.ready;
  none.add("token", entry);
  assert.equal(none.reclaim(entry), null);
});
