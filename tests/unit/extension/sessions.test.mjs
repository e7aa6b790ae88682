// Sessions belong to recovery words: over a restore and a change of words; payees are sent to the host once; and the
// search for earlier rewards.
import assert from "node:assert/strict";
import { after, beforeEach, mock, test } from "node:test";
import { Problem } from "../../../extension/shared/problem.js";
import {
  ask,
  hostRequests,
  core,
  fresh,
  host,
  ME,
  NETWORK,
  payees,
  sessionFor,
  state,
  storage,
} from "./wallet_world.mjs";

const ADDRESS = (n) => `0x${n.toString(16).padStart(40, "0")}`;
const OTHER = `0x${"9".repeat(40)}`;
const [STATION, DEVICE] = [2, 3].map((digit) => `0x${String(digit).repeat(40)}`);
const NOW_S = 1_800_000_000;
const at = (now_s = NOW_S) => ({
  device: DEVICE,
  station: { address: STATION, name: "Harbour" },
  chain_id: 31337,
  settlement: NETWORK.settlement,
  now_s,
});
const kept = (n, fields = {}) => ({
  session: {},
  id: `s${n}`,
  payee: ADDRESS(n),
  number: n,
  expires_s: NOW_S + 9999,
  station: STATION,
  device: DEVICE,
  chain_id: 31337,
  settlement: NETWORK.settlement,
  station_name: "Harbour",
  wallet: ME,
  told: false,
  ...fields,
});
const restore = (account, fields = {}) => {
  core["wallet.create"] = () => ({ vault: "VAULT", account, locked: false });
  return ask("wallet.create", { mnemonic: "words", password: "a good password", replace: true, ...fields });
};
/** Until the search in the background has ended. */
const searched = async () => {
  for (let look = 0; look < 200 && (await ask("wallet.summary")).search.running; look++)
    await new Promise(setImmediate);
};

beforeEach(async () => {
  await fresh();
  await searched();
  hostRequests.length = 0;
  state.collect = "always";
  let signed = 0;
  core["session.sign"] = ({ number, now_s }) => ({
    session: {},
    id: `0x${++signed}`,
    payee: ADDRESS(10_000 * (state.account === ME ? 1 : 2) + (number % 1000)),
    number,
    expires_s: now_s + 7 * 86_400,
  });
  core.candidates = ({ wants }) => ({ candidates: wants.map((want) => ({ ...want, payees: "A".repeat(640) })) });
});
after(() => ask("wallet.lock"));

test("the same words on the same computer have their sessions again, and other words do not get them", async () => {
  const mine = await sessionFor(at());
  await restore(OTHER);
  const theirs = await sessionFor(at());
  assert.notEqual(theirs.payee, mine.payee);
  await restore(ME);
  assert.equal((await sessionFor(at())).payee, mine.payee);
  await ask("wallet.account.add", { name: "Second" });
  assert.equal((await sessionFor(at())).payee, mine.payee);
  assert.deepEqual(storage.sessions.map(({ wallet }) => wallet).sort(), [ME, OTHER].sort());
  // Balance and receipts are asked for by the words, whichever account is in use.
  await ask("wallet.summary");
  assert.deepEqual(
    hostRequests.filter(({ op }) => op === "summary").map(({ wallet, payees: list }) => [wallet, list]),
    [[ME, undefined]],
  );
});

test("each payee is sent to the host once, in batches, and only valid sessions stay stored", async () => {
  state.sessions = Array.from({ length: 1100 }, (_, n) => kept(n + 1, { expires_s: n < 1000 ? 1 : NOW_S + 9999 }));
  state.sessions[0].number = null;
  await ask("wallet.summary");
  const told = hostRequests.filter(({ op }) => op === "payees");
  assert.deepEqual(
    told.map(({ wallet, payees: part }) => [wallet, part.length]),
    [
      [ME, 511],
      [ME, 512],
      [ME, 76],
    ],
  );
  assert.ok(told.every((request) => JSON.stringify(request).length < 1 << 19));
  await ask("wallet.summary");
  assert.equal(hostRequests.filter(({ op }) => op === "payees").length, 3);
  await sessionFor(at());
  assert.equal(storage.sessions.length, 101);
  assert.equal(payees.size, 1100);
});

test("payees that the host has refused are sent again, also of words that are not in use", async () => {
  const { payees: take } = host;
  host.payees = () => {
    throw new Problem("host.gone");
  };
  const mine = await sessionFor(at());
  await restore(OTHER);
  host.payees = take;
  await ask("wallet.summary");
  assert.deepEqual(
    [...payees.values()].map(({ wallet, payee }) => [wallet, payee]),
    [[ME, mine.payee]],
  );
});

test("sessions stored without their wallet belong to the present words", async () => {
  const old = kept(7);
  delete old.wallet;
  delete old.told;
  Object.assign(storage, {
    vault: "VAULT",
    account: ME,
    accounts: [{ index: 0, name: "", address: ME }],
    sessions: [old],
  });
  const again = await import(`../../../extension/engine/wallet/state.js?again=${process.pid}`);
  await again.load();
  assert.deepEqual(
    again.state.sessions.map(({ wallet, told }) => [wallet, told]),
    [[ME, false]],
  );
});

test("the search derives the payees that the host requests, and has its progress and the unreachable servers", async () => {
  const away = [{ server: OTHER, url: "https://away.example", epochs: 2, code: "server.unreachable" }];
  const steps = [
    { listed: 9, left: 9, found: 0, wants: [{ station: STATION, day: 20_000 }], more: true, away: [] },
    { listed: 9, left: 4, found: 3, wants: [], more: true, away: [] },
    { listed: 9, left: 2, found: 3, wants: [], more: false, away },
  ];
  const given = [];
  host.scan = ({ chain_id, wallet, fresh: anew, candidates }) => {
    given.push([chain_id, wallet, anew, candidates.length]);
    return chain_id === 31337 && steps.length
      ? steps.shift()
      : { listed: 0, left: 0, found: 0, wants: [], more: false, away: [] };
  };
  await restore(OTHER);
  await searched();
  assert.deepEqual(given, [
    [31337, OTHER, false, 0],
    [31337, OTHER, false, 1],
    [31337, OTHER, false, 0],
    [5, OTHER, false, 0],
  ]);
  const { search } = await ask("wallet.summary");
  assert.deepEqual(search, { running: false, listed: 9, left: 2, away });
  // Looked through: the next look is in an hour.
  await searched();
  assert.equal(given.length, 4);
});

test("a locked wallet derives nothing, and the search continues when it is opened", async () => {
  let steps = 0;
  host.scan = async ({ candidates }) => {
    steps += 1;
    if (steps === 1) await ask("wallet.lock");
    return {
      listed: 3,
      left: candidates.length ? 0 : 3,
      found: 0,
      wants: candidates.length ? [] : [{ station: STATION, day: 1 }],
      more: !candidates.length,
      away: [],
    };
  };
  core.candidates = () => assert.fail("derived while locked");
  await restore(OTHER);
  await searched();
  assert.equal(steps, 1);
  core.candidates = ({ wants }) => ({ candidates: wants });
  await ask("wallet.unlock", { password: "x" });
  await searched();
  assert.equal((await ask("wallet.summary")).search.left, 0);
});

test("new words have no earlier rewards; an unreachable network does not stop the others", async () => {
  const given = [];
  host.scan = ({ chain_id, fresh: anew }) => {
    given.push([chain_id, anew]);
    if (chain_id === 31337) throw new Problem("chain.unreachable");
    return { listed: 0, left: 0, found: 0, wants: [], more: false, away: [] };
  };
  await restore(OTHER, { fresh: true });
  await searched();
  assert.deepEqual(given, [
    [31337, true],
    [5, true],
  ]);
  assert.equal(storage.fresh.wallet, OTHER);
});

test("words that were made an hour ago may have rewards from another computer", async () => {
  const given = [];
  host.scan = ({ fresh: anew }) => {
    given.push(anew);
    throw new Problem("host.missing");
  };
  await restore(OTHER, { fresh: true });
  await searched();
  state.fresh.at_ms -= 3600_000;
  await ask("wallet.unlock", { password: "x" });
  await searched();
  assert.deepEqual(given, [true, true, false, false]);
});

test("without an open screen a failed search continues, and unreachable servers are tried again", async (t) => {
  let steady = 1e6;
  const clock = mock.method(performance, "now", () => steady);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  };
  /** The open wallet looks at its clocks, whoever is there. */
  const pass = async (ms) => {
    steady += ms;
    t.mock.timers.tick(15_000);
    await settle();
  };
  let steps = 0;
  const away = [{ server: OTHER, url: null, epochs: 1, code: "server.unreachable" }];
  const nothing = { listed: 0, left: 0, found: 0, wants: [], more: false, away: [] };
  host.scan = ({ chain_id }) => {
    if (chain_id !== 31337) return nothing;
    steps += 1;
    if (steps === 1) throw new Problem("chain.unreachable");
    return { ...nothing, away: steps === 2 ? away : [] };
  };
  await restore(OTHER);
  await settle();
  assert.equal(steps, 1);
  await pass(31_000);
  assert.equal(steps, 2);
  await pass(60_000);
  assert.equal(steps, 2);
  await pass(600_000);
  assert.equal(steps, 3);
  await pass(600_000);
  assert.equal(steps, 3);
  await ask("wallet.lock");
  await pass(7_200_000);
  assert.equal(steps, 3);
  clock.mock.restore();
});

test("a restore keeps and drops what its text announces", async () => {
  await ask("wallet.collect", { choice: "never" });
  await ask("wallet.autolock", { seconds: 60 });
  const { address } = await ask("wallet.account.add", { name: "Second" });
  await ask("wallet.contact.save", { address: OTHER, name: "Someone" });
  Object.assign(state, {
    sent: [{ transaction: "0x1", state: "confirmed" }],
    permits: [{ origin: "https://tunes.example", account: address }],
    claiming: [{ wallet: ME, server: OTHER, epoch: 1, payee: ADDRESS(1), code: "claim.small" }],
  });
  await restore(ME);
  assert.deepEqual([state.collect, state.auto_lock_s, state.claiming.length], ["never", 60, 1]);
  assert.deepEqual([state.contacts, state.sent, state.permits, state.accounts.length], [[], [], [], 1]);
  // As many as before are the same ones, whatever they are called.
  assert.equal((await ask("wallet.account.add", { name: "Anew" })).address, address);
  Object.assign(state, { claiming: [] });
  await ask("wallet.autolock", { seconds: 900 });
});

test("a network whose clock is ahead expires no session of another one", async () => {
  const now_s = Math.floor(Date.now() / 1000);
  const mine = await sessionFor(at(now_s));
  await sessionFor({ ...at(now_s + 400 * 86_400), chain_id: 5 });
  assert.equal((await sessionFor(at(now_s))).id, mine.id);
  await ask("wallet.lock");
  assert.equal((await sessionFor(at(now_s + 3600))).id, mine.id);
  await ask("wallet.unlock", { password: "x" });
});
