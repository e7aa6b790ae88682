// Private collection: the times of claims, requests to the relayer, and payments from private addresses.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Problem } from "../../../extension/shared/problem.js";
import {
  FRIEND,
  ME,
  NETWORK,
  TOKEN,
  ask,
  hostRequests,
  code,
  core,
  fresh,
  host,
  now,
  state,
  storage,
} from "./wallet_world.mjs";

const claiming = await import("../../../extension/engine/wallet/claiming.js");

const ADDRESS = (n) => `0x${n.toString(16).padStart(40, "0")}`;
const [STATION, OTHER, SERVER, RELAYER] = [2, 3, 4, 6].map((digit) => `0x${String(digit).repeat(40)}`);
const START = 1_800_000_000_000;
const SPREAD = 6 * 3600 * 1000;
const session = (n) => ({
  id: `s${n}`,
  payee: ADDRESS(n),
  number: n,
  station: n % 2 ? STATION : OTHER,
  station_name: "Harbour",
  chain_id: 31337,
  settlement: NETWORK.settlement,
  wallet: ME,
  told: true,
  session: { message: {} },
});
const receipt = (n, fields = {}) => ({
  server: SERVER,
  epoch: n,
  payee: ADDRESS(n),
  amount_wei: "10",
  content: FRIEND,
  title: "Song",
  station: "harbour.example",
  state: "claimable",
  at_payee: false,
  due_s: 9,
  transaction: null,
  chain_id: 31337,
  settlement: NETWORK.settlement,
  station_address: n % 2 ? STATION : OTHER,
  number: n,
  station_name: "Harbour",
  ...fields,
});
/** @type {any[]} */
let receipts;
/**
 * What the relayer answers, by payee: null while it holds the claim, a transaction, or an error.
 * @type {Map<string, any>}
 */
let answers;

mock.timers.enable({ apis: ["setTimeout", "Date"], now: START });
const sent = () => hostRequests.filter(({ op }) => op === "claim");
/** Let the time pass in steps of a minute, and everything be asked that is due. @param {number} ms */
async function pass(ms) {
  for (let left = ms; left > 0; left -= 60_000) {
    mock.timers.tick(Math.min(left, 60_000));
    // Not mocked: it is called when no promise is left to be resolved.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

beforeEach(async () => {
  await fresh();
  await claiming.dropPlanned();
  Object.assign(state, {
    claiming: [],
    ahead: [],
    entrusted: [],
    auto_lock_s: 10 ** 9,
    sessions: [1, 2, 3, 4].map(session),
    sent: [],
  });
  receipts = [1, 2, 3, 4].map((n) => receipt(n));
  answers = new Map();
  const { summary } = host;
  const totals = () => ({
    pending_wei: "0",
    claimable_wei: String(
      receipts.filter((r) => r.state === "claimable" && !r.at_payee).reduce((sum, r) => sum + BigInt(r.amount_wei), 0n),
    ),
    claimed_wei: "0",
    at_payee_wei: "0",
  });
  host.status = () => ({ state: "connected", version: "0.1.0", networks: [{ ...NETWORK, epoch_s: 3600 }] });
  host.summary = () => ({ ...summary(), receipts, totals: totals() });
  const wants = {
    open: (r) => r.state !== "claimed" || r.at_payee,
    claimable: (r) => r.state === "claimable" && !r.at_payee,
  };
  host.earnings = ({ state: wanted }) => ({ receipts: receipts.filter(wants[wanted]), next: null });
  host.payees = () => ({});
  host.scan = () => ({ done: true });
  host.holdings = () => ({
    token: TOKEN,
    settlement: NETWORK.settlement,
    now_s: 500,
    each_wei: "100",
    coin_wei: "0",
    holdings: [],
  });
  host.claim = ({ claims: [claim], after_s = 0 }) => {
    const answer = answers.get(claim) ?? null;
    if (answer instanceof Problem) throw answer;
    return answer === null
      ? { transaction: null, due_s: Math.max(Math.floor(Date.now() / 1000), after_s) + 600 }
      : { transaction: answer, to: claim, amount_wei: "10" };
  };
  core["claim.sign"] = ({ payee, to, number, station }) => {
    assert.deepEqual([to, station], [payee, number % 2 ? STATION : OTHER]);
    return { claim: payee };
  };
});

test("each claim is sent alone to its own payee, as a mixed claim at a time of its own, without a press", async () => {
  await claiming.plan();
  assert.equal(sent().length, 0);
  const moments = state.claiming.map(({ at_ms }) => at_ms);
  assert.equal(new Set(moments).size, 4);
  assert.ok(moments.every((at) => at >= Date.now() && at < Date.now() + SPREAD));
  for (const one of state.claiming) answers.set(one.payee, "0xaa");
  await pass(SPREAD + 120_000);
  assert.deepEqual(
    sent().map(({ claims, mixed }) => [claims.length, mixed]),
    Array(4).fill([1, true]),
  );
  assert.deepEqual(new Set(sent().map(({ claims }) => claims[0])), new Set([1, 2, 3, 4].map(ADDRESS)));
  assert.deepEqual(state.claiming, []);
});

test("times are spread over the whole range, and differ", async () => {
  const all = [];
  for (let run = 0; run < 40; run += 1) {
    state.claiming = [];
    await claiming.plan();
    all.push(...state.claiming.map(({ at_ms }) => (at_ms - Date.now()) / SPREAD));
  }
  assert.equal(new Set(all).size, 160);
  for (let quarter = 0; quarter < 4; quarter += 1)
    assert.ok(all.filter((share) => Math.floor(share * 4) === quarter).length > 10);
});

test("a pending receipt is planned from the end of its epoch, so that the time of a claim does not depend on when the wallet was open", async () => {
  const due_s = Math.floor(Date.now() / 1000) + 7200;
  receipts = [1, 2, 3, 4].map((n) => receipt(n, { state: "pending", due_s }));
  await ask("wallet.summary");
  await pass(60_000);
  assert.ok(
    state.claiming.length === 4 &&
      state.claiming.every(({ after_ms }) => after_ms >= due_s * 1000 && after_ms < due_s * 1000 + SPREAD),
  );
  // What is not final is not shown as under way.
  assert.equal((await ask("wallet.summary")).claiming.count, 0);
  await ask("wallet.lock");
  // The relayer has it with its moment before the epoch is final: the computer may be off then.
  const moments = new Map(state.claiming.map(({ payee, after_ms }) => [payee, Math.floor(after_ms / 1000)]));
  await pass(540_000);
  assert.deepEqual(
    sent().map(({ claims, mixed, after_s }) => [mixed, after_s, moments.get(claims[0])]),
    sent().map(({ after_s }) => [true, after_s, after_s]),
  );
  assert.deepEqual(new Set(sent().map(({ claims }) => claims[0])), new Set([1, 2, 3, 4].map(ADDRESS)));
  // Asked about again once it is paid, and no earlier.
  hostRequests.length = 0;
  for (const one of state.claiming) answers.set(one.payee, "0xaa");
  await pass(2 * SPREAD);
  assert.deepEqual([sent().length, state.claiming.length], [4, 0]);
});

/** A payee that serves: the newest session at its station. */
const serving = (n) => ({ ...session(n), device: OTHER, expires_s: Math.floor(Date.now() / 1000) + 7 * 86_400 });

test("a reward under a locked wallet has a claim that was signed ahead, whose time does not depend on when the wallet is opened", async () => {
  const began_s = Math.floor(Date.now() / 1000);
  const due_s = (epoch) => began_s + (epoch + 1) * 3600;
  state.sessions = [serving(1)];
  receipts = [receipt(1, { state: "pending", due_s: due_s(1) })];
  /** @type {number[]} */
  const epochs = [];
  core["claim.sign"] = ({ payee, epoch }) => {
    epochs.push(epoch);
    return { claim: `${payee} ${epoch}` };
  };
  await claiming.plan();
  assert.deepEqual(
    epochs,
    Array.from({ length: 33 }, (_, n) => n + 1),
  );
  // As many again as more is earned, until the session ends.
  for (let more = 0; more < 9; more += 1) await claiming.plan();
  assert.deepEqual(
    epochs,
    Array.from({ length: 169 }, (_, n) => n + 1),
  );
  await ask("wallet.lock");
  for (const epoch of [2, 3, 400]) receipts.unshift(receipt(1, { epoch, state: "pending", due_s: due_s(epoch) }));
  await claiming.plan();
  assert.equal(epochs.length, 169);
  // Of an epoch too far ahead nothing was signed.
  assert.deepEqual(
    state.claiming.map(({ epoch, claim }) => [epoch, claim]).sort(),
    [1, 2, 3].map((epoch) => [epoch, `${ADDRESS(1)} ${epoch}`]),
  );
  assert.ok(
    state.claiming.every(
      ({ epoch, after_ms }) => after_ms >= due_s(epoch) * 1000 && after_ms < due_s(epoch) * 1000 + SPREAD,
    ),
  );
  await pass(540_000);
  assert.equal(sent().length, 3);
  assert.equal(state.ahead.length, 166);
});

test("claims ahead are of the payee in use, are signed once, and are dropped with it", async () => {
  state.sessions = [serving(1)];
  receipts = [receipt(1, { state: "pending", due_s: 9 })];
  await claiming.plan();
  for (let more = 0; more < 6; more += 1) await claiming.plan();
  const ahead = structuredClone(state.ahead);
  assert.equal(ahead.length, 168);
  await claiming.plan();
  assert.deepEqual(state.ahead, ahead);
  // The next hour has another payee.
  state.sessions = [serving(3), serving(1)];
  receipts.unshift(receipt(3, { state: "pending", due_s: 9 }));
  await claiming.plan();
  assert.deepEqual(new Set(state.ahead.map(({ payee }) => payee)), new Set([ADDRESS(3)]));
  mock.timers.setTime(Date.now() + 180 * 3_600_000);
  receipts = [];
  await claiming.plan();
  assert.deepEqual(state.ahead, []);
});

test("a claim that could not be sent in time keeps its time of payment, and is sent when the computer runs again", async () => {
  const due_s = Math.floor(Date.now() / 1000) + 20 * 3600;
  receipts = [receipt(1, { state: "pending", due_s })];
  await claiming.plan();
  const [{ after_ms }] = state.claiming;
  mock.timers.setTime(Date.now() + 10 * 3_600_000);
  await claiming.step();
  await pass(180_000);
  assert.deepEqual(
    sent().map(({ after_s }) => after_s),
    [Math.floor(after_ms / 1000)],
  );
});

test("times are drawn once: another run, a lock and a restart of the engine keep them", async () => {
  await claiming.plan();
  const plan = structuredClone(state.claiming);
  receipts.push(receipt(5));
  state.sessions.push(session(5));
  await claiming.plan();
  assert.deepEqual(state.claiming.slice(0, 4), plan);
  assert.equal(state.claiming.length, 5);
  assert.deepEqual(storage["claiming"], state.claiming);
  await ask("wallet.lock");
  receipts.push(receipt(4, { epoch: 9 }));
  await claiming.plan();
  assert.equal(state.claiming.length, 5);
  for (const one of state.claiming) answers.set(one.payee, "0xaa");
  // The wallet is locked: what is sent was signed before.
  await pass(SPREAD + 120_000);
  assert.equal(sent().length, 5);
  assert.equal(now.locked, true);
});

test("a time that was missed while the engine did not run is drawn again", async () => {
  await claiming.plan();
  mock.timers.setTime(Date.now() + 3 * SPREAD);
  const at = Date.now();
  await claiming.step();
  assert.equal(sent().length, 0);
  assert.ok(state.claiming.every(({ at_ms }) => at_ms >= at && at_ms < at + 3_600_000));
  for (const one of state.claiming) answers.set(one.payee, "0xaa");
  await pass(3_600_000 + 300_000);
  assert.equal(sent().length, 4);
});

test("a time that was drawn under a wrong clock is drawn again", async () => {
  await claiming.plan();
  state.claiming = state.claiming.map((one) => ({
    ...one,
    due_ms: one.due_ms + 100 * SPREAD,
    after_ms: one.after_ms + 100 * SPREAD,
    at_ms: one.at_ms + 100 * SPREAD,
  }));
  const at = Date.now();
  await claiming.step();
  assert.ok(state.claiming.every(({ due_ms, at_ms }) => due_ms <= at && at_ms >= at && at_ms <= at + 3_600_000));
});

test("a claim that the relayer holds is queried later, and dropped when the chain has it", async () => {
  receipts = [receipt(1)];
  await claiming.plan();
  await pass(SPREAD + 120_000);
  const first = sent().length;
  assert.ok(first >= 1);
  assert.equal(state.claiming.length, 1);
  answers.set(ADDRESS(1), "0xaa");
  await pass(2 * SPREAD);
  assert.equal(state.claiming.length, 0);
  assert.ok(sent().length <= first + 2);
});

test("a claim that fails for long is dropped, and does not delay others without limit", async () => {
  receipts = [receipt(1)];
  await claiming.plan();
  answers.set(ADDRESS(1), new Problem("claim.unknown"));
  state.claiming[0].due_ms -= 61 * SPREAD;
  state.claiming[0].at_ms = Date.now();
  await claiming.step();
  assert.equal(state.claiming[0].code, "claim.unknown");
  await claiming.plan();
  assert.equal(state.claiming.length, 1);
});

for (const [answer, left] of [
  ["claim.done", null],
  ["claim.signature", "claim.signature"],
  ["claim.unknown", ""],
  ["claim.small", "claim.small"],
  ["claim.busy", ""],
  ["server.unreachable", ""],
  ["claim.pending", ""],
]) {
  test(`after ${answer} a claim ${left === null ? "is dropped" : left ? "has the code" : "is sent again later"}`, async () => {
    receipts = [receipt(1)];
    await claiming.plan();
    answers.set(ADDRESS(1), new Problem(answer));
    state.claiming[0].at_ms = Date.now();
    await claiming.step();
    assert.equal(sent().length, 1);
    if (left === null) assert.deepEqual(state.claiming, []);
    else assert.equal(state.claiming[0].code, left || null);
    const { claiming: told } = await ask("wallet.summary");
    assert.deepEqual([told.count, told.code], [left === "" ? 1 : 0, left || null]);
    if (left !== "") return;
    answers.set(ADDRESS(1), "0xaa");
    await pass(SPREAD);
    assert.deepEqual(state.claiming, []);
  });
}

test("the status has the number and the last time of final claims, and paid ones are dropped", async () => {
  await claiming.plan();
  let told = await ask("wallet.summary");
  assert.deepEqual([told.claimable_wei, told.claiming.count], ["40", 4]);
  assert.equal(told.claiming.until_s, Math.ceil(Math.max(...state.claiming.map(({ at_ms }) => at_ms)) / 1000));
  receipts = [receipt(1, { at_payee: true }), receipt(2, { state: "claimed" }), receipt(3), receipt(4)];
  told = await ask("wallet.summary");
  assert.deepEqual([told.claimable_wei, told.claiming.count], ["20", 2]);
  assert.deepEqual(
    told.activity
      .filter(({ payee }) => payee)
      .map((line) => line.state)
      .sort(),
    ["claimable", "claimable", "claimed", "claimed"],
  );
});

test("collecting at once drops the plan, and sends everything to the account in one transaction", async () => {
  await claiming.plan();
  core["claim.sign"] = ({ payee, to }) => {
    assert.equal(to, ME);
    return { claim: payee };
  };
  host.claim = ({ claims, mixed }) => {
    assert.deepEqual([claims.length, mixed], [4, undefined]);
    return { transaction: "0xbb", to: ME, amount_wei: "40" };
  };
  assert.deepEqual(await ask("wallet.claim", { most_wei: "0" }), { transactions: ["0xbb"], amount_wei: "40" });
  assert.deepEqual(state.claiming, []);
});

test("other recovery words do not get a plan, which continues", async () => {
  await claiming.plan();
  state.accounts = [{ index: 0, name: "", address: FRIEND }];
  assert.equal(claiming.status().count, 0);
  for (const one of state.claiming) answers.set(one.payee, "0xaa");
  await pass(SPREAD + 120_000);
  assert.equal(sent().length, 4);
});

/** Tokens at payees, by number. @param {Record<number, number>} amounts */
function lay(amounts) {
  const left = new Map(Object.entries(amounts).map(([n, amount]) => [ADDRESS(Number(n)), BigInt(amount) * 10n ** 14n]));
  host.holdings = ({ payees, wallet }) => ({
    token: TOKEN,
    settlement: NETWORK.settlement,
    now_s: 500,
    each_wei: "100",
    coin_wei: "0",
    asked: left.size,
    next: null,
    holdings: [...left]
      .filter(([payee]) => wallet || payees.includes(payee))
      .map(([payee, amount]) => ({
        payee,
        amount_wei: String(amount),
        nonce: 3,
        allowed_wei: "0",
        station: Number(payee) % 2 ? STATION : OTHER,
        number: Number(payee),
        name: "Harbour",
        owed_wei: String(amount),
      }))
      .filter(({ amount_wei }) => amount_wei !== "0"),
  });
  host.relayer = () => ({ server: SERVER, relayer: RELAYER, now_s: 500 });
  core["sweep.sign"] = (word) => {
    assert.deepEqual([word.index, word.relayer, word.deadline], [undefined, RELAYER, 1100]);
    return { permit: "permit", sweep: word };
  };
  host.sweep = ({ sweep }) => {
    left.set(sweep.payee, left.get(sweep.payee) - BigInt(sweep.amount_wei));
    return { transaction: `0x${sweep.payee.slice(-2)}`, to: sweep.to, amount_wei: sweep.amount_wei };
  };
  core.amount = ({ text }) => ({ amount_wei: String(BigInt(text) * 10n ** 14n) });
  return left;
}
const orders = () =>
  hostRequests
    .filter(({ op }) => op === "sweep")
    .map(({ sweep }) => [Number(sweep.payee), Number(BigInt(sweep.amount_wei) / 10n ** 14n), sweep.to]);

test("the balance includes tokens at private addresses, and a payment from one of them involves no other address", async () => {
  lay({ 1: 7, 2: 3, 3: 5 });
  const told = await ask("wallet.summary");
  assert.deepEqual(
    [told.account_wei, told.private_wei, told.spendable_wei],
    ["1000", String(15n * 10n ** 14n), String(15n * 10n ** 14n + 1000n)],
  );
  const quote = await ask("wallet.quote", { to: FRIEND, amount: "4", from: "private" });
  assert.deepEqual(
    [quote.addresses, quote.from, quote.most_wei, quote.left_wei],
    [1, null, "0", String(11n * 10n ** 14n)],
  );
  assert.deepEqual(orders(), []);
  await ask("wallet.send", { quote: quote.quote });
  assert.deepEqual(orders(), [[3, 4, FRIEND]]);
  assert.equal(hostRequests.filter(({ op }) => op === "send").length, 0);
  const [line] = (await ask("wallet.summary")).activity.filter(({ kind }) => kind === "sent");
  assert.deepEqual([line.state, line.other, line.amount_wei], ["claimed", FRIEND, String(4n * 10n ** 14n)]);
});

test("tokens at payees by the ledger count before the balance of each is read", async () => {
  lay({ 1: 7, 2: 3 });
  const { summary } = host;
  host.summary = (request) => ({
    ...summary(request),
    totals: { pending_wei: "0", claimable_wei: "0", claimed_wei: "0", at_payee_wei: String(25n * 10n ** 14n) },
  });
  assert.equal((await ask("wallet.summary")).private_wei, String(25n * 10n ** 14n));
});

test("where one address is not enough the fewest possible pay, one after the other, and the quote has their number", async () => {
  lay({ 1: 7, 2: 3, 3: 5 });
  const quote = await ask("wallet.quote", { to: FRIEND, amount: "12", from: "private" });
  assert.equal(quote.addresses, 2);
  await ask("wallet.send", { quote: quote.quote });
  assert.deepEqual(orders(), [
    [1, 7, FRIEND],
    [3, 5, FRIEND],
  ]);
  await assert.rejects(ask("wallet.quote", { to: FRIEND, amount: "4", from: "private" }), code("wallet.funds"));
});

test("a quote to a recipient whom another address has paid names the linkage", async () => {
  lay({ 1: 7, 2: 3, 3: 5 });
  const first = await ask("wallet.quote", { to: FRIEND, amount: "5", from: "private" });
  assert.equal(first.shows, null);
  await ask("wallet.send", { quote: first.quote });
  // The address that paid before is taken again where it is enough; here it is not.
  assert.equal((await ask("wallet.quote", { to: FRIEND, amount: "3", from: "private" })).shows, "again");
  assert.equal((await ask("wallet.quote", { to: ADDRESS(77), amount: "3", from: "private" })).shows, null);
  assert.equal((await ask("wallet.quote", { to: ME, amount: "3", from: "private" })).shows, "own");
  core.amount = () => ({ amount_wei: "1" });
  assert.equal((await ask("wallet.quote", { to: FRIEND, amount: "1" })).shows, "again");
});

test("payments of the account alone reveal no private address", async () => {
  lay({ 1: 7 });
  state.sent = [
    {
      transaction: "0x1",
      chain_id: 31337,
      account: ME,
      to: FRIEND,
      amount_wei: "1",
      most_wei: "1",
      time_s: 1,
      state: "confirmed",
      fee_wei: "1",
      reason: null,
      by: null,
    },
  ];
  assert.equal((await ask("wallet.quote", { to: FRIEND, amount: "1", from: "private" })).shows, "again");
  core.amount = () => ({ amount_wei: "1" });
  assert.equal((await ask("wallet.quote", { to: FRIEND, amount: "1" })).shows, null);
});

test("an address that has paid a recipient pays it again before another one does", async () => {
  lay({ 1: 7, 2: 3 });
  const { quote } = await ask("wallet.quote", { to: FRIEND, amount: "4", from: "private" });
  await ask("wallet.send", { quote });
  const again = await ask("wallet.quote", { to: FRIEND, amount: "2", from: "private" });
  assert.equal(again.shows, null);
  await ask("wallet.send", { quote: again.quote });
  assert.deepEqual(orders(), [
    [1, 4, FRIEND],
    [1, 2, FRIEND],
  ]);
});

test("several addresses are those of one station where they are enough, without another station's", async () => {
  lay({ 1: 7, 2: 6, 3: 3, 4: 2 });
  const { quote, addresses } = await ask("wallet.quote", { to: FRIEND, amount: "10", from: "private" });
  assert.equal(addresses, 2);
  await ask("wallet.send", { quote });
  assert.deepEqual(orders(), [
    [1, 7, FRIEND],
    [3, 3, FRIEND],
  ]);
});

test("tokens under an order that were not sent are not spent again while the order is valid", async () => {
  lay({ 1: 7, 2: 3 });
  const kept = host.sweep;
  host.sweep = () => {
    throw new Problem("chain.unreachable");
  };
  const { quote } = await ask("wallet.quote", { to: FRIEND, amount: "5", from: "private" });
  await assert.rejects(ask("wallet.send", { quote }), code("chain.unreachable"));
  await assert.rejects(ask("wallet.quote", { to: FRIEND, amount: "5", from: "private" }), code("wallet.funds"));
  assert.equal((await ask("wallet.summary")).private_wei, String(3n * 10n ** 14n));
  mock.timers.setTime(Date.now() + 901_000);
  host.sweep = kept;
  const again = await ask("wallet.quote", { to: FRIEND, amount: "5", from: "private" });
  await ask("wallet.send", { quote: again.quote });
  assert.deepEqual(orders().at(-1), [1, 5, FRIEND]);
});

test("a refusal before anything was sent blocks no tokens; the first failure ends the payment", async () => {
  lay({ 1: 7, 2: 3 });
  host.relayer = () => {
    throw new Problem("claim.busy");
  };
  const { quote } = await ask("wallet.quote", { to: FRIEND, amount: "9", from: "private" });
  await assert.rejects(ask("wallet.send", { quote }), code("claim.busy"));
  assert.deepEqual([orders(), state.entrusted], [[], []]);
  assert.equal((await ask("wallet.quote", { to: FRIEND, amount: "9", from: "private" })).addresses, 2);
});

test("a private address cannot pay itself", async () => {
  lay({ 1: 7 });
  await assert.rejects(ask("wallet.quote", { to: ADDRESS(1), amount: "4", from: "private" }), code("wallet.recipient"));
});
