// Which document may play which stream: the one that the content script gave its key to.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { PlayerFrames } from "../../../extension/background/frames.js";

const at = (frameId, id = 3) => ({ frameId, tab: { id } });
let frames;

beforeEach(() => {
  frames = new PlayerFrames();
  frames.register("k1", "stream 1", 3);
});

test("the frame that was given the key has the stream, and has it again after its port closed", () => {
  assert.equal(frames.enter("k1", at(7)), "stream 1");
  frames.leave("k1", at(7));
  assert.equal(frames.enter("k1", at(7)), "stream 1");
});

test("a second frame of a stream is refused: in the same page, in another one, in a tab of its own, before and after the first port closed", () => {
  assert.equal(frames.enter("k1", at(7)), "stream 1");
  for (const sender of [at(8), at(7, 4), at(0), at(undefined), { frameId: 8 }, {}])
    assert.equal(frames.enter("k1", sender), null, JSON.stringify(sender));
  frames.leave("k1", at(8));
  assert.equal(frames.enter("k1", at(7)), null, "one port at a time");
  frames.leave("k1", at(7));
  assert.equal(frames.enter("k1", at(8)), null);
});

test("without the key there is no stream, whatever else is known of it", () => {
  for (const key of ["", "stream 1", "k", "K1", "__proto__", "constructor"])
    assert.equal(frames.enter(key, at(7)), null, key);
  for (const sender of [at(7, 4), at(0), {}]) assert.equal(frames.enter("k1", sender), null);
  assert.equal(frames.enter("k1", at(7)), "stream 1", "a stranger's try takes nothing away");
});

test("a frame that loads anew has another key, and the old one is worth nothing", () => {
  assert.equal(frames.enter("k1", at(7)), "stream 1");
  frames.register("k2", "stream 1", 3);
  frames.leave("k1", at(7));
  assert.equal(frames.enter("k1", at(7)), null);
  assert.equal(frames.enter("k2", at(9)), "stream 1");
});

test("a frame whose page shows it again after the background was restarted comes back with its key, for the stream that it shows now", () => {
  assert.equal(frames.enter("k1", at(7)), "stream 1");
  frames.register("k1", "stream 2", 3);
  frames.leave("k1", at(7));
  assert.equal(frames.enter("k1", at(8)), null);
  assert.equal(frames.enter("k1", at(7)), "stream 2");
});

test("a key of another tab cannot be taken over, and what is hidden is forgotten", () => {
  frames.register("k1", "stream 9", 4);
  assert.equal(frames.enter("k1", at(7, 4)), null);
  assert.equal(frames.enter("k1", at(7)), "stream 1");
  frames.forget("stream 1");
  frames.leave("k1", at(7));
  assert.equal(frames.enter("k1", at(7)), null);
});
