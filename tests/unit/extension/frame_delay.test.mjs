// When the content script makes a player's frame: at once, or after the sound of a play that the page has requested.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { FRAME_URL, page, settled } from "./content_page.mjs";

const MAX_DELAY_MS = 300;
const LOADING = { state: "loading", wanted: true, denied: null, done: 0 };
const READY = { state: "ready", wanted: false, denied: null, done: 0 };

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

/** A page whose stream is shown. @param {{plays?: boolean, attributes?: Record<string, string>,
 *   sources?: string[]}} [options] */
async function shown({ plays = true, sources = [], attributes = sources.length ? {} : { src: "/song.sps" } } = {}) {
  const world = page(attributes, sources);
  let n = 0;
  const command = (name, value = null) =>
    world.player.dispatchEvent(
      new CustomEvent("gomaa:element", { detail: JSON.stringify({ command: name, value, n: ++n }) }),
    );
  // As element.js: a play before the stream is repeated when the element is attached.
  world.player.addEventListener("gomaa:element-state", ({ detail }) => {
    if (plays && JSON.parse(detail).found) command("play");
  });
  await settled();
  const { element } = world.sent[0];
  const show = (stream) => world.deliver({ type: "shown", element, stream, url: FRAME_URL });
  show("one");
  const report = (changes, stream = "one") =>
    world.deliver({ type: "state", element, stream, state: { ...LOADING, ...changes } });
  const state = (...args) => {
    report(...args);
    mock.timers.tick(0);
  };
  const framed = () => world.sent.filter(({ type }) => type === "framed").length;
  return { ...world, element, show, report, state, command, framed, count: () => world.frames().length };
}

test("without a wish to play the frame is made at once", async () => {
  const { count, framed } = await shown({ plays: false });
  assert.deepEqual([count(), framed()], [1, 1]);
});

test("with a wish the frame is made when the sound comes, and the command goes before it", async () => {
  const { count, state, sent } = await shown();
  state({});
  state({ ...READY, wanted: true });
  state({ state: "starting", wanted: false, done: 1 });
  assert.equal(count(), 0);
  state({ state: "playing", wanted: false, done: 1 });
  assert.equal(count(), 1);
  assert.deepEqual(
    sent.map(({ type }) => type),
    ["show", "command", "framed"],
  );
});

test("the page has its events before the frame is made", async () => {
  const { count, report } = await shown();
  report({ state: "playing" });
  await null;
  assert.equal(count(), 0);
  mock.timers.tick(0);
  assert.equal(count(), 1);
});

test("a frame waits no longer than its limit for the sound, and is made once", async () => {
  const { count, state } = await shown();
  mock.timers.tick(MAX_DELAY_MS - 1);
  assert.equal(count(), 0);
  mock.timers.tick(1);
  assert.equal(count(), 1);
  state({ state: "playing" });
  assert.equal(count(), 1);
});

for (const [name, state] of Object.entries({
  "the song has failed": { state: "failed", wanted: false, code: "failed" },
  "the play is refused": { state: "refused", wanted: false, code: "refused" },
  "a person has to press": { ...READY, denied: 1, done: 1 },
  "a person has to press, while the song loads": { state: "loading", denied: 1, done: 1 },
  "the play was given up": { ...READY, done: 1 },
  "the play is paused": { state: "paused", wanted: false },
  "the play is interrupted": { state: "waiting", wanted: false },
}))
  test(`the frame is made at once when ${name}`, async () => {
    const { count, state: report } = await shown();
    report(state);
    assert.equal(count(), 1);
  });

test("a play command that the engine has not handled yet is awaited, a denied one before it too", async () => {
  const { count, state, command } = await shown();
  command("play");
  state({ ...READY, done: 1 });
  state({ ...READY, denied: 1, done: 1 });
  assert.equal(count(), 0);
  state({ ...READY, denied: 2, done: 2 });
  assert.equal(count(), 1);
});

test("a pause of the page ends the wait", async () => {
  const { count, command } = await shown();
  command("pause");
  assert.equal(count(), 1);
});

test("with autoplay the frame waits for the sound of the play that follows the load", async () => {
  const attributes = { src: "/song.sps", autoplay: "" };
  const { count, state, command, player } = await shown({ plays: false, attributes });
  state({ wanted: false });
  assert.equal(count(), 0);
  player.addEventListener(
    "gomaa:element-state",
    ({ detail }) => JSON.parse(detail).state === "ready" && command("play"),
  );
  state(READY);
  state({ state: "starting", wanted: false });
  assert.equal(count(), 0);
  state({ state: "playing", wanted: false });
  assert.equal(count(), 1);
});

test("with autoplay that the page has cancelled the frame is made when the song is loaded", async () => {
  const { count, state } = await shown({ plays: false, attributes: { src: "/song.sps", autoplay: "" } });
  state(READY);
  assert.equal(count(), 1);
});

test("messages about a frame that is not made yet change nothing, and bytes are read", async () => {
  const { count, deliver, element, sent } = await shown();
  deliver({ type: "there", element });
  deliver({ type: "height", element, height: 300 });
  deliver({ type: "read", element, id: 1, offset: 0, size: 1 });
  await settled();
  assert.equal(count(), 0);
  assert.deepEqual(sent.at(-1), { type: "bytes", element, id: 1, code: "sps.segment.missing" });
});

test("a removed element gets no frame", async () => {
  const { count, player, change } = await shown();
  player.isConnected = false;
  change();
  mock.timers.tick(MAX_DELAY_MS);
  assert.equal(count(), 0);
});

test("another song before the frame gets the only frame, with a wait of its own", async () => {
  const { count, player, change, show, state, sent } = await shown();
  mock.timers.tick(200);
  player.setAttribute("src", "/other.sps");
  change();
  await settled();
  assert.equal(sent.at(-1).src, "https://radio.example/other.sps");
  mock.timers.tick(200);
  assert.equal(count(), 0);
  show("two");
  state({ state: "playing" }, "one");
  mock.timers.tick(MAX_DELAY_MS - 1);
  assert.equal(count(), 0);
  mock.timers.tick(1);
  assert.equal(count(), 1);
});

test("after a restart of the background a frame that waits is made for the stream that is shown then", async () => {
  const { count, framed, disconnect, show, sent } = await shown();
  disconnect();
  mock.timers.tick(250);
  assert.equal(sent.at(-1).type, "show");
  mock.timers.tick(MAX_DELAY_MS);
  assert.equal(count(), 0);
  show("one");
  mock.timers.tick(MAX_DELAY_MS);
  assert.deepEqual([count(), framed()], [1, 1]);
});

test("a frame that exists registers its key at once after a restart of the background", async () => {
  const { count, framed, disconnect, show, state } = await shown();
  state({ state: "playing" });
  disconnect();
  mock.timers.tick(250);
  show("one");
  assert.deepEqual([count(), framed()], [1, 2]);
});

test("a page that returns from the back/forward cache gets the frame that it had not got", async () => {
  const { count, cache, show, state } = await shown();
  cache("pagehide");
  cache("pageshow");
  show("two");
  state({ state: "playing" }, "two");
  assert.equal(count(), 1);
});

test("a track that the list moves to waits for its own sound, in the place of the frame before", async () => {
  const { frames, count, command, sent, deliver, state, made } = await shown({ sources: ["/a.sps", "/b.sps"] });
  state({ state: "starting" });
  command("track", 1);
  const { element, src } = sent.findLast(({ type }) => type === "show");
  assert.equal(src, "https://radio.example/b.sps");
  const spaces = made.filter(({ localName, style }) => localName === "div" && style.height === "220px");
  assert.deepEqual(
    spaces.map(({ isConnected }) => isConnected),
    [false, true],
  );
  deliver({ type: "shown", element, stream: "two", url: FRAME_URL });
  mock.timers.tick(MAX_DELAY_MS - 1);
  assert.equal(count(), 0);
  mock.timers.tick(1);
  assert.deepEqual([count(), frames()[0].style.display], [1, undefined]);
});

test("the frame of a prepared track is made at once, hidden until the list moves to it", async () => {
  const { frames, sent, deliver, state, command } = await shown({ sources: ["/a.sps", "/b.sps"] });
  state({ state: "playing" });
  const { element } = sent.findLast(({ type }) => type === "show");
  deliver({ type: "shown", element, stream: "two", url: FRAME_URL });
  assert.deepEqual(
    frames().map(({ style }) => style.display),
    [undefined, "none"],
  );
  command("next");
  assert.equal(frames()[1].style.display, "block");
});

test("the place of an empty element's frame is reserved until the frame is shown", async () => {
  const { made, deliver, element, state } = await shown();
  const space = made.find(({ localName, style }) => localName === "div" && style.height === "220px");
  assert.equal(space.isConnected, true);
  state({ state: "playing" });
  assert.equal(space.isConnected, true);
  deliver({ type: "there", element });
  assert.equal(space.isConnected, false);
});
