/**
 * The player's commands over ports that close: none is lost, and none is sent twice without need.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { CommandSender } from "../../../extension/player/command_sender.js";

/** A sender and what its ports have got. */
function world() {
  const posted = [];
  const port = { isOpen: true };
  const sender = new CommandSender((command) => port.isOpen && posted.push(command) > 0);
  const got = () => posted.splice(0).map(({ type, by, position_ms }) => by ?? position_ms ?? type);
  return { sender, port, got };
}

test("commands wait for the background's first message, the latest of each kind in order", () => {
  const { sender, port, got } = world();
  port.isOpen = false;
  for (const command of [
    { type: "play" },
    { type: "seek", position_ms: 1 },
    { type: "track", by: 1 },
    { type: "pause" },
    { type: "track", by: 1 },
    { type: "seek", position_ms: 2 },
  ])
    sender.send(command);
  port.isOpen = true;
  sender.send({ type: "open" });
  assert.deepEqual(got(), []);
  sender.onMessage();
  assert.deepEqual(got(), [1, "pause", 1, 2, "open"]);
  sender.onMessage();
  assert.deepEqual(got(), []);
});

test("over an accepted port a command is sent at once", () => {
  const { sender, got } = world();
  sender.onMessage();
  sender.send({ type: "seek", position_ms: 5 });
  sender.send({ type: "pause" });
  assert.deepEqual(got(), [5, "pause"]);
});

test("a play or pause without a message after it is sent again over the next port, a counted seek is not", () => {
  const { sender, got } = world();
  sender.onMessage();
  sender.send({ type: "seek", position_ms: 5 });
  sender.send({ type: "pause" });
  sender.onClosed();
  got();
  sender.onMessage();
  assert.deepEqual(got(), ["pause"]);
  sender.onMessage();
  sender.onClosed();
  sender.onMessage();
  assert.deepEqual(got(), []);
});

test("a later press replaces one that may be lost", () => {
  const { sender, got } = world();
  sender.onMessage();
  sender.send({ type: "pause" });
  sender.onClosed();
  sender.send({ type: "play" });
  got();
  sender.onMessage();
  assert.deepEqual(got(), ["play"]);
});

test("a port that is refused before its first message takes no command with it", () => {
  const { sender, got } = world();
  sender.onMessage();
  sender.onClosed();
  sender.send({ type: "pause" });
  sender.onClosed();
  assert.deepEqual(got(), []);
  sender.onMessage();
  assert.deepEqual(got(), ["pause"]);
});

test("requests that come again with the next port are sent over an open one only", () => {
  const { sender, port, got } = world();
  sender.send({ type: "retry" });
  assert.deepEqual(got(), ["retry"]);
  port.isOpen = false;
  sender.send({ type: "retry" });
  sender.send({ type: "prepare_seek", position_ms: 1 });
  port.isOpen = true;
  sender.onMessage();
  assert.deepEqual(got(), []);
});
