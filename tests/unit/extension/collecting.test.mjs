// Where rewards are collected: one choice, and a question for each station in the extension's window.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { ask, hostRequests, core, fresh, now, sessionFor, state, storage, wallet } from "./wallet_world.mjs";

const RADIO = { address: "0xradio", domain: "radio.example", name: "Radio" };
const at = (station) => ({ device: "0xd", station, chain_id: 1, settlement: "0x5", now_s: 7200 });
const code = (wanted) => (error) => error.code === wanted;
let signed;

beforeEach(async () => {
  await fresh();
  Object.assign(state, { collect: "always", answers: [] });
  signed = 0;
  core["session.sign"] = ({ number, now_s }) => ({
    session: {},
    id: `0x${++signed}`,
    payee: "0xp",
    number,
    expires_s: now_s + 9e5,
  });
  await ask("wallet.unlock", { password: "x" });
});
after(() => ask("wallet.lock"));

test("always: a session is signed for every registered station, without a question", async () => {
  await wallet.addQuestion(RADIO);
  assert.ok(await sessionFor(at(RADIO)));
  assert.equal(await sessionFor(at(null)), null);
  assert.deepEqual((await ask("wallet.decisions")).questions, []);
});

test("never: no session, no question", async () => {
  await ask("wallet.collect", { choice: "never" });
  await wallet.addQuestion(RADIO);
  assert.equal(await sessionFor(at(RADIO)), null);
  assert.deepEqual([signed, state.answers], [0, []]);
  assert.deepEqual([wallet.statusAt(RADIO).rewards, wallet.statusAt(RADIO).asks], [false, false]);
});

test("ask: nothing is signed before the answer; a yes is for one station only, and a no is stored", async () => {
  await ask("wallet.collect", { choice: "ask" });
  for (let i = 0; i < 2; i++) await wallet.addQuestion(RADIO);
  await wallet.addQuestion({ address: "0xother", domain: "other.example", name: "Other" });
  assert.deepEqual(
    (await ask("wallet.decisions")).questions.map(({ domain }) => domain),
    ["other.example", "radio.example"],
  );
  assert.equal(await sessionFor(at(RADIO)), null);
  assert.deepEqual([signed, wallet.statusAt(RADIO).asks], [0, true]);
  await ask("wallet.collect.answer", { station: "0xradio", collect: true });
  await ask("wallet.collect.answer", { station: "0xother", collect: false });
  assert.ok(await sessionFor(at(RADIO)));
  assert.equal(await sessionFor(at({ ...RADIO, address: "0xother" })), null);
  assert.deepEqual((await ask("wallet.decisions")).questions, []);
  await wallet.addQuestion({ address: "0xother", domain: "other.example", name: "Other" });
  assert.deepEqual(
    [wallet.statusAt({ address: "0xother" }).asks, state.answers.length, storage["answers"].length],
    [false, 2, 2],
  );
});

test("a session of a yes is not used after the choice of never", async () => {
  assert.ok(await sessionFor(at(RADIO)));
  await ask("wallet.collect", { choice: "never" });
  assert.equal(await sessionFor(at(RADIO)), null);
});

test("other choices, and answers without a question, are refused", async () => {
  for (const choice of ["", "Always", "yes", "constructor"])
    await assert.rejects(ask("wallet.collect", { choice }), code("message.schema"));
  await assert.rejects(ask("wallet.collect.answer", { station: "0xradio", collect: true }), code("message.schema"));
  assert.equal(hostRequests.filter(({ op }) => op === "site").length, 0);
});

test("without a wallet there is no question, and a locked one keeps its questions", async () => {
  await ask("wallet.collect", { choice: "ask" });
  await wallet.addQuestion(RADIO);
  await ask("wallet.lock");
  assert.equal((await ask("wallet.decisions")).questions.length, 1);
  state.vault = null;
  await wallet.addQuestion({ ...RADIO, address: "0xnew" });
  assert.equal(state.answers.length, 1);
  assert.equal(now.locked, true);
});
