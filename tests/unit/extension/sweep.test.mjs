// Tokens at payees: found page by page, shown as collectable, fetched by the account or sent by a relayer.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
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
  payees,
  state,
} from "./wallet_world.mjs";

// After the world, which stands in for the browser.
const { PAYEE_BATCH, MIN_GIFT_WEI, MAX_TRANSACTIONS, readHoldings } =
  await import("../../../extension/engine/wallet/holdings.js");

const ADDRESS = (n) => `0x${n.toString(16).padStart(40, "0")}`;
const [STATION, SERVER, RELAYER] = [2, 3, 4].map((digit) => `0x${String(digit).repeat(40)}`);
const session = (n, number = n) => ({
  id: `s${n}`,
  payee: ADDRESS(n),
  number,
  station: STATION,
  station_name: "Harbour",
  chain_id: 31337,
  settlement: NETWORK.settlement,
  session: { message: {} },
  wallet: ME,
  told: false,
});
const receipt = (n, amount_wei, fields = {}) => ({
  server: SERVER,
  epoch: n,
  payee: ADDRESS(n),
  amount_wei,
  content: FRIEND,
  title: "Song",
  station: "harbour.example",
  state: "claimable",
  at_payee: true,
  due_s: 9,
  transaction: null,
  ...fields,
});
/** What lies where, by payee, in wei. @type {Map<string, {amount: bigint, allowed: bigint, nonce: number}>} */
let lies;
/** @type {any[]} */
let receipts;
/** Wei of coin that the account has; one fetch takes 100 at most. */
let coin;
/** Call data that the account sent, and payees that a relayer sent. @type {string[]} */
let sent;
/** @type {string[]} */
let relayed;
let account = 0;
/** Payees of each question. @type {string[][]} */
let looks;

const put = (n, amount, allowed = 0n) => lies.set(ADDRESS(n), { amount: BigInt(amount), allowed, nonce: 3 });
const take = (payee) => lies.delete(payee);

beforeEach(async () => {
  await fresh();
  // Another account each time: what was seen for the one before does not count.
  account += 1;
  state.accounts = [
    { index: 0, name: "One", address: ME },
    { index: account, name: "Used", address: ADDRESS(0xacc0 + account) },
  ];
  state.account = ADDRESS(0xacc0 + account);
  lies = new Map();
  looks = [];
  [receipts, sent, relayed, coin] = [[], [], [], 1000n];
  state.sessions = [session(1), session(2), session(3)];
  const { summary } = host;
  host.summary = () => ({
    ...summary(),
    receipts,
    due_s: null,
    totals: { pending_wei: "0", claimable_wei: "7", claimed_wei: "0", at_payee_wei: "0" },
  });
  host.status = () => ({ state: "connected", version: "0.1.0", networks: [NETWORK] });
  host.earnings = ({ wallet, state: wanted }) => {
    assert.deepEqual([wallet, wanted], [ME, "claimable"]);
    return { receipts: receipts.filter((r) => r.state === "claimable" && !r.at_payee), next: null };
  };
  host.holdings = ({ chain_id, wallet, payees: some = [], after = null }) => {
    const ours = [...payees.values()]
      .filter((one) => one.wallet === wallet && one.chain_id === chain_id && one.payee > (after ?? ""))
      .map(({ payee }) => payee)
      .sort();
    const part = some.length ? some : ours.slice(0, PAYEE_BATCH);
    const owed = (payee) =>
      receipts.filter((r) => r.at_payee && r.payee === payee).reduce((sum, r) => sum + BigInt(r.amount_wei), 0n);
    looks.push(part);
    return {
      token: TOKEN,
      settlement: NETWORK.settlement,
      now_s: 500,
      each_wei: "100",
      coin_wei: String(coin),
      asked: part.length,
      next: some.length || part.length < PAYEE_BATCH ? null : part.at(-1),
      holdings: part
        .filter((payee) => lies.has(payee))
        .map((payee) => ({
          payee,
          amount_wei: String(lies.get(payee).amount),
          nonce: lies.get(payee).nonce,
          allowed_wei: String(lies.get(payee).allowed),
          station: STATION,
          number: Number(payee),
          name: "Harbour",
          owed_wei: String(owed(payee)),
        })),
    };
  };
  host.simulate = () => ({
    nonce: 4,
    gas: 8,
    tip_wei: "1",
    max_fee_wei: "5",
    fee_wei: "30",
    most_wei: "50",
    coin_wei: String(coin),
  });
  host.transaction = () => ({ state: "confirmed" });
  host.send = ({ raw }) => {
    sent.push(raw);
    if (raw.startsWith("permit")) lies.get(raw.slice(7)).allowed = lies.get(raw.slice(7)).amount;
    if (raw.startsWith("move")) take(raw.slice(5));
    return { transaction: "0xaa" };
  };
  host.relayer = () => ({ server: SERVER, relayer: RELAYER, now_s: 501 });
  host.sweep = ({ server, sweep, permit }) => {
    assert.deepEqual([server, permit, sweep.relayer, sweep.deadline > 501], [SERVER, "permit", RELAYER, true]);
    relayed.push(sweep.payee);
    take(sweep.payee);
    return { transaction: "0xbb", to: state.account, amount_wei: "1" };
  };
  core["sweep.sign"] = (word) => {
    assert.deepEqual([word.index, word.station, word.token, word.nonce], [account, STATION, TOKEN, 3]);
    assert.equal(word.payee, ADDRESS(word.number));
    return word.relayer
      ? { permit: "permit", sweep: word }
      : { to: state.account, permit: `permit ${word.payee}`, move: `move ${word.payee}` };
  };
  core["transaction.sign"] = ({ index, to, data }) => {
    assert.deepEqual([index, to], [account, TOKEN]);
    return { raw: data, transaction: `0x${data}` };
  };
  core["claim.sign"] = ({ payee }) => ({ claim: payee });
});

after(() => ask("wallet.lock"));
const looked = () => looks.flat();
const collect = async (most_wei = "1000") => ask("wallet.claim", { most_wei });

test("the tokens of some payees are read in batches, without those of others", async () => {
  const any = Array.from({ length: 2 * PAYEE_BATCH + 1 }, (_, n) => ADDRESS(n + 50));
  put(50 + PAYEE_BATCH, 9);
  const found = await readHoldings({ chain_id: 31337, payees: any });
  assert.deepEqual(
    found.map(({ payee, amount_wei, token, chain_id }) => [payee, amount_wei, token, chain_id]),
    [[ADDRESS(50 + PAYEE_BATCH), "9", TOKEN, 31337]],
  );
  assert.deepEqual(
    hostRequests.filter(({ op }) => op === "holdings").map(({ payees: part }) => part.length),
    [PAYEE_BATCH, PAYEE_BATCH, 1],
  );
  assert.deepEqual(looked(), any);
});

test("the summary reads one page of the payees at a time, pauses after the last, and shows all holdings", async () => {
  state.sessions = Array.from({ length: PAYEE_BATCH + 2 }, (_, n) => session(n + 1));
  put(PAYEE_BATCH + 1, MIN_GIFT_WEI);
  assert.equal((await ask("wallet.summary")).private_wei, "0");
  const told = await ask("wallet.summary");
  assert.deepEqual([told.private_wei, told.claimable_wei, told.sweep_most_wei], [String(MIN_GIFT_WEI), "7", "100"]);
  await ask("wallet.summary");
  assert.equal(looked().length, PAYEE_BATCH + 2);
});

test("a wallet's first payee is read as soon as there is one", async () => {
  state.sessions = [];
  await ask("wallet.summary");
  state.sessions = [session(1)];
  await ask("wallet.summary");
  await ask("wallet.summary");
  assert.deepEqual(looked(), [ADDRESS(1)]);
});

test("no payee is read of a session without rewards, nor of a network that the host does not have", async () => {
  state.sessions = [{ ...session(1), payee: ADDRESS(0), number: null }, { ...session(2), chain_id: 5 }, session(3)];
  await ask("wallet.summary");
  assert.deepEqual(looked(), [ADDRESS(3)]);
});

test("tokens of a stranger are shown besides the rewards and become a transfer; a single wei is ignored", async () => {
  receipts = [receipt(1, "20")];
  put(1, 25);
  put(2, MIN_GIFT_WEI);
  put(3, MIN_GIFT_WEI - 1n);
  const { activity, private_wei } = await ask("wallet.summary");
  assert.equal(private_wei, String(MIN_GIFT_WEI + 25n));
  const lines = activity.map(({ kind, state: standing, amount_wei, other, at_payee }) => [
    kind,
    standing,
    amount_wei,
    other,
    at_payee,
  ]);
  assert.deepEqual(
    lines.sort(),
    [
      [undefined, "claimed", "20", undefined, true],
      ["received", "claimed", "5", ADDRESS(1), true],
      ["received", "claimed", String(MIN_GIFT_WEI), ADDRESS(2), true],
    ].sort(),
  );
});

test("collecting claims unpaid receipts and fetches tokens at payees, the greatest first, once", async () => {
  receipts = [receipt(1, "20"), receipt(3, "7", { at_payee: false })];
  host.claim = ({ claims }) => {
    assert.deepEqual(claims, [ADDRESS(3)]);
    return { transaction: "0xcc", to: ME, amount_wei: "7" };
  };
  put(1, 20);
  put(2, MIN_GIFT_WEI);
  const done = await collect();
  assert.deepEqual(done, {
    transactions: ["0xcc", `0xmove ${ADDRESS(2)}`, `0xmove ${ADDRESS(1)}`],
    amount_wei: String(MIN_GIFT_WEI + 27n),
  });
  assert.deepEqual(sent, [`permit ${ADDRESS(2)}`, `move ${ADDRESS(2)}`, `permit ${ADDRESS(1)}`, `move ${ADDRESS(1)}`]);
  receipts = [];
  assert.deepEqual(await collect(), { transactions: [], amount_wei: "0" });
  assert.deepEqual([sent.length, relayed], [4, []]);
});

test("after an interruption between permit and transfer the next press continues with the transfer", async () => {
  put(1, MIN_GIFT_WEI, MIN_GIFT_WEI);
  await collect();
  assert.deepEqual(sent, [`move ${ADDRESS(1)}`]);
});

test("without coins, or without a fee that was shown, a relayer of the payee's server sends it", async () => {
  put(1, MIN_GIFT_WEI);
  coin = 99n;
  assert.equal((await ask("wallet.summary")).sweep_most_wei, "0");
  assert.deepEqual(await collect("0"), { transactions: ["0xbb"], amount_wei: String(MIN_GIFT_WEI) });
  coin = 1000n;
  put(2, MIN_GIFT_WEI);
  await collect("79");
  assert.deepEqual([relayed, sent], [[ADDRESS(1), ADDRESS(2)], []]);
  assert.deepEqual(
    hostRequests.filter(({ op }) => op === "relayer").map(({ payee }) => payee),
    [ADDRESS(1), ADDRESS(2)],
  );
});

test("the account pays for as many as its coins suffice for, and not more than was shown", async () => {
  put(1, MIN_GIFT_WEI + 2n);
  put(2, MIN_GIFT_WEI + 1n);
  coin = 150n;
  assert.equal((await ask("wallet.summary")).sweep_most_wei, "100");
  await collect("100");
  assert.deepEqual([sent, relayed], [[`permit ${ADDRESS(1)}`, `move ${ADDRESS(1)}`], [ADDRESS(2)]]);
  put(3, MIN_GIFT_WEI);
  coin = 1000n;
  host.simulate = () => ({
    nonce: 4,
    gas: 12,
    tip_wei: "1",
    max_fee_wei: "5",
    fee_wei: "30",
    most_wei: "55",
    coin_wei: "1000",
  });
  await assert.rejects(collect("100"), code("wallet.fee"));
  // The permit's 60 left 40 for the transfer, which waits for the next press.
  assert.deepEqual(sent.slice(2), [`permit ${ADDRESS(3)}`]);
});

test("after a refusal before the permit the others continue; a relayer that has a permit and did not send it gets no other", async () => {
  coin = 0n;
  put(1, MIN_GIFT_WEI + 2n);
  put(2, MIN_GIFT_WEI + 1n);
  put(3, MIN_GIFT_WEI);
  const { relayer } = host;
  host.relayer = (request) => {
    if (request.payee === ADDRESS(1)) throw new Problem("claim.unknown");
    assert.equal(request.amount_wei, String(lies.get(request.payee).amount));
    return relayer(request);
  };
  await assert.rejects(collect("0"), code("claim.unknown"));
  assert.deepEqual(relayed, [ADDRESS(2), ADDRESS(3)]);
  host.relayer = relayer;
  for (const answer of ["chain.mismatch", "claim.unknown", "chain.reverted", "server.unreachable"]) {
    put(2, MIN_GIFT_WEI + 1n);
    put(3, MIN_GIFT_WEI);
    const tried = [];
    host.sweep = ({ sweep: { payee } }) => {
      tried.push(payee);
      throw new Problem(answer);
    };
    await assert.rejects(collect("0"), code(answer));
    assert.deepEqual(tried, [ADDRESS(1)], answer);
  }
});

test("one press fetches a limited number", async () => {
  state.sessions = Array.from({ length: MAX_TRANSACTIONS + 2 }, (_, n) => session(n + 1));
  for (let n = 1; n <= MAX_TRANSACTIONS + 2; n++) put(n, MIN_GIFT_WEI);
  assert.equal((await ask("wallet.summary")).sweep_most_wei, String(MAX_TRANSACTIONS * 100));
  await collect();
  assert.equal(lies.size, 2);
  await collect();
  assert.equal(lies.size, 0);
  // Those that stay where they are do not stand before the others.
  state.sessions = Array.from({ length: 2 * MAX_TRANSACTIONS }, (_, n) => session(n + 1));
  for (let n = 1; n <= 2 * MAX_TRANSACTIONS; n++) put(n, n <= MAX_TRANSACTIONS ? 2n * MIN_GIFT_WEI : MIN_GIFT_WEI);
  const { relayer } = host;
  host.relayer = (request) => {
    if (BigInt(request.amount_wei) > MIN_GIFT_WEI) throw new Problem("claim.unknown");
    return relayer(request);
  };
  await assert.rejects(collect("0"), code("claim.unknown"));
  assert.deepEqual([lies.size, relayed.length], [MAX_TRANSACTIONS, MAX_TRANSACTIONS]);
});

test("an unreachable server does not stop the collection of tokens at payees, and its failure is reported", async () => {
  receipts = [receipt(3, "7", { at_payee: false })];
  host.claim = () => {
    throw new Problem("server.unreachable");
  };
  put(1, MIN_GIFT_WEI);
  await assert.rejects(collect(), code("server.unreachable"));
  assert.equal(lies.size, 0);
});

test("a host of an older version, or an unreachable node, does not affect the rest", async () => {
  host.holdings = () => {
    throw new Problem("host.message.unknown");
  };
  assert.deepEqual((await ask("wallet.summary")).claimable_wei, "7");
  assert.deepEqual(await collect(), { transactions: [], amount_wei: "0" });
  host.holdings = () => {
    throw new Problem("chain.unreachable");
  };
  assert.deepEqual((await ask("wallet.summary")).claimable_wei, "7");
  await assert.rejects(collect(), code("chain.unreachable"));
});

test("a locked wallet shows tokens at payees and fetches none", async () => {
  put(1, MIN_GIFT_WEI);
  await ask("wallet.lock");
  assert.equal((await ask("wallet.summary")).private_wei, String(MIN_GIFT_WEI));
  await assert.rejects(collect(), code("wallet.locked"));
});
