// The streams that pages show: registered once for each element, limited, and restored in a restarted engine.
import assert from "node:assert/strict";
import { test } from "node:test";

Object.assign(globalThis, { location: { protocol: "chrome-extension:" }, chrome: { storage: {}, runtime: {} } });
const { ShownStreams } = await import("../../../extension/background/shown_streams.js");
const { MAX_STREAMS_OF_PAGE } = await import("../../../extension/background/token_bucket.js");

const ORIGIN = "https://radio.example";
const SENDER = { url: `${ORIGIN}/page`, frameId: 0, documentId: "d", tab: { id: 9, url: `${ORIGIN}/page` } };

/** Streams with stand-ins for the engine, the frames and the registry; `calls` records what they get. */
function create({ reclaimed = null } = {}) {
  const time = { ms: 0 };
  const calls = { sent: [], forgotten: [], removed: [], added: [] };
  const streams = new ShownStreams(
    { send: (message) => calls.sent.push(message) },
    { forget: (token) => calls.forgotten.push(token) },
    {
      reclaim: () => reclaimed,
      add: (token, entry) => calls.added.push([token, entry.element]),
      remove: (token) => calls.removed.push(token),
    },
    () => time.ms,
  );
  const show = (element, fields = {}) =>
    streams.show(1, SENDER, ORIGIN, { type: "show", element, src: "/a", ...fields });
  return { streams, calls, show, time };
}

test("the engine gets a shown stream with its place in the list", () => {
  const { streams, calls, show } = create();
  const first = show(3, { count: 2 });
  const second = show(4, { index: 1, count: 2, after: 3, crossfade: 5 });
  assert.equal(streams.tokenOf(1, 4), second);
  assert.equal(streams.tokenOf(2, 4), null);
  const common = { origin: ORIGIN, site: ORIGIN, src: `${ORIGIN}/a`, inside: false, page: 1 };
  assert.deepEqual(calls.sent, [
    {
      type: "show",
      stream: first,
      ...common,
      element: 3,
      list: { index: 0, count: 2, after: null, crossfade_s: 0 },
    },
    {
      type: "show",
      stream: second,
      ...common,
      element: 4,
      list: { index: 1, count: 2, after: first, crossfade_s: 5 },
    },
  ]);
  assert.deepEqual(calls.added, [
    [first, 3],
    [second, 4],
  ]);
});

test("an element that is shown again has one stream: its earlier one is removed", () => {
  const { streams, calls, show } = create();
  const first = show(3);
  const second = show(3);
  assert.notEqual(first, second);
  assert.equal(streams.get(first), undefined);
  assert.deepEqual(
    calls.sent.map(({ type, stream }) => [type, stream]),
    [
      ["show", first],
      ["hide", first],
      ["show", second],
    ],
  );
  assert.deepEqual([calls.forgotten, calls.removed], [[first], [first]]);
});

test("an element whose playback continued keeps its stream", () => {
  assert.equal(create({ reclaimed: "kept" }).show(3), "kept");
});

test("a page with too many streams gets message.flood, and no stream beside it", () => {
  const { calls, show } = create();
  for (let element = 0; element < MAX_STREAMS_OF_PAGE; element++) show(element);
  const { length } = calls.sent;
  assert.throws(() => show(MAX_STREAMS_OF_PAGE), { code: "message.flood" });
  assert.equal(calls.sent.length, length);
});

test("a song that the page may not show has no stream", () => {
  const { calls, show } = create();
  assert.equal(show(1, { src: "file:///etc/passwd" }), null);
  assert.deepEqual(calls.sent, []);
});

test("a closed page has no streams, and other pages keep theirs", () => {
  const { streams, show } = create();
  const token = show(3);
  const other = streams.show(2, SENDER, ORIGIN, { type: "show", element: 3, src: "/a" });
  streams.hidePage(1);
  assert.equal(streams.get(token), undefined);
  assert.equal(streams.get(other).page, 2);
});

test("a restarted engine gets each stream with the position at which the sound was lost", () => {
  const { streams, show, time } = create();
  const token = show(3);
  const state = { position_ms: 3000, duration_ms: 60_000, rate: 2, state: "playing" };
  streams.recordState(1, { element: 3, state });
  streams.recordState(2, { element: 3, state: { ...state, position_ms: 1, state: "paused" } });
  time.ms = 1000;
  streams.onEngineLost();
  time.ms = 9000;
  const [message, ...others] = streams.restoreMessages();
  assert.deepEqual(others, []);
  assert.deepEqual([message.type, message.stream, message.src], ["show", token, `${ORIGIN}/a`]);
  assert.deepEqual(message.last, { position_ms: 5000, playing: true });
});
