// The system's media controls.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MediaSessionController } from "../../../extension/engine/playback/media_session.js";

const STATE = { state: "playing", position_ms: 12_000, duration_ms: 60_000, rate: 1, list: { index: 0, count: 1 } };

function world() {
  const session = {
    metadata: null,
    playbackState: "none",
    position: null,
    handlers: {},
    setActionHandler(name, handler) {
      if (name === "previoustrack" && handler === undefined) throw new TypeError();
      this.handlers[name] = handler;
    },
    setPositionState(state) {
      this.position = state ?? null;
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
  return { session, screen, player };
}

test("title, artist, artwork and position are the playing song's", () => {
  const { session, screen, player } = world();
  screen.update(player("One"), { ...STATE, rate: 2 });
  assert.deepEqual({ ...session.metadata }, { title: "One", artist: "A", album: "", artwork: [{ src: "data:," }] });
  assert.equal(session.playbackState, "playing");
  assert.deepEqual(session.position, { duration: 60, playbackRate: 2, position: 12 });
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
