// Media Source buffers and their tracks, with a fake audio element.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

/** Ranges in seconds that the element has buffered. @type {[number, number][]} */
let ranges;
let log;

class FakeBuffer extends EventTarget {
  updating = false;
  timestampOffset = 0;
  appendWindowEnd = Infinity;
  #update(entry) {
    log.push(entry);
    this.updating = true;
    queueMicrotask(() => {
      this.updating = false;
      this.dispatchEvent(new Event("updateend"));
    });
  }
  appendBuffer(bytes) {
    if (bytes === "full" && !log.some(([name]) => name === "remove")) {
      throw Object.assign(new Error("full"), { name: "QuotaExceededError" });
    }
    this.#update(["append", bytes, this.timestampOffset]);
  }
  remove(start, end) {
    this.#update(["remove", start, end]);
  }
  changeType(mime) {
    log.push(["type", mime]);
  }
}

class FakeSource extends EventTarget {
  static isTypeSupported = (mime) => mime !== "audio/odd";
  readyState = "open";
  duration = 0;
  constructor() {
    super();
    queueMicrotask(() => this.dispatchEvent(new Event("sourceopen")));
  }
  addSourceBuffer() {
    return new FakeBuffer();
  }
  endOfStream() {
    this.readyState = "ended";
  }
}

class FakeAudio extends EventTarget {
  currentTime = 0;
  paused = false;
  get buffered() {
    return { length: ranges.length, start: (i) => ranges[i][0], end: (i) => ranges[i][1] };
  }
  pause() {
    this.paused = true;
  }
  removeAttribute() {}
  load() {
    log.push(["closed"]);
  }
}

Object.assign(globalThis, { MediaSource: FakeSource, Audio: FakeAudio });
URL.createObjectURL = () => "blob:x";
URL.revokeObjectURL = () => undefined;
const { TrackAudio } = await import("../../../extension/engine/media/track_audio.js");

beforeEach(() => {
  [ranges, log] = [[], []];
});

/** A prepared track and its events. */
async function track(durationMs = 10_000) {
  const events = [];
  const sound = new TrackAudio((name) => events.push(name));
  await sound.prepare("audio/mp4", durationMs, /** @type {any} */ ("init"));
  return { sound, events };
}

test("a track is appended after its init segment, within its length, and ended", async () => {
  const { sound } = await track();
  await Promise.all([sound.append(/** @type {any} */ ("a")), sound.append(/** @type {any} */ ("b"))]);
  await sound.finish();
  assert.deepEqual(
    log,
    ["init", "a", "b"].map((bytes) => ["append", bytes, 0]),
  );
  assert.equal(sound.mediaBuffer.source.duration, 10);
  assert.equal(sound.mediaBuffer.source.readyState, "ended");
  await assert.rejects(new TrackAudio(() => undefined).prepare("audio/odd", 1, /** @type {any} */ ("init")), {
    code: "media.unsupported",
  });
});

test("in a full buffer the sound that has played is removed, and the segment appended again", async () => {
  const { sound } = await track();
  sound.audio.currentTime = 30;
  await sound.append(/** @type {any} */ ("full"));
  assert.deepEqual(log.slice(1), [
    ["remove", 0, 28],
    ["append", "full", 0],
  ]);
});

test("sound far behind and far ahead is removed", async () => {
  const { sound } = await track();
  ranges = [[0, 200]];
  sound.audio.currentTime = 100;
  sound.evict();
  await sound.mediaBuffer.queue;
  assert.deepEqual(log.slice(1), [
    ["remove", 0, 80],
    ["remove", 160, 201],
  ]);
});

test("position, buffered ranges and seeks are in the time of the track", async () => {
  const { sound } = await track();
  sound.startS = 60;
  ranges = [[50, 64]];
  sound.audio.currentTime = 61;
  assert.deepEqual([sound.positionMs, sound.aheadMs, sound.ranges], [1_000, 4_000, [[0, 4_000]]]);
  assert.deepEqual([sound.isBuffered(3_000), sound.isBuffered(3_900), sound.isBuffered(9_000)], [true, false, false]);
  sound.seek(2_000);
  assert.equal(sound.audio.currentTime, 62);
});

test("a track that follows starts at the end of the one before, and gets the events from there on", async () => {
  const before = await track();
  const after = await track();
  ranges = [[0, 10]];
  log = [];
  await after.sound.follow(before.sound);
  assert.deepEqual(log, [["append", "init", 10], ["closed"]]);
  assert.deepEqual([after.sound.startS, after.sound.isJoining], [10, true]);
  const { audio } = after.sound;
  audio.currentTime = 9.9;
  audio.dispatchEvent(new Event("timeupdate"));
  assert.deepEqual(after.events, []);
  audio.currentTime = 10;
  audio.dispatchEvent(new Event("timeupdate"));
  audio.dispatchEvent(new Event("waiting"));
  assert.deepEqual([before.events, after.events], [[], ["playing", "waiting"]]);
  before.sound.pause();
  before.sound.close();
  assert.equal(audio.paused, false);
  after.sound.close();
  assert.equal(audio.paused, true);
});

test("a broken element fails every operation after it", async () => {
  const { sound, events } = await track();
  sound.audio.dispatchEvent(new Event("error"));
  assert.deepEqual([events, sound.broken?.code], [["error"], "media.decode"]);
  await assert.rejects(sound.append(/** @type {any} */ ("a")), { code: "media.decode" });
});
