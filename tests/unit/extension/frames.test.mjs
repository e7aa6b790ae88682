// Access of player frames to streams by their keys.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { PlayerFrames } from "../../../extension/background/frames.js";

const at = (frameId, id = 3) => ({ frameId, tab: { id } });
let frames;

beforeEach(() => {
  frames = new PlayerFrames();
  frames.register("k1", "stream 1", 3);
});

test("a frame with the key gets its stream, also after its port was closed", () => {
  assert.equal(frames.enter("k1", at(7)), "stream 1");
  frames.leave("k1", at(7));
  assert.equal(frames.enter("k1", at(7)), "stream 1");
});

test("a second frame with the key is refused, in any page or tab, also after the first port was closed", () => {
  assert.equal(frames.enter("k1", at(7)), "stream 1");
  for (const sender of [at(8), at(7, 4), at(0), at(undefined), { frameId: 8 }, {}])
    assert.equal(frames.enter("k1", sender), null, JSON.stringify(sender));
  frames.leave("k1", at(8));
  assert.equal(frames.enter("k1", at(7)), null, "one port at a time");
  frames.leave("k1", at(7));
  assert.equal(frames.enter("k1", at(8)), null);
});

test("a frame without the key gets no stream", () => {
  for (const key of ["", "stream 1", "k", "K1", "__proto__", "constructor"])
    assert.equal(frames.enter(key, at(7)), null, key);
  for (const sender of [at(7, 4), at(0), {}]) assert.equal(frames.enter("k1", sender), null);
  assert.equal(frames.enter("k1", at(7)), "stream 1", "a stranger's try takes nothing away");
});

test("after a new load the old key is refused", () => {
  assert.equal(frames.enter("k1", at(7)), "stream 1");
  frames.register("k2", "stream 1", 3);
  frames.leave("k1", at(7));
  assert.equal(frames.enter("k1", at(7)), null);
  assert.equal(frames.enter("k2", at(9)), "stream 1");
});

test("after a restart of the background a frame keeps its key, for its present stream", () => {
  assert.equal(frames.enter("k1", at(7)), "stream 1");
  frames.register("k1", "stream 2", 3);
  frames.leave("k1", at(7));
  assert.equal(frames.enter("k1", at(8)), null);
  assert.equal(frames.enter("k1", at(7)), "stream 2");
});

test("a key cannot be registered by another tab, and is removed with its stream", () => {
  frames.register("k1", "stream 9", 4);
  assert.equal(frames.enter("k1", at(7, 4)), null);
  assert.equal(frames.enter("k1", at(7)), "stream 1");
  frames.forget("stream 1");
  frames.leave("k1", at(7));
  assert.equal(frames.enter("k1", at(7)), null);
});
