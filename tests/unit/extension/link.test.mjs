// The channel between background and engine in one page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalPort } from "../../../extension/shared/link.js";

test("messages arrive as copies, in order, after the sender's code, and wait for a listener", async () => {
  const [one, other] = [new LocalPort(), new LocalPort()];
  one.connect(other);
  const received = [];
  const message = { number: 1 };
  one.postMessage(message);
  message.number = 2;
  one.postMessage(message);
  other.onmessage = ({ data }) => received.push(data.number);
  one.postMessage({ number: 3 });
  assert.deepEqual(received, []);
  await null;
  assert.deepEqual(received, [1, 2, 3]);
  one.onmessage = ({ data }) => received.push(data);
  other.postMessage("back");
  await null;
  assert.deepEqual(received, [1, 2, 3, "back"]);
});
