// Requests of the wallet's screens over a port that the browser may close under them.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.window = { addEventListener: () => {} };
globalThis.chrome = {};
const { Requests } = await import("../../../extension/ui/port.js");

/** A background that hears, and is there or not. */
function background() {
  const world = { there: true, heard: [] };
  const requests = new Requests((message) => {
    if (world.there) world.heard.push(message);
    return world.there;
  });
  return { world, requests };
}

test("an answer settles its request once, by its number", async () => {
  const { world, requests } = background();
  const [first, second] = [requests.ask("wallet.status"), requests.ask("wallet.send", { quote: "q" })];
  assert.deepEqual(world.heard, [
    { id: 1, type: "wallet.status" },
    { id: 2, type: "wallet.send", quote: "q" },
  ]);
  requests.hear({ id: 2, ok: false, error: { code: "wallet.locked", message: "locked" } });
  requests.hear({ id: 2, ok: true });
  requests.hear({ id: 1, ok: true, result: { exists: true } });
  requests.hear({ id: 7, ok: true });
  await assert.rejects(second, { code: "wallet.locked" });
  assert.deepEqual(await first, { exists: true });
});

test("a background that is stopped under a question hears it again, and the same words are proposed", async () => {
  const { world, requests } = background();
  const asked = requests.ask("wallet.propose", { words: 12 });
  world.there = false;
  requests.down(false);
  const later = requests.ask("wallet.status");
  world.there = true;
  world.heard.length = 0;
  requests.up();
  assert.deepEqual(
    world.heard.map(({ id, type }) => [id, type]),
    [
      [1, "wallet.propose"],
      [2, "wallet.status"],
    ],
  );
  requests.hear({ id: 1, ok: true, result: { mnemonic: "slow tide" } });
  requests.hear({ id: 2, ok: true });
  assert.deepEqual(await asked, { mnemonic: "slow tide" });
  await later;
});

test("what acts is not done twice: it fails where the port closes, and is not sent again", async () => {
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
    const asked = requests.ask(type);
    requests.down(false);
    world.heard.length = 0;
    requests.up();
    assert.deepEqual(world.heard, []);
    await assert.rejects(asked, { code: "internal", message: "closed" });
    world.there = false;
    await assert.rejects(requests.ask(type), { code: "internal", message: "closed" });
  }
});

test("where no port opens any more every request fails", async () => {
  const { requests } = background();
  const asked = requests.ask("wallet.status");
  requests.down(true);
  await assert.rejects(asked, { message: "closed" });
});
