// Commands of a page: allowed in order, started in order, done when all before are done.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandQueue } from "../../../extension/engine/playback/command_queue.js";

const defer = () => {
  const it = {};
  it.promise = new Promise((resolve, reject) => Object.assign(it, { resolve, reject }));
  return it;
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a pause waits for the permission of the play before it, not for its end", async () => {
  const wishes = new CommandQueue();
  const allowed = defer();
  const sounded = defer();
  const begun = [];
  const play = wishes.execute(
    1,
    () => allowed.promise,
    () => (begun.push("play"), sounded.promise),
  );
  const pause = wishes.execute(
    2,
    () => true,
    () => void begun.push("pause"),
  );
  await turn();
  assert.deepEqual([begun, wishes.isAsking], [[], true]);
  allowed.resolve(true);
  await pause;
  assert.deepEqual([begun, wishes.isAsking, wishes.done], [["play", "pause"], false, 0]);
  sounded.resolve();
  await play;
  assert.equal(wishes.done, 2);
});

test("a command that is not allowed is denied by its number, and done", async () => {
  const wishes = new CommandQueue();
  const acts = [];
  await wishes.execute(
    1,
    async () => false,
    (may) => acts.push(may),
  );
  assert.deepEqual([wishes.denied, wishes.done, acts], [1, 1, [false]]);
  await wishes.execute(
    2,
    async () => true,
    (may) => acts.push(may),
  );
  assert.deepEqual([wishes.denied, wishes.done], [1, 2]);
});

test("a command that fails does not stop those after it", async () => {
  const wishes = new CommandQueue();
  await assert.rejects(
    wishes.execute(
      1,
      () => Promise.reject(new Error("no")),
      () => undefined,
    ),
    /no/,
  );
  await assert.rejects(
    wishes.execute(
      2,
      () => true,
      () => Promise.reject(new Error("act")),
    ),
    /act/,
  );
  await wishes.execute(
    3,
    () => true,
    () => undefined,
  );
  assert.deepEqual([wishes.isAsking, wishes.done], [false, 3]);
});
