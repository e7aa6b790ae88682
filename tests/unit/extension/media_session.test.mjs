// The system's media controls.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MediaSessionController } from "../../../extension/engine/playback/media_session.js";

const STATE = { state: "playing", position_ms: 12_000, duration_ms: 60_000, rate: 1, list: { index: 0, count: 1 } };

function world() {
  const clock = { now: 0 };
  const session = {
    metadata: null,
    playbackState: "none",
    position: null,
    positions: 0,
    handlers: {},
    setActionHandler(name, handler) {
      if (name === "previoustrack" && handler === undefined) throw new TypeError();
      this.handlers[name] = handler;
    },
    setPositionState(state) {
      this.position = state ?? null;
      this.positions++;
    },
  };
  const screen = new MediaSessionController(
    session,
    () => [{ src: "data:," }],
    class {
      constructor(init) {
        Object.assign(this, init);
      }
    },
    () => clock.now,
  );
  const player = (title) => {
    const heard = [];
    return {
      song: { content: title, title, artist: "A" },
      heard,
      onMessage: async (message) => heard.push(message),
      fail: () => undefined,
    };
  };
  return { clock, session, screen, player };
}

test("title, artist, artwork and position are the playing song's", () => {
  const { session, screen, player } = world();
  screen.update(player("One"), { ...STATE, rate: 2 });
  assert.deepEqual({ ...session.metadata }, { title: "One", artist: "A", album: "", artwork: [{ src: "data:," }] });
  assert.equal(session.playbackState, "playing");
  assert.deepEqual(session.position, { duration: 60, playbackRate: 2, position: 12 });
});

test("a position is set only where the browser extrapolates another one", () => {
  const { clock, session, screen, player } = world();
  const one = player("One");
  const at = (now, change) => {
    clock.now = now;
    screen.update(one, { ...STATE, ...change });
    return session.positions;
  };
  assert.equal(at(0, {}), 1);
  for (let second = 1; second <= 30; second++)
    assert.equal(at(second * 1000, { position_ms: 12_000 + second * 1000 }), 1);
  assert.equal(at(31_000, { position_ms: 50_000 }), 2, "a seek");
  assert.equal(at(32_000, { position_ms: 50_100, state: "waiting" }), 3, "the sound stands");
  assert.equal(at(32_100, { position_ms: 50_200, state: "paused" }), 4, "a pause");
  assert.equal(at(40_000, { position_ms: 50_200, state: "paused" }), 4);
  assert.equal(at(40_000, { position_ms: 50_200 }), 5, "it goes on");
  assert.equal(at(40_100, { position_ms: 50_300, rate: 2 }), 6, "another rate");
});

test("the controls play, pause and seek, within the song", () => {
  const { session, screen, player } = world();
  const one = player("One");
  screen.update(one, STATE);
  session.handlers.pause({});
  session.handlers.play({});
  session.handlers.seekforward({});
  session.handlers.seekbackward({ seekOffset: 30 });
  session.handlers.seekto({ seekTime: 99 });
  assert.deepEqual(one.heard, [
    { type: "pause" },
    { type: "play" },
    { type: "seek", position_ms: 22_000 },
    { type: "seek", position_ms: 0 },
    { type: "seek", position_ms: 59_500 },
  ]);
});

test("next and previous are available where the list has such tracks", () => {
  const { session, screen, player } = world();
  const one = player("One");
  screen.update(one, { ...STATE, list: { index: 1, count: 3 } });
  session.handlers.nexttrack({});
  session.handlers.previoustrack({});
  assert.deepEqual(one.heard, [
    { type: "track", by: 1 },
    { type: "track", by: -1 },
  ]);
  screen.update(one, { ...STATE, list: { index: 2, count: 3 } });
  assert.equal(session.handlers.nexttrack, null);
});

test("the player that sounds has the media session, keeps it during a pause, and releases it when closed", () => {
  const { session, screen, player } = world();
  const one = player("One");
  const two = player("Two");
  screen.update(one, STATE);
  screen.update(two, { ...STATE, state: "ready" });
  screen.update(one, { ...STATE, state: "paused" });
  assert.deepEqual([session.metadata.title, session.playbackState], ["One", "paused"]);
  screen.update(two, STATE);
  assert.equal(session.metadata.title, "Two");
  screen.release(one);
  assert.equal(session.metadata.title, "Two");
  screen.release(two);
  assert.deepEqual(
    [session.metadata, session.playbackState, session.position, session.handlers.play],
    [null, "none", null, null],
  );
});

test("a browser without media session is no error", () => {
  const { player } = world();
  new MediaSessionController(undefined, () => []).update(player("One"), STATE);
});
