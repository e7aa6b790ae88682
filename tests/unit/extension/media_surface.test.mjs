// Properties, promises and events of the media surface, in the order of HTMLMediaElement.
import assert from "node:assert/strict";
import { test } from "node:test";
import "../../../extension/content/ranges.js";
import "../../../extension/content/media_settings.js";
import "../../../extension/content/media_clock.js";
import "../../../extension/content/play_promises.js";
import "../../../extension/content/media_surface.js";

const { MediaSurface } = globalThis.gomaaSurface;
const READY = { state: "ready", duration_ms: 24_000, position_ms: 0, done: 0 };

/** A surface with a clock that the test sets; `asked` has its commands, `said` its events. */
function world() {
  const asked = [];
  const said = [];
  const clock = { ms: 0 };
  const media = new MediaSurface(
    (command, value, n) => asked.push([command, value, n]),
    (name) => said.push(name),
    () => clock.ms,
  );
  return { media, asked, said, clock, events: async () => (await null, await null, said.splice(0)) };
}

/** A surface whose song is ready, without the events of loading. */
async function ready() {
  const it = world();
  it.media.load(true);
  it.media.onState(READY);
  await it.events();
  return it;
}

/** Reports a state of the engine in which all commands are complete. */
const told = ({ media, asked }, state, more = {}) =>
  media.onState({ ...READY, state, done: asked.at(-1)?.[2] ?? 0, ...more });

const stop = ({ media }) => media.load(false);

test("loading goes through the standard's events and states", async () => {
  const { media, events } = world();
  assert.deepEqual([media.networkState, media.readyState, media.paused, media.duration], [0, 0, true, NaN]);
  media.load(true);
  assert.deepEqual(await events(), ["loadstart"]);
  assert.deepEqual([media.networkState, media.readyState], [2, 0]);
  media.onState(READY);
  assert.deepEqual(await events(), [
    "durationchange",
    "loadedmetadata",
    "loadeddata",
    "canplay",
    "canplaythrough",
    "suspend",
  ]);
  assert.deepEqual([media.readyState, media.duration, media.seekable.length, media.seekable.end(0)], [4, 24, 1, 24]);
});

test("play resolves when playback starts, with `play` before `playing`", async () => {
  const it = await ready();
  const promise = it.media.play();
  assert.equal(it.media.paused, false);
  assert.deepEqual(await it.events(), ["play"]);
  it.media.onState({ ...READY, state: "ready" }); // a state from before the command
  assert.equal(it.media.paused, false);
  told(it, "starting");
  told(it, "playing");
  await promise;
  assert.deepEqual(await it.events(), ["playing"]);
  await it.media.play(); // already playing
  stop(it);
});

test("pause rejects a pending play with AbortError and fires timeupdate, pause", async () => {
  const it = await ready();
  const promise = it.media.play();
  it.media.pause();
  await assert.rejects(promise, { name: "AbortError" });
  assert.deepEqual(await it.events(), ["play", "timeupdate", "pause"]);
  assert.deepEqual(
    it.asked.map(([command]) => command),
    ["play", "pause"],
  );
  it.media.pause();
  assert.deepEqual(await it.events(), []);
});

test("a denied play rejects with NotAllowedError and pauses the element", async () => {
  const it = await ready();
  const promise = it.media.play();
  it.media.onState({ ...READY, denied: 1, done: 1 });
  await assert.rejects(promise, { name: "NotAllowedError" });
  assert.equal(it.media.paused, true);
  assert.equal(it.media.error, null);
});

test("a load rejects a pending play with AbortError, fires emptied and sends no play to the next stream", async () => {
  const it = await ready();
  const promise = it.media.play();
  it.media.load(true);
  await assert.rejects(promise, { name: "AbortError" });
  assert.deepEqual(await it.events(), ["play", "emptied", "loadstart"]);
  assert.equal(it.media.paused, true);
  it.media.resend(false);
  assert.equal(it.asked.length, 1);
});

test("the same stream over another port gets the play or pause that it has not reported, and no other", async () => {
  const it = await ready();
  const resent = () => {
    it.asked.length = 0;
    it.media.resend(true);
    return it.asked.map(([command, value]) => value ?? command);
  };
  it.media.play().catch(() => undefined);
  assert.deepEqual(resent(), ["play"]);
  told(it, "playing", { wanted: true });
  assert.deepEqual(resent(), []);
  it.media.pause();
  assert.deepEqual(resent(), ["pause"]);
  told(it, "paused");
  assert.deepEqual(resent(), []);
  stop(it);
});

test("settings and play from before the first stream are sent to it", async () => {
  const { media, asked } = world();
  media.load(true);
  media.setVolume(0.25);
  media.setRate(1.5);
  media.play().catch(() => undefined);
  asked.length = 0;
  media.resend(false);
  assert.deepEqual(
    asked.map(([command, value]) => [command, value]),
    [
      ["volume", 0.25],
      ["rate", 1.5],
      ["play", null],
    ],
  );
  media.onState({ ...READY, done: 0 }); // defaults of the new stream
  assert.deepEqual([media.volume, media.rate, media.paused], [0.25, 1.5, false]);
});

test("a seek is seeking at once and seeked when the engine is done, in the standard's order", async () => {
  const it = await ready();
  it.media.play().catch(() => undefined);
  told(it, "playing");
  await it.events();
  it.media.seek(10);
  assert.deepEqual([it.media.seeking, it.media.currentTime], [true, 10]);
  told(it, "seeking", { position_ms: 10_000, done: 1 });
  told(it, "playing", { position_ms: 10_000 });
  assert.deepEqual(await it.events(), [
    "seeking",
    "waiting",
    "timeupdate",
    "seeked",
    "canplay",
    "canplaythrough",
    "playing",
  ]);
  assert.deepEqual([it.media.seeking, it.media.currentTime], [false, 10]);
  stop(it);
});

test("`playing` comes after `seeked` also where sound starts before the seek is complete", async () => {
  const it = await ready();
  it.media.play().catch(() => undefined);
  told(it, "playing");
  await it.events();
  it.media.seek(10);
  const before = it.asked.at(-1)[2] - 1;
  told(it, "seeking", { position_ms: 10_000, done: before });
  told(it, "playing", { position_ms: 10_000, done: before });
  assert.deepEqual(await it.events(), ["seeking", "waiting"]);
  told(it, "playing", { position_ms: 10_050 });
  assert.deepEqual(await it.events(), ["timeupdate", "seeked", "canplay", "canplaythrough", "playing"]);
  told(it, "playing", { position_ms: 10_100 });
  assert.deepEqual(await it.events(), ["timeupdate"]);
  stop(it);
});

test("a refused seek ends at the position of playback", async () => {
  const it = await ready();
  it.media.play().catch(() => undefined);
  told(it, "playing");
  it.media.seek(20);
  told(it, "playing", { position_ms: 3_000, code: "refused" });
  assert.deepEqual([it.media.seeking, it.media.currentTime, it.media.error], [false, 3, null]);
  stop(it);
});

test("the end fires timeupdate, pause, ended, and a later play starts again", async () => {
  const it = await ready();
  it.media.play().catch(() => undefined);
  told(it, "playing");
  await it.events();
  told(it, "ended", { position_ms: 24_000 });
  assert.deepEqual(await it.events(), ["timeupdate", "pause", "ended"]);
  assert.deepEqual([it.media.ended, it.media.paused, it.media.currentTime], [true, true, 24]);
  it.media.play().catch(() => undefined);
  assert.deepEqual([it.media.ended, it.media.paused], [false, false]);
  assert.deepEqual(await it.events(), ["play"]);
});

test("with loop the end sends another play and fires no ended", async () => {
  const it = await ready();
  it.media.loop = true;
  it.media.play().catch(() => undefined);
  told(it, "playing");
  await it.events();
  told(it, "ended", { position_ms: 24_000 });
  assert.deepEqual(await it.events(), ["timeupdate", "seeking"]);
  assert.equal(it.asked.at(-1)[0], "play");
  assert.equal(it.media.paused, false);
  stop(it);
});

test("volume, muted and rate are set at once; values out of range are refused", async () => {
  const it = await ready();
  it.media.setVolume(0.5);
  it.media.setMuted(true);
  it.media.setRate(2);
  it.media.onState(READY); // a state from before the commands
  assert.deepEqual([it.media.volume, it.media.muted, it.media.rate], [0.5, true, 2]);
  assert.deepEqual(await it.events(), ["volumechange", "volumechange", "ratechange"]);
  assert.throws(() => it.media.setVolume(1.1), { name: "IndexSizeError" });
  assert.throws(() => it.media.setVolume(NaN), TypeError);
  for (const rate of [0, 0.4, 2.1, 10]) assert.throws(() => it.media.setRate(rate), { name: "NotSupportedError" });
  told(it, "ready", { volume: 0.5, muted: true, rate: 1 }); // the terms do not permit another rate
  assert.equal(it.media.rate, 1);
  assert.deepEqual(await it.events(), ["ratechange"]);
});

test("the position is extrapolated at the rate between two states, and added to played", async () => {
  const it = await ready();
  it.media.play().catch(() => undefined);
  told(it, "playing", { position_ms: 1_000, rate: 2 });
  it.clock.ms = 1_000;
  assert.equal(it.media.currentTime, 3);
  it.media.seek(20);
  told(it, "playing", { position_ms: 20_000, rate: 2 });
  it.clock.ms = 1_500;
  const { played } = it.media;
  assert.deepEqual([played.length, played.start(0), played.end(0), played.start(1), played.end(1)], [2, 1, 3, 20, 21]);
  assert.throws(() => played.start(2), { name: "IndexSizeError" });
  stop(it);
});

test("played includes the time until a late state, and no part that a seek skips", async () => {
  const it = await ready();
  it.media.play().catch(() => undefined);
  told(it, "playing");
  it.clock.ms = 200;
  told(it, "playing", { position_ms: 900 });
  it.clock.ms = 300;
  told(it, "paused", { position_ms: 1_200 });
  const ranges = () =>
    Array.from({ length: it.media.played.length }, (_, i) => [it.media.played.start(i), it.media.played.end(i)]);
  assert.deepEqual(ranges(), [[0, 1.2]]);
  told(it, "playing", { position_ms: 1_200 });
  told(it, "seeking", { position_ms: 20_000 });
  told(it, "playing", { position_ms: 20_000 });
  it.clock.ms = 1_300;
  assert.deepEqual(ranges(), [
    [0, 1.2],
    [20, 21],
  ]);
  stop(it);
});

test("pause and play in the player's frame fire events of the page", async () => {
  const it = await ready();
  told(it, "starting");
  told(it, "playing");
  assert.deepEqual(await it.events(), ["play", "playing"]);
  told(it, "paused", { position_ms: 2_000 });
  assert.deepEqual((await it.events()).slice(-2), ["timeupdate", "pause"]);
  assert.equal(it.media.currentTime, 2);
});

test("a refusal rejects play with NotAllowedError and sets error, which a retry clears", async () => {
  const it = await ready();
  const promise = it.media.play();
  told(it, "refused", { code: "refused" });
  await assert.rejects(promise, { name: "NotAllowedError" });
  assert.deepEqual([it.media.error.message, it.media.paused], ["refused", true]);
  await it.events();
  told(it, "loading", { duration_ms: 0 });
  told(it, "ready");
  assert.equal(it.media.error, null);
  assert.deepEqual((await it.events()).slice(0, 3), ["emptied", "loadstart", "durationchange"]);
});

test("an invalid file is MEDIA_ERR_SRC_NOT_SUPPORTED, and play rejects with NotSupportedError", async () => {
  const { media, events } = world();
  media.load(true);
  const promise = media.play();
  media.onState({ ...READY, state: "failed", code: "sps.magic", duration_ms: 0 });
  await assert.rejects(promise, { name: "NotSupportedError" });
  assert.deepEqual([media.error.code, media.networkState], [4, 3]);
  await assert.rejects(media.play(), { name: "NotSupportedError" });
  await events();
});

test("a failed song can be played after it has loaded, also without the state loading", async () => {
  const { media, events, asked } = world();
  media.load(true);
  media.onState({ ...READY, state: "failed", code: "failed", duration_ms: 0 });
  assert.equal(media.error.code, 4);
  media.onState(READY);
  assert.deepEqual([media.error, media.readyState, media.paused], [null, 4, true]);
  await events();
  const before = asked.length;
  const promise = media.play();
  assert.equal(asked.length, before + 1);
  media.onState({ ...READY, state: "playing", done: asked.at(-1)[2] });
  await promise;
  media.load(false);
});

test("a play after a failure stays pending while the song loads again", async () => {
  const it = await ready();
  told(it, "playing");
  told(it, "failed", { code: "failed" });
  assert.notEqual(it.media.error.code, 4);
  await it.events();
  const promise = it.media.play();
  told(it, "starting", { done: 0 });
  assert.deepEqual([it.media.error, it.media.paused], [null, false]);
  told(it, "playing");
  await promise;
  stop(it);
});

test("buffered ranges, progress and stalled follow the engine's state", async () => {
  const it = await ready();
  told(it, "ready", { ranges: [[0, 12_000]], stalled: true });
  assert.deepEqual(await it.events(), ["progress", "stalled"]);
  assert.deepEqual([it.media.buffered.length, it.media.buffered.end(0), it.media.networkState], [1, 12, 2]);
  told(it, "ready", { ranges: [[0, 24_000]] });
  assert.deepEqual(await it.events(), ["progress", "suspend"]);
  assert.equal(it.media.networkState, 1);
});
