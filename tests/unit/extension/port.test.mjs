// Requests of the wallet's screens over a port that the browser may close.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.window = { addEventListener: () => {} };
globalThis.chrome = {};
const { PortRequests } = await import("../../../extension/ui/port.js");

/** A background that records messages while `connected`. */
function background() {
  const world = { connected: true, received: [] };
  const requests = new PortRequests((message) => {
    if (world.connected) world.received.push(message);
    return world.connected;
  });
  return { world, requests };
}

test("a response settles its request once, by its id", async () => {
  const { world, requests } = background();
  const [first, second] = [requests.request("wallet.status"), requests.request("wallet.send", { quote: "q" })];
  assert.deepEqual(world.received, [
    { id: 1, type: "wallet.status" },
    { id: 2, type: "wallet.send", quote: "q" },
  ]);
  requests.onResponse({ id: 2, ok: false, error: { code: "wallet.locked", message: "locked" } });
  requests.onResponse({ id: 2, ok: true });
  requests.onResponse({ id: 1, ok: true, result: { exists: true } });
  requests.onResponse({ id: 7, ok: true });
  await assert.rejects(second, { code: "wallet.locked" });
  assert.deepEqual(await first, { exists: true });
});

test("a repeatable request is sent again after the background was stopped", async () => {
  const { world, requests } = background();
  const response = requests.request("wallet.propose", { words: 12 });
  world.connected = false;
  requests.onClosed(false);
  const later = requests.request("wallet.status");
  world.connected = true;
  world.received.length = 0;
  requests.onOpened();
  assert.deepEqual(
    world.received.map(({ id, type }) => [id, type]),
    [
      [1, "wallet.propose"],
      [2, "wallet.status"],
    ],
  );
  requests.onResponse({ id: 1, ok: true, result: { mnemonic: "slow tide" } });
  requests.onResponse({ id: 2, ok: true });
  assert.deepEqual(await response, { mnemonic: "slow tide" });
  await later;
});

test("a request with an effect fails when the port closes, and is not sent again", async () => {
  for (const type of [
    "wallet.send",
    "wallet.create",
    "wallet.claim",
    "wallet.listening.put",
    "approval.answer",
    "wallet.replace",
    "wallet.account.add",
  ]) {
    const { world, requests } = background();
    const response = requests.request(type);
    requests.onClosed(false);
    world.received.length = 0;
    requests.onOpened();
    assert.deepEqual(world.received, []);
    await assert.rejects(response, { code: "internal", message: "closed" });
    world.connected = false;
    await assert.rejects(requests.request(type), { code: "internal", message: "closed" });
  }
});

test("every request fails where no port can be opened any more", async () => {
  const { requests } = background();
  const response = requests.request("wallet.status");
  requests.onClosed(true);
  await assert.rejects(response, { message: "closed" });
});
