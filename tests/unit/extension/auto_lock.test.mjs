// The lock of an idle wallet, by clocks that pause during sleep, jump, or are set back.
import assert from "node:assert/strict";
import { after, beforeEach, mock, test } from "node:test";
import { ask, code, core, fresh, FRIEND, ME, now, portMessages, wallet } from "./wallet_world.mjs";

const { permit } = await import("../../../extension/engine/provider/permits.js");
const { PRIVILEGES } = await import("../../../extension/background/privileges.js");
const provider = await import("../../../extension/engine/provider/provider.js");
const { python } = await import("../../../extension/engine/wallet_core.js");

const MINUTE = 60_000;
const SITE = { origin: "https://tunes.example", top: null };
const clocks = { wall: 1_700_000_000_000, steady: 1_000_000 };
mock.method(performance, "now", () => clocks.steady);
mock.method(Date, "now", () => clocks.wall);
/** Both clocks of an awake computer; what timers do is tested elsewhere. */
const pass = (ms) => {
  clocks.wall += ms;
  clocks.steady += ms;
};
/** Asleep: timers and the steady clock stand still. */
const sleep = (ms) => (clocks.wall += ms);
const ops = [];

beforeEach(async () => {
  await fresh();
  ops.length = 0;
  for (const [op, work] of Object.entries({
    "wallet.lock": () => ({ locked: true }),
    "wallet.words": () => ({}),
    "transaction.sign": core["transaction.sign"],
  })) {
    core[op] = (payload) => {
      ops.push(op);
      return work(payload);
    };
  }
});
after(() => ask("wallet.lock"));

const CASES = {
  "asleep past the time": [() => sleep(16 * MINUTE), true],
  "asleep for less": [() => sleep(14 * MINUTE), false],
  "asleep in parts": [() => [5, 5, 6].forEach((n) => sleep(n * MINUTE)), true],
  "awake for a part and asleep for the rest": [() => (pass(10 * MINUTE), sleep(6 * MINUTE)), true],
  "awake, with the clock set back a little each minute": [
    () => Array.from({ length: 16 }).forEach(() => (pass(MINUTE), (clocks.wall -= 59_000))),
    true,
  ],
  "set back by a day": [() => (clocks.wall -= 24 * 60 * MINUTE), true],
  "asleep for an hour and set back by one after it": [
    () => (sleep(60 * MINUTE), (clocks.wall -= 60 * MINUTE), pass(MINUTE)),
    false,
  ],
  "set back by a second": [() => (clocks.wall -= 1000), false],
  "set forward by an hour": [() => (clocks.wall += 60 * MINUTE), true],
};
for (const [name, [change, locks]] of Object.entries(CASES)) {
  test(`${name}: ${locks ? "locked" : "open"} at the next look`, async () => {
    change();
    assert.equal((await ask("wallet.status")).locked, locks);
    assert.equal(now.locked, locks);
  });
}

test("after sleep the first request gets a locked wallet, and does not restart the idle time", async () => {
  sleep(20 * MINUTE);
  await assert.rejects(ask("wallet.quote", { to: FRIEND, amount: "1" }), code("wallet.locked"));
  assert.equal((await ask("wallet.status")).locked, true);
  assert.equal(wallet.statusAt().wallet, "locked");
});

test("a fee that was shown before a short sleep expires", async () => {
  const { quote } = await ask("wallet.quote", { to: FRIEND, amount: "1" });
  sleep(3 * MINUTE);
  await assert.rejects(ask("wallet.send", { quote }), code("wallet.quote"));
});

test("after sleep the core drops its keys before the next operation", async () => {
  sleep(20 * MINUTE);
  await python("transaction.sign", { nonce: 1 });
  assert.deepEqual(ops, ["wallet.lock", "transaction.sign"]);
});

test("after sleep a site gets no account, and its signature waits for the password", async () => {
  await permit(SITE, { account: ME });
  provider.open(900, SITE);
  sleep(20 * MINUTE);
  await provider.onRequest(900, { id: 1, method: "eth_accounts", params: "[]" });
  await provider.onRequest(900, { id: 2, method: "eth_blockNumber", params: "[]" });
  const replies = portMessages
    .filter(({ port, message }) => port === 900 && message.type === "reply")
    .map(({ message }) => [message.ok, JSON.parse(message.body)]);
  assert.deepEqual(replies[0], [true, []]);
  assert.equal(replies[1][1].code, 4100);
  provider.close(900);
});

test("requests of a person keep the wallet open, also over midnight and a change of the clock", async () => {
  for (let hour = 0; hour < 12; hour++) {
    pass(10 * MINUTE);
    await ask("wallet.account.name", { index: 0, name: "Mine" });
  }
  assert.equal(now.locked, false);
});

test("the periodic requests of an open screen do not keep the wallet open", async () => {
  const READS =
    /^(wallet\.(accounts|contacts|decisions|listening|networks|permits|playing|sites|status|summary)|host\.status)$/;
  const reads = Object.entries(PRIVILEGES.wallet)
    .filter(([type, fields]) => READS.test(type) && Object.keys(fields).length === 0)
    .map(([type]) => type);
  assert.equal(reads.length, 11);
  for (const [type, fields] of [
    ...reads.map((read) => [read, {}]),
    ["wallet.points", { origin: SITE.origin, what: "look" }],
  ]) {
    await ask("wallet.unlock", { password: "x" });
    for (let minute = 0; minute < 16; minute++) {
      pass(MINUTE);
      await ask(type, fields).catch(() => undefined);
    }
    assert.equal(now.locked, true, type);
  }
});
