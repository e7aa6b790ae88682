// The link to the engine: messages are queued for its document, and a restarted engine gets the present state.
import assert from "node:assert/strict";
import { test } from "node:test";

let documents = 0;
Object.assign(globalThis, {
  location: { protocol: "chrome-extension:" },
  chrome: { runtime: {}, offscreen: { hasDocument: async () => false, createDocument: async () => void documents++ } },
});
const { EngineLink } = await import("../../../extension/background/engine_link.js");

const enginePort = () => {
  const sent = [];
  return { sent, postMessage: (message) => sent.push(message.type) };
};

test("messages are queued until the engine is connected, and its document is made once", async () => {
  const link = new EngineLink(() => [{ type: "show" }]);
  link.send({ type: "event" });
  link.send({ type: "from" });
  await new Promise(setImmediate);
  assert.equal(documents, 1);
  const port = enginePort();
  link.attach(port);
  link.send({ type: "closed" });
  assert.deepEqual(port.sent, ["event", "from", "closed"]);
});

test("a restarted engine gets the present state and the queued requests, no other messages", () => {
  const link = new EngineLink(() => [{ type: "show" }, { type: "opened" }]);
  const [first, second] = [enginePort(), enginePort()];
  link.attach(first);
  assert.equal(link.detach(second), false);
  assert.ok(link.detach(first));
  assert.ok(link.isLost);
  for (const type of ["hide", "command", "event", "from"]) link.send({ type });
  link.attach(second);
  assert.equal(link.isLost, false);
  assert.deepEqual(second.sent, ["show", "opened", "command", "from"]);
});
