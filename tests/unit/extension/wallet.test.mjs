// The engine's wallet: the vault, accounts, sending, and the lines of activity.
import assert from "node:assert/strict";
import { after, beforeEach, mock, test } from "node:test";
import { Problem } from "../../../extension/shared/problem.js";
import {
  ask,
  hostRequests,
  code,
  core,
  FRIEND,
  fresh,
  host,
  ME,
  now,
  sessionFor,
  state,
  storage,
  TOKEN,
  wallet,
} from "./wallet_world.mjs";

const { account } = await import("../../../extension/engine/wallet/points.js");

beforeEach(fresh);
// The time to the lock would keep this process waiting.
after(() => ask("wallet.lock"));
const lines = async () => (await ask("wallet.summary")).activity;
const quoted = (fields = {}) => ask("wallet.quote", { to: FRIEND, amount: "30", ...fields });

test("passwords and recovery words are not stored", async () => {
  core["wallet.words"] = ({ password }) => ({ mnemonic: `legal winner ${password}` });
  core["wallet.password"] = () => ({ vault: "VAULT2" });
  await ask("wallet.words", { password: "open sesame" });
  await ask("wallet.password", { password: "open sesame", fresh: "closed sesame" });
  assert.equal(storage.vault, "VAULT2");
  assert.doesNotMatch(JSON.stringify(storage), /sesame|legal|words/);
});

test("a vault of an older format is replaced when it is opened", async () => {
  core["wallet.open"] = () => ({ account: ME, locked: false, vault: "NEWER" });
  await ask("wallet.unlock", { password: "x" });
  assert.equal(storage.vault, "NEWER");
});

test("the wallet locks after the idle time, which periodic requests of a screen do not restart", async () => {
  // The real timer ends before the pretended ones begin.
  await ask("wallet.lock");
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  try {
    await ask("wallet.unlock", { password: "x" });
    await ask("wallet.autolock", { seconds: 60 });
    mock.timers.tick(59_000);
    await ask("wallet.playing");
    await ask("wallet.status");
    mock.timers.tick(1_000);
    assert.equal(now.locked, true);
  } finally {
    mock.timers.reset();
  }
  await assert.rejects(ask("wallet.autolock", { seconds: 0 }), code("message.schema"));
  assert.equal((await ask("wallet.status")).auto_lock_s, 60);
  await ask("wallet.autolock", { seconds: 900 });
});

test("accounts are added, named and used; a restored wallet has the first one", async () => {
  const { index, address } = await ask("wallet.account.add", { name: "  Tips\u202e  " });
  assert.deepEqual([index, address], [1, `0x${"2".repeat(40)}`]);
  assert.equal((await ask("wallet.status")).address, address);
  assert.deepEqual(
    (await ask("wallet.accounts")).accounts.map(({ name }) => name),
    ["", "Tips"],
  );
  await ask("wallet.account.use", { index: 0 });
  assert.equal(storage.account, ME);
  await assert.rejects(ask("wallet.account.use", { index: 7 }), code("message.schema"));
  await ask("wallet.create", { mnemonic: "words", password: "a good password", replace: true });
  assert.equal(state.accounts.length, 1);
});

test("a wallet of a version with one account has it", async () => {
  assert.deepEqual(storage.accounts, [{ index: 0, name: "", address: ME }]);
});

test("the address book has valid addresses, with one name each", async () => {
  await ask("wallet.contact.save", { address: FRIEND, name: "Ada" });
  await ask("wallet.contact.save", { address: FRIEND, name: "Ada L." });
  assert.deepEqual((await ask("wallet.contacts")).contacts, [{ address: FRIEND, name: "Ada L." }]);
  await assert.rejects(ask("wallet.contact.save", { address: "0x12", name: "Bob" }), code("wallet.recipient"));
  await assert.rejects(ask("wallet.contact.save", { address: FRIEND, name: " " }), code("message.schema"));
  assert.equal((await quoted()).name, "Ada L.");
  await ask("wallet.contact.remove", { address: FRIEND });
  assert.deepEqual((await ask("wallet.contacts")).contacts, []);
});

test("the network is one of the host's", async () => {
  assert.equal((await ask("wallet.networks")).chain_id, 31337);
  await ask("wallet.network", { chain_id: 5 });
  assert.equal((await ask("wallet.networks")).chain_id, 5);
  await lines();
  assert.ok(hostRequests.filter(({ op }) => op === "summary").every(({ chain_id }) => chain_id === 5));
  await assert.rejects(ask("wallet.network", { chain_id: 1 }), code("message.schema"));
  await ask("wallet.network", { chain_id: 31337 });
});

test("a network that is added later does not become the one in use, whatever its number", async () => {
  state.chain_id = null;
  const { status } = host;
  assert.equal((await ask("wallet.networks")).chain_id, 31337);
  host.status = async (hostRequests) => {
    const told = await status(hostRequests);
    return { ...told, networks: [{ ...told.networks[0], chain_id: 1 }, ...told.networks] };
  };
  assert.equal((await ask("wallet.networks")).chain_id, 31337);
  assert.equal(storage.chain_id, 31337);
  host.status = status;
});

test("the host gets the offered network that was shown, and nothing that it would refuse", async (t) => {
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  let network;
  globalThis.fetch = async () => new Response(JSON.stringify({ network }));
  const added = [];
  host.network = (request) => (added.push(request.network), { networks: [] });
  const address = `0x${"11".repeat(20)}`;
  const good = {
    chain_id: 9,
    rpc: "wss://good.example\\@evil.example",
    token: address,
    settlement: address,
    registry: address,
    schedule: { length: 60 },
  };
  const offer = () => ask("network.offer", { origin: `https://radio${Math.random()}.example` });
  network = good;
  const told = await offer();
  assert.equal(told.node, "wss://good.example");
  await ask("network.add", { offer: told.offer });
  assert.equal(new URL(added[0].rpc).host, "good.example");
  assert.doesNotMatch(added[0].rpc, /\\/);
  assert.deepEqual(added[0].schedule, { length: 60 });
  const deep = JSON.parse("[".repeat(3000) + "]".repeat(3000));
  for (network of [
    { ...good, more: deep },
    { ...good, schedule: { length: { a: 1 } } },
    { ...good, more: null },
    Object.fromEntries(Array.from({ length: 40 }, (_, n) => [n, 1])),
  ])
    await assert.rejects(offer(), code("station.answer"));
});

test("a quote is signed as it was shown, once", async () => {
  const signed = [];
  core["transaction.sign"] = (call) => (signed.push(call), { raw: "0x02ff", transaction: "0xaaff" });
  const quote = await quoted();
  assert.deepEqual(
    [quote.amount_wei, quote.left_wei, quote.most_wei, quote.first, quote.own],
    ["30", "970", "540", true, false],
  );
  assert.equal(signed.length, 0);
  assert.deepEqual(await ask("wallet.send", { quote: quote.quote }), { transaction: "0xaaff" });
  assert.deepEqual(signed, [
    {
      index: 0,
      chain_id: 31337,
      nonce: 4,
      gas: 60_000,
      tip_wei: "1",
      max_fee_wei: "9",
      to: TOKEN,
      data: `0xa9${FRIEND}30`,
    },
  ]);
  await assert.rejects(ask("wallet.send", { quote: quote.quote }), code("wallet.quote"));
  assert.equal((await quoted()).first, false);
});

test("another quote replaces the first, and an invented one sends nothing", async () => {
  const first = await quoted();
  const second = await quoted({ amount: "40" });
  await assert.rejects(ask("wallet.send", { quote: first.quote }), code("wallet.quote"));
  await assert.rejects(ask("wallet.send", { quote: second.quote }), code("wallet.quote"));
  await assert.rejects(ask("wallet.send", { quote: "x" }), code("wallet.quote"));
  assert.ok(!hostRequests.some(({ op }) => op === "send"));
});

test("a transfer that cannot succeed is refused before the confirmation", async () => {
  await assert.rejects(quoted({ to: "0x12" }), code("wallet.recipient"));
  await assert.rejects(quoted({ to: TOKEN }), code("wallet.recipient"));
  await assert.rejects(quoted({ amount: "1001" }), code("wallet.funds"));
  await quoted({ amount: "1000" });
  const { simulate } = host;
  host.simulate = () => ({ ...simulate(), coin_wei: "539" });
  await assert.rejects(quoted(), code("wallet.fee"));
  host.simulate = () => {
    throw new Problem("chain.reverted", { reason: "paused" });
  };
  await assert.rejects(quoted(), code("chain.reverted"));
  host.summary = () => ({ balance_wei: null });
  await assert.rejects(quoted(), code("chain.unreachable"));
  await ask("wallet.lock");
  await assert.rejects(quoted(), code("wallet.locked"));
});

test("a transfer is pending until the chain has it, and then has its fee", async () => {
  const { quote } = await quoted();
  await ask("wallet.send", { quote });
  let [line] = await lines();
  assert.deepEqual(
    [line.kind, line.state, line.amount_wei, line.other, line.transaction],
    ["sent", "pending", "30", FRIEND, "0xaa4"],
  );
  host.transaction = () => ({ state: "confirmed", fee_wei: "290", time_s: 99 });
  [line] = await lines();
  assert.deepEqual([line.state, line.fee_wei, line.time_s], ["claimed", "290", 99]);
  host.transaction = () => assert.fail("it is done");
  await lines();
});

test("a transfer that the network does not have is sent again with the same bytes", async () => {
  const { quote } = await quoted();
  host.send = () => {
    throw new Problem("chain.unreachable");
  };
  assert.deepEqual(await ask("wallet.send", { quote }), { transaction: "0xaa4" });
  const offered = [];
  host.transaction = () => ({ state: "unknown" });
  host.send = ({ raw }) => offered.push(raw);
  assert.equal((await lines())[0].state, "pending");
  assert.deepEqual(offered, ["0x024"]);
});

const against = (reason) => () => {
  throw new Problem("chain.reverted", { reason });
};

for (const reason of [
  "max fee per gas less than block base fee",
  "nonce too low",
  "replacement transaction underpriced",
  "insufficient funds for gas",
  "txpool is full",
]) {
  test(`a node's refusal ends no transfer: ${reason}`, async () => {
    const { quote } = await quoted();
    host.send = against(reason);
    host.transaction = () => ({ state: "unknown" });
    assert.deepEqual(await ask("wallet.send", { quote }), { transaction: "0xaa4" });
    for (let look = 0; look < 3; look++) {
      const [line] = await lines();
      assert.deepEqual([line.state, line.code, line.reason, line.replaceable], ["pending", null, reason, true]);
    }
    host.transaction = () => ({ state: "pending" });
    await lines();
    assert.equal((await lines())[0].reason, null);
    host.transaction = () => ({ state: "confirmed", fee_wei: "290", time_s: 99 });
    const [line] = await lines();
    assert.deepEqual([line.state, line.fee_wei, line.reason], ["claimed", "290", null]);
  });
}

test("a refused resend, a timeout and an invalid response leave a transfer pending", async () => {
  const { quote } = await quoted();
  await ask("wallet.send", { quote });
  for (const answer of [
    () => ({ state: "unknown" }),
    against("nonce too low"),
    () => {
      throw new Problem("chain.mismatch");
    },
    () => ({}),
    () => ({ state: "weather" }),
  ]) {
    host.transaction = answer;
    host.send = against("already known");
    assert.equal((await lines())[0].state, "pending");
  }
  host.transaction = () => ({ state: "confirmed", fee_wei: "1", time_s: 9 });
  assert.equal((await lines())[0].state, "claimed");
});

test("a transfer is queried by account and nonce, and ends when another wallet's transaction has used the nonce", async () => {
  const { quote } = await quoted();
  await ask("wallet.send", { quote });
  const looked = [];
  host.transaction = (request) => (looked.push(request), { state: "replaced", by: "0xother" });
  const [line] = await lines();
  assert.deepEqual(
    [line.state, line.code, line.by, line.fee_wei, line.replaceable],
    ["refused", "transfer.replaced", "0xother", null, false],
  );
  assert.deepEqual([looked[0].account, looked[0].nonce, looked[0].transaction], [ME, 4, "0xaa4"]);
  host.transaction = () => assert.fail("it is done");
  await lines();
});

test("several pending transfers have a nonce each, also where the node does not have the first", async () => {
  for (const nonce of [4, 5, 6]) {
    const { quote } = await quoted();
    assert.deepEqual(await ask("wallet.send", { quote }), { transaction: `0xaa${nonce}` });
  }
  host.transaction = ({ nonce }) =>
    nonce === 5 ? { state: "confirmed", fee_wei: "1", time_s: 9 } : { state: "unknown" };
  const offered = [];
  host.send = ({ raw }) => (offered.push(raw), {});
  const states = (await lines()).map(({ transaction, state: standing }) => [transaction, standing]);
  assert.deepEqual(states.sort(), [
    ["0xaa4", "pending"],
    ["0xaa5", "claimed"],
    ["0xaa6", "pending"],
  ]);
  assert.deepEqual(offered.sort(), ["0x024", "0x026"]);
});

test("a quote whose nonce another transfer has used in the meantime is not signed", async () => {
  const { dispatch } = await import("../../../extension/engine/wallet/transfers.js");
  const { quote } = await quoted();
  await dispatch({ index: 0, chain_id: 31337, nonce: 4 }, { account: ME, to: FRIEND, amount_wei: "1", most_wei: "1" });
  await assert.rejects(ask("wallet.send", { quote }), code("wallet.quote"));
});

/** A transfer under way, and the core that tells offers of one number apart by their fee. */
async function underWay() {
  const signed = [];
  core["transaction.sign"] = (call) => (
    signed.push(call),
    { raw: `0x02${call.nonce}${call.max_fee_wei}`, transaction: `0xaa${call.nonce}-${call.max_fee_wei}` }
  );
  host.send = () => ({});
  host.simulate = () => ({
    nonce: 5,
    gas: 21_000,
    tip_wei: "2",
    max_fee_wei: "10",
    fee_wei: "3",
    most_wei: "5",
    coin_wei: "10000000",
  });
  const { quote } = await ask("wallet.quote", { to: FRIEND, amount: "30" });
  const { transaction } = await ask("wallet.send", { quote });
  return { signed, transaction };
}

test("speeding up sends the same call with the same nonce and a higher fee: a tenth more, and the market's fee", async () => {
  const { signed, transaction } = await underWay();
  const quote = await ask("wallet.replace", { transaction, how: "faster" });
  assert.deepEqual(
    [signed.length, quote.most_wei, quote.before_wei, quote.amount_wei, quote.cancels],
    [1, String(21_000 * 13), "5", "30", false],
  );
  const second = await ask("wallet.send", { quote: quote.quote });
  assert.deepEqual(signed[1], { ...signed[0], tip_wei: "3", max_fee_wei: "13" });
  host.simulate = () => ({ nonce: 5, gas: 21_000, tip_wei: "7", max_fee_wei: "100", coin_wei: "10000000" });
  const market = await ask("wallet.replace", { transaction: second.transaction, how: "faster" });
  await ask("wallet.send", { quote: market.quote });
  assert.deepEqual([signed[2].nonce, signed[2].tip_wei, signed[2].max_fee_wei], [5, "7", "100"]);
  assert.equal((await lines()).length, 1);
  await assert.rejects(ask("wallet.replace", { transaction, how: "faster" }), code("transfer.settled"));
});

test("the transaction that a block has is the transfer, also the first one after speeding up", async () => {
  const { transaction } = await underWay();
  const { quote } = await ask("wallet.replace", { transaction, how: "faster" });
  await ask("wallet.send", { quote });
  // The newest is asked first: its number is taken, by one that is the wallet's own.
  host.transaction = (request) =>
    request.transaction === transaction ? { state: "pending" } : { state: "replaced", by: transaction };
  assert.equal((await lines())[0].state, "pending");
  host.transaction = (request) =>
    request.transaction === transaction
      ? { state: "confirmed", fee_wei: "4", time_s: 9 }
      : { state: "replaced", by: transaction };
  const [line] = await lines();
  assert.deepEqual([line.state, line.transaction, line.fee_wei], ["claimed", transaction, "4"]);
});

for (const [winner, shown, reason] of [
  ["cancel", "refused", "transfer.cancelled"],
  ["first", "claimed", null],
]) {
  test(`a cancellation is an empty call to the own account with the same nonce, and the block decides: ${winner}`, async () => {
    const { signed, transaction } = await underWay();
    const quote = await ask("wallet.replace", { transaction, how: "cancel" });
    assert.equal(quote.cancels, true);
    const cancelling = await ask("wallet.send", { quote: quote.quote });
    assert.deepEqual(
      [signed[1].nonce, signed[1].to, signed[1].data, signed[1].value_wei, signed[1].gas],
      [5, ME, "0x", "0", 21_000],
    );
    const [waits] = await lines();
    assert.deepEqual([waits.state, waits.how, waits.replaceable], ["pending", "cancel", true]);
    const mined = winner === "cancel" ? cancelling.transaction : transaction;
    host.transaction = (request) =>
      request.transaction === mined
        ? { state: "confirmed", fee_wei: "4", time_s: 9 }
        : { state: "replaced", by: mined };
    const [line] = await lines();
    assert.deepEqual([line.state, line.code, line.transaction], [shown, reason, mined]);
    await assert.rejects(
      ask("wallet.replace", { transaction: line.transaction, how: "cancel" }),
      code("transfer.settled"),
    );
  });
}

test("a pending transfer is followed after a restart, with all its transactions", async () => {
  const { transaction } = await underWay();
  const { quote } = await ask("wallet.replace", { transaction, how: "cancel" });
  await ask("wallet.send", { quote });
  // All that a restarted browser has.
  state.sent = structuredClone(storage.sent);
  host.transaction = (request) =>
    request.transaction === transaction ? { state: "confirmed", fee_wei: "4", time_s: 9 } : { state: "unknown" };
  assert.deepEqual(
    (await lines()).map((line) => [line.state, line.transaction]),
    [["claimed", transaction]],
  );
  assert.doesNotMatch(JSON.stringify(storage.sent), /"raw":"0x/);
});

test("a transfer stored by a version without replacements is followed too", async () => {
  state.sent = [
    {
      transaction: "0xold",
      raw: "0x02old",
      chain_id: 31337,
      account: ME,
      to: FRIEND,
      amount_wei: "1",
      most_wei: "1",
      time_s: 1,
      state: "pending",
      fee_wei: null,
      reason: null,
    },
  ];
  const offered = [];
  host.send = ({ raw }) => (offered.push(raw), {});
  host.transaction = () => ({ state: "unknown" });
  assert.deepEqual(
    (await lines()).map((line) => [line.state, line.replaceable]),
    [["pending", false]],
  );
  assert.deepEqual(offered, ["0x02old"]);
  await assert.rejects(ask("wallet.replace", { transaction: "0xold", how: "faster" }), code("transfer.settled"));
});

test("a replacement that cannot be paid, and one of a locked wallet, are refused before anything is signed", async () => {
  const { signed, transaction } = await underWay();
  host.simulate = () => ({ nonce: 5, gas: 21_000, tip_wei: "2", max_fee_wei: "10", coin_wei: "10" });
  await assert.rejects(ask("wallet.replace", { transaction, how: "faster" }), code("wallet.fee"));
  await assert.rejects(ask("wallet.replace", { transaction, how: "sideways" }), code("message.schema"));
  await ask("wallet.lock");
  await assert.rejects(ask("wallet.replace", { transaction, how: "faster" }), code("wallet.locked"));
  assert.equal(signed.length, 1);
});

test("pending transfers stay stored, however many follow", async () => {
  const old = Array.from({ length: 300 }, (_, n) => ({
    transaction: `0xold${n}`,
    account: ME,
    chain_id: 31337,
    nonce: n - 300,
    to: FRIEND,
    amount_wei: "1",
    most_wei: "1",
    time_s: n,
    state: n === 299 ? "pending" : "confirmed",
    offers: [],
    fee_wei: null,
    reason: null,
  }));
  state.sent = old;
  const { quote } = await quoted();
  await ask("wallet.send", { quote });
  assert.equal(state.sent.length, 201);
  assert.ok(state.sent.some(({ transaction }) => transaction === "0xold299"));
});

test("a transfer that fails in its block has the state failed and its fee", async () => {
  const { quote } = await quoted();
  await ask("wallet.send", { quote });
  host.transaction = () => ({ state: "failed", fee_wei: "290", time_s: 99 });
  const [line] = await lines();
  assert.deepEqual([line.state, line.fee_wei, line.code], ["refused", "290", "chain.reverted"]);
});

test("received transfers are in the list; rewards and own transfers are listed once", async () => {
  const receipt = {
    server: FRIEND,
    epoch: 3,
    payee: ME,
    amount_wei: "5",
    content: FRIEND,
    title: "Song",
    station: "radio.example",
    state: "claimed",
    due_s: 50,
    transaction: "0xclaim",
  };
  host.summary = () => ({
    balance_wei: "1000",
    today_wei: "7",
    totals: { pending_wei: "1", claimable_wei: "2", claimed_wei: "5" },
    receipts: [receipt],
    activity: [],
    epochs: [],
  });
  const { quote } = await quoted();
  await ask("wallet.send", { quote });
  const from = { from: FRIEND, to: ME, block: 1, time_s: 10 };
  host.transfers = () => ({
    transfers: [
      { ...from, transaction: "0xgift", amount_wei: "9" },
      { ...from, transaction: "0xclaim", amount_wei: "5" },
      { from: ME, to: FRIEND, block: 2, time_s: 11, transaction: "0xaa4", amount_wei: "30" },
    ],
  });
  const summary = await ask("wallet.summary");
  assert.deepEqual([summary.today_wei, summary.pending_wei, summary.claimable_wei], ["7", "1", "2"]);
  assert.deepEqual(
    summary.activity.map(({ kind, transaction }) => [kind, transaction]).sort(),
    [
      ["received", "0xgift"],
      ["sent", "0xaa4"],
      [undefined, "0xclaim"],
    ].sort(),
  );
});

test("an unknown balance is null, not zero", async () => {
  const { summary } = host;
  host.summary = () => ({ ...summary(), balance_wei: null });
  assert.equal((await ask("wallet.summary")).spendable_wei, null);
});

test("a site with a play is reported to the host once, without a permission", async () => {
  host.site = () => ({});
  for (const origin of ["https://radio.example", "https://radio.example", "https://other.example"])
    wallet.reportSite(origin);
  assert.deepEqual(
    hostRequests.map(({ op, origin }) => [op, origin]),
    [
      ["site", "https://radio.example"],
      ["site", "https://other.example"],
    ],
  );
  assert.ok(hostRequests.every((request) => !("state" in request) && !("day_wei" in request)));
});

test("a site that could not be reported is reported again", async () => {
  host.site = () => {
    throw new Problem("host.gone");
  };
  wallet.reportSite("https://third.example");
  await new Promise((resolve) => setImmediate(resolve));
  wallet.reportSite("https://third.example");
  assert.equal(hostRequests.length, 2);
  await new Promise((resolve) => setImmediate(resolve));
});

test("the plays of a site are paused before its permission is withdrawn", async () => {
  const order = [];
  now.pauseSite = async (origin) => void order.push(`halt ${origin}`);
  host.site = ({ state: standing }) => (order.push(standing), {});
  for (const standing of ["paused", "revoked", "allowed"])
    await ask("wallet.site", { origin: "https://radio.example", state: standing });
  assert.deepEqual(order, ["halt https://radio.example", "paused", "halt https://radio.example", "revoked", "allowed"]);
});

test("a budget is exact, and an empty text is zero", async () => {
  const told = [];
  host.site = (request) => (told.push(request), {});
  for (const budget of ["5", "0", "", "0.0", null])
    await ask("wallet.site", { origin: "https://radio.example", budget });
  assert.deepEqual(
    told.map(({ day_wei }) => day_wei),
    ["5", "0", "0", "0", null],
  );
  await ask("wallet.site", { origin: "https://radio.example", state: "paused" });
  assert.deepEqual([told.at(-1).state, told.at(-1).day_wei], ["paused", null]);
});

test("a message of an unknown type is denied", async () => {
  for (const type of ["wallet.nothing", "constructor", "toString"])
    await assert.rejects(wallet.handle({ id: 1, type }), code("message.denied"));
});

test("an open wallet has another payee each hour, and a locked one keeps the last", async () => {
  let signed = 0;
  core["session.sign"] = ({ number, now_s }) => ({
    session: {},
    id: `0x${++signed}`,
    payee: `payee ${number}`,
    number,
    expires_s: now_s + 7 * 86_400,
  });
  const at = (now_s) => ({
    device: "device",
    station: { address: "0xs", name: "S" },
    chain_id: 1,
    settlement: "0x5",
    now_s,
  });
  await ask("wallet.unlock", { password: "x" });
  const payees = [];
  for (const now_s of [7200, 7300, 10_800]) payees.push((await sessionFor(at(now_s)))?.payee);
  assert.deepEqual(payees, ["payee 2", "payee 2", "payee 3"]);
  await ask("wallet.lock");
  assert.equal((await sessionFor(at(20_000)))?.payee, "payee 3");
  assert.equal(signed, 2);
});

test("pending transfers reduce the spendable balance, and a transfer that has ended is counted once", async () => {
  await fresh();
  Object.assign(host, { sites: () => ({ sites: [] }) });
  const { quote } = await ask("wallet.quote", { to: FRIEND, amount: "400" });
  await ask("wallet.send", { quote });
  assert.equal((await ask("wallet.summary")).spendable_wei, "600");
  // It is mined after the balance was read: the balance is read again.
  let balance = "1000";
  host.summary = () => ({ balance_wei: balance, today_wei: "0", totals: {}, receipts: [], activity: [], epochs: [] });
  host.transaction = () => ((balance = "600"), { state: "confirmed", fee_wei: "300", time_s: 1 });
  assert.equal((await ask("wallet.summary")).spendable_wei, "600");
  assert.equal((await ask("wallet.summary")).spendable_wei, "600");
});

test("an account of points of another form is station.answer", () => {
  const offer = { name: "shirt", kind: "offer", cost: 9, days: 7, text: "A shirt" };
  const pass = { serial: "1", offer: "shirt", kind: "offer", text: "A shirt", ends_s: 9, redeemed_s: null };
  const good = {
    points: 3,
    points_per_minute: 1,
    minimum_s: 30,
    cap_per_day: 20,
    discovery_percent: 10,
    offers: [offer],
    passes: [pass],
  };
  assert.deepEqual(account({ ...good, open: "https://evil.example", more: 1 }), { ...good, redeemed: undefined });
  const long = account({ ...good, offers: [{ ...offer, name: "徽章", text: "x".repeat(999) }] });
  assert.deepEqual(long.offers, [{ ...offer, name: "徽章", text: "x".repeat(200) }]);
  for (const change of [
    { points: -1 },
    { points: "3" },
    { cap_per_day: 1e300 },
    { offers: undefined },
    { offers: {} },
    { offers: [null] },
    { offers: Array(101).fill(offer) },
    { passes: "x" },
    { offers: [{ ...offer, name: "shirt 0 buy gold" }] },
    { offers: [{ ...offer, cost: "9" }] },
    { passes: [{ ...pass, ends_s: 1e15 }] },
    { passes: [{ ...pass, serial: "1 x" }] },
  ])
    assert.throws(() => account({ ...good, ...change }), code("station.answer"), JSON.stringify(change).slice(0, 60));
});
