// Withdrawal of listening money: its steps, and an interrupted one.
import assert from "node:assert/strict";
import { after, beforeEach, mock, test } from "node:test";
import { Problem } from "../../../extension/shared/problem.js";
import { ME, NETWORK, TOKEN, ask, hostRequests, code, core, fresh, host, state } from "./wallet_world.mjs";

const [SERVER, PAYER, STATION] = [2, 3, 4].map((digit) => `0x${String(digit).repeat(40)}`);
const PLACE = {
  server: SERVER,
  payer: PAYER,
  station: STATION,
  domain: "harbour.example",
  chain_id: 31337,
  settlement: NETWORK.settlement,
  token: TOKEN,
  escrow_wei: "70",
  left_wei: "0",
  pending_wei: "0",
  spent_wei: "30",
  requested_wei: "70",
  held_wei: "0",
  ready_s: 100,
  now_s: 100,
  delay_s: 60,
};
let place;
/** Call data of what was sent, in order. @type {string[]} */
let sent;

beforeEach(async () => {
  await fresh();
  place = { ...PLACE };
  sent = [];
  state.sessions = [];
  host.escrow = () => ({ places: [place] });
  host.transaction = () => ({ state: "confirmed" });
  core["escrow.calls"] = ({ to, amount_wei }) => ({
    request: "request",
    withdraw: "withdraw",
    transfer: `transfer ${to} ${amount_wei}`,
  });
  core["transaction.sign"] = (call) => ({
    raw: JSON.stringify([call.station ?? call.index, call.to, call.data]),
    transaction: "0xaa",
  });
  host.send = ({ raw }) => {
    sent.push(JSON.parse(raw));
    if (raw.includes("withdraw")) place = { ...place, requested_wei: "0", escrow_wei: "0", held_wei: "64" };
    if (raw.includes("transfer")) place = { ...place, held_wei: "0" };
    return { transaction: "0xaa" };
  };
});

// The time to the lock would keep this process waiting.
after(() => ask("wallet.lock"));
const take = () => ask("wallet.listening.take", { server: SERVER, payer: PAYER });
const settled = async () => {
  for (let look = 0; look < 200; look++) {
    const { under_way } = (await ask("wallet.listening")).places[0];
    if (!under_way) return;
    if (under_way.startsWith("failed")) throw new Error(under_way);
    await new Promise(setImmediate);
  }
  throw new Error("never settled");
};

test("all that was withdrawn is sent to the account, also where statements left less than requested", async () => {
  await take();
  await settled();
  assert.deepEqual(sent.slice(-2), [
    [STATION, NETWORK.settlement, "withdraw"],
    [STATION, TOKEN, `transfer ${ME} 64`],
  ]);
});

test("after an interruption between the two steps the next press continues with the second", async () => {
  place = { ...place, requested_wei: "0", escrow_wei: "0", held_wei: "64" };
  await take();
  await settled();
  assert.deepEqual(sent.at(-1), [STATION, TOKEN, `transfer ${ME} 64`]);
  assert.equal(
    sent.some(([, , data]) => data === "withdraw"),
    false,
  );
});

test("nothing is sent before the delay is over, and nothing from an empty escrow", async () => {
  place = { ...place, now_s: 99 };
  await assert.rejects(take(), code("claim.pending"));
  place = { ...place, requested_wei: "0", escrow_wei: "0" };
  await assert.rejects(take(), code("listener.escrow.short"));
  assert.deepEqual([sent, hostRequests.filter(({ op }) => op === "send")], [[], []]);
});

test("a node's refusal or timeout ends no step: the same bytes are sent until a block has them", async () => {
  place = { ...place, requested_wei: "0", escrow_wei: "0", held_wei: "64" };
  const { send } = host;
  const offered = [];
  const answers = ["unknown", "silent", "unknown", "confirmed"];
  host.send = (request) => {
    offered.push(request.raw);
    if (offered.length < 3) throw new Problem("chain.reverted", { reason: "max fee per gas less than block base fee" });
    return send(request);
  };
  host.transaction = () => {
    const next = answers.shift();
    if (next === "silent") throw new Problem("chain.unreachable");
    return { state: next };
  };
  // The real timer to the lock ends before the pretended ones begin.
  await ask("wallet.lock");
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    await ask("wallet.unlock", { password: "x" });
    await take();
    for (let look = 0; look < 500 && (await ask("wallet.listening")).places[0].under_way; look++) {
      mock.timers.tick(400);
      await new Promise(setImmediate);
    }
  } finally {
    await ask("wallet.lock");
    mock.timers.reset();
  }
  assert.equal(new Set(offered).size, 1);
  assert.deepEqual([sent.length, answers.length, place.held_wei], [1, 0, "0"]);
});

test("a step whose nonce another transaction has used fails with transfer.replaced", async () => {
  place = { ...place, requested_wei: "0", escrow_wei: "0", held_wei: "64" };
  host.transaction = () => ({ state: "replaced", by: "0xother" });
  await take();
  await assert.rejects(settled(), /transfer\.replaced/);
});
