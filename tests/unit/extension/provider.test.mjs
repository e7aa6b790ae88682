// The provider: what a site gets before and after an approval, the approval window, and the errors.
import assert from "node:assert/strict";
import { after, beforeEach, mock, test } from "node:test";
import { Problem } from "../../../extension/shared/problem.js";
import {
  ask as wallet,
  hostRequests as asked,
  core,
  FRIEND,
  fresh,
  host,
  ME,
  NETWORK,
  now,
  state,
  storage,
  portMessages,
  TOKEN,
} from "./wallet_world.mjs";

const approvals = await import("../../../extension/engine/provider/approvals.js");
const { callOf } = await import("../../../extension/engine/provider/signing.js");
const { READS, REFUSED } = await import("../../../extension/engine/provider/methods.js");
const provider = await import("../../../extension/engine/provider/provider.js");

const SITE = { origin: "https://tunes.example", top: null };
const OTHER = { origin: "https://other.example", top: null };
let last = 0;
let port = 0;

/** A page of a site, and what it says and hears. */
function page(site = SITE) {
  const mine = ++port;
  provider.open(mine, site);
  const heard = () => portMessages.filter((one) => one.port === mine).map(({ message }) => message);
  return {
    port: mine,
    events: () =>
      heard()
        .filter(({ type }) => type === "event")
        .map(({ name, body }) => [name, JSON.parse(body)]),
    begin(method, params = []) {
      const id = ++last;
      const done = provider.onRequest(mine, { id, method, params: JSON.stringify(params) }).then(() => {
        const { ok, body } = heard().find((message) => message.id === id);
        return ok ? { value: JSON.parse(body) } : JSON.parse(body);
      });
      return done;
    },
    async ask(method, params) {
      return this.begin(method, params);
    },
  };
}

const look = () => provider.handle({ type: "approval.next" });
const until = async (test_) => {
  for (let i = 0; i < 200; i++) {
    const found = await test_();
    if (found) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("never");
};
const shown = () => until(async () => (await look()).approval);
const decide = async (agree, fields = {}) => {
  const approval = await shown();
  clock.now += 1000;
  await provider.handle({ type: "approval.answer", approval: approval.id, agree, ...fields });
  return approval;
};
const connect = async (site = SITE, account = ME) => {
  const one = page(site);
  const done = one.begin("eth_requestAccounts");
  await decide(true, { account });
  assert.deepEqual(await done, { value: [account] });
  return one;
};

/** The engine's own clock. */
const clock = { now: 1_000_000 };
mock.method(performance, "now", () => clock.now);

beforeEach(async () => {
  clock.now += 1_000_000;
  await fresh();
  portMessages.length = 0;
  Object.assign(core, {
    "personal.read": ({ data }) => ({ text: data, hex: "0x68", hidden: false, sign_in: null }),
    "personal.sign": () => ({ signature: "0x51" }),
    "typed.read": ({ data }) => {
      if (data.includes("extra"))
        throw new Problem("message.schema", { field: "message.extra", reason: "not declared" });
      return { primary: "Mail", domain: [], message: [] };
    },
    "typed.sign": () => ({ signature: "0x712" }),
    "call.read": () => ({ kind: "unknown", other: null, amount: null, unlimited: false, method: "0x" }),
  });
  host.read = ({ method }) => ({ value: method });
});
after(() => wallet("wallet.lock"));

test("without a permit a site gets no account, and its requests are refused", async () => {
  const one = page();
  assert.deepEqual(await one.ask("eth_accounts"), { value: [] });
  assert.deepEqual(await one.ask("wallet_getPermissions"), { value: [] });
  for (const method of [...READS]) assert.equal((await one.ask(method)).code, 4100, method);
  for (const [method, params] of [
    ["personal_sign", ["hi", ME]],
    ["eth_signTypedData_v4", [ME, "{}"]],
    ["eth_sendTransaction", [{ from: ME, to: FRIEND }]],
    ["wallet_switchEthereumChain", [{ chainId: "0x5" }]],
  ]) {
    const { code, data } = await one.ask(method, params);
    assert.deepEqual([code, data.code], [4100, "site.account"], method);
  }
  assert.equal((await look()).approval, null);
  // Not the fan's choice of a network, but the host's first one.
  await wallet("wallet.network", { chain_id: 5 });
  assert.deepEqual(await one.ask("eth_chainId"), { value: "0x7a69" });
  assert.equal(asked.filter(({ op }) => op === "read").length, 0);
  assert.ok(!one.events().some(([name]) => name === "accountsChanged"));
  await wallet("wallet.network", { chain_id: 31337 });
});

test("a person permits one account to a site, and may revoke it", async () => {
  await wallet("wallet.account.add", { name: "Tips" });
  const tips = state.account;
  const one = await connect(SITE, tips);
  assert.deepEqual(await one.ask("eth_accounts"), { value: [tips] });
  assert.deepEqual(await page(OTHER).ask("eth_accounts"), { value: [] });
  assert.deepEqual(
    await page({ ...SITE, top: OTHER.origin }).ask("eth_accounts"),
    { value: [] },
    "in another site's frame it is another site",
  );
  await wallet("wallet.account.use", { index: 0 });
  assert.deepEqual(await one.ask("eth_requestAccounts"), { value: [tips] }, "the account in use is not the site's");
  const [permission] = (await one.ask("wallet_getPermissions")).value;
  assert.deepEqual(
    [permission.parentCapability, permission.invoker, permission.caveats[0].value],
    ["eth_accounts", SITE.origin, [tips]],
  );
  assert.deepEqual(
    (await wallet("wallet.permits")).permits.map(({ origin, account, name }) => [origin, account, name]),
    [[SITE.origin, tips, "Tips"]],
  );
  await wallet("wallet.permit.revoke", { origin: SITE.origin });
  assert.deepEqual(await one.ask("eth_accounts"), { value: [] });
  await until(() => one.events().at(-1)?.[0] === "accountsChanged" && one.events().at(-1)[1].length === 0);
  assert.deepEqual(storage.permits, []);
});

test("a site may revoke its permit, and request accounts only", async () => {
  const one = await connect();
  assert.equal((await one.ask("wallet_revokePermissions", [{ eth_accounts: {} }])).value, null);
  assert.deepEqual(await one.ask("eth_accounts"), { value: [] });
  for (const what of [{}, { snap: {} }, { eth_accounts: {}, snap: {} }, null, "eth_accounts"])
    assert.equal((await one.ask("wallet_requestPermissions", [what])).code, -32602);
});

test("an account of another wallet is not permitted", async () => {
  const one = page();
  const done = one.begin("eth_requestAccounts");
  await assert.rejects(decide(true, { account: FRIEND }), (error) => error.code === "message.schema");
  assert.equal((await done).code, -32602);
  assert.deepEqual(state.permits, []);
});

test("a rejection, a closed window and a timeout are 4001", async () => {
  const one = page();
  const first = one.begin("eth_requestAccounts");
  await decide(false);
  assert.equal((await first).code, 4001);
  const second = one.begin("eth_requestAccounts");
  await shown();
  approvals.rejectAll();
  assert.equal((await second).code, 4001);
});

test("an approval counts after the request was shown, once, and for the request that is shown", async () => {
  const one = await connect();
  const done = one.begin("personal_sign", ["hi", ME]);
  const approval = await shown();
  const answer = (fields) =>
    provider.handle({ type: "approval.answer", agree: true, approval: approval.id, ...fields });
  await assert.rejects(answer({}), (error) => error.code === "wallet.quote", "too soon");
  clock.now += 1000;
  await assert.rejects(answer({ approval: "another" }), (error) => error.code === "wallet.quote");
  await Promise.all([answer({}), assert.rejects(answer({}), (error) => error.code === "wallet.quote")]);
  assert.deepEqual(await done, { value: "0x51" });
});

test("requests are queued; a site has three at once, and is refused after three rejections", async () => {
  const one = await connect();
  const all = ["a", "b", "c"].map((text) => one.begin("personal_sign", [text, ME]));
  await until(async () => (await look()).waiting === 2);
  const fourth = await one.ask("personal_sign", ["d", ME]);
  assert.deepEqual([fourth.code, fourth.data.code], [-32002, "site.waiting"]);
  const seen = [];
  for (let i = 0; i < 3; i++) seen.push((await decide(false)).facts.text);
  assert.deepEqual(seen, ["a", "b", "c"]);
  assert.deepEqual(
    (await Promise.all(all)).map(({ code }) => code),
    [4001, 4001, 4001],
  );
  assert.equal((await one.ask("personal_sign", ["e", ME])).code, -32005);
  clock.now += 61_000;
  const later = one.begin("personal_sign", ["f", ME]);
  await decide(true);
  assert.deepEqual(await later, { value: "0x51" });
});

test("the frames of a page count to its limits, whatever their origins", async () => {
  const frames = Array.from({ length: 12 }, (_, i) => page({ origin: `https://f${i}.example`, top: OTHER.origin }));
  const all = frames.map((frame) => frame.begin("eth_requestAccounts"));
  await until(async () => (await look()).waiting === 2);
  for (const done of all.slice(3)) assert.equal((await done).code, -32002);
  const other = page().begin("eth_requestAccounts");
  await until(async () => (await look()).waiting === 3);
  for (let i = 0; i < 3; i++) await decide(false);
  await decide(true, { account: ME });
  assert.deepEqual(await other, { value: [ME] });
  assert.equal(
    (await page({ origin: "https://f99.example", top: OTHER.origin }).ask("eth_requestAccounts")).code,
    -32005,
  );
});

test("the requests of a closed page are cancelled", async () => {
  const one = await connect();
  const done = one.begin("personal_sign", ["hi", ME]).catch(() => "gone");
  await shown();
  provider.close(one.port);
  assert.equal((await look()).approval, null);
  await done;
});

test("a page that is closed while its facts are read gets no approval", async () => {
  const one = await connect();
  for (const leave of [() => provider.close(one.port), () => provider.lost()]) {
    let go;
    core["personal.read"] = () =>
      new Promise((resolve) => (go = () => resolve({ text: "hi", hex: "0x68", hidden: false, sign_in: null })));
    provider.open(one.port, SITE);
    const done = one.begin("personal_sign", ["hi", ME]).catch(() => "gone");
    await until(() => go);
    leave();
    go();
    await done;
    assert.equal((await look()).approval, null);
  }
});

test("while the wallet is locked a site gets no account, and the window no facts", async () => {
  const one = await connect();
  await wallet("wallet.lock");
  assert.deepEqual(await one.ask("eth_accounts"), { value: [] });
  assert.equal((await one.ask("eth_blockNumber")).code, 4100);
  const done = one.begin("eth_requestAccounts");
  const told_ = await until(async () => ((await look()).approval ? look() : null));
  assert.equal(told_.locked, true);
  assert.deepEqual(Object.keys(told_.approval), ["id", "kind", "origin", "top"]);
  await provider.handle({ type: "approval.unlock", password: "x" });
  await look();
  assert.deepEqual(await done, { value: [ME] });
});

test("a request is signed as it was shown, by the permitted account only", async () => {
  const one = await connect();
  const signed = [];
  core["typed.sign"] = (payload) => (signed.push(payload), { signature: "0x712" });
  const done = one.begin("eth_signTypedData_v4", [ME.toUpperCase().replace("X", "x"), { a: 1 }]);
  const { facts } = await decide(true);
  assert.equal(facts.primary, "Mail");
  assert.deepEqual(await done, { value: "0x712" });
  assert.deepEqual(signed, [
    { data: '{"a":1}', chain_id: 31337, own: [NETWORK.settlement, NETWORK.settlement], index: 0, account: ME },
  ]);
  assert.equal((await one.ask("eth_signTypedData_v4", [FRIEND, "{}"])).code, 4100);
  const extra = await one.ask("eth_signTypedData_v4", [ME, '{"extra": 1}']);
  assert.deepEqual(
    [extra.code, extra.data],
    [-32602, { code: "message.schema", field: "message.extra", reason: "not declared" }],
  );
  assert.equal((await look()).approval, null, "what cannot be signed is not asked");
});

test("revoking a permit cancels the site's pending requests", async () => {
  const one = await connect();
  const done = one.begin("personal_sign", ["hi", ME]);
  await shown();
  await wallet("wallet.permit.revoke", { origin: SITE.origin });
  assert.equal((await done).code, 4100);
});

test("a transaction is simulated, shown, signed as shown, and listed in the activity with its site", async () => {
  const one = await connect();
  const done = one.begin("eth_sendTransaction", [
    { from: ME, to: FRIEND, value: "0x0", data: "0x1234", gas: "0xffffff" },
  ]);
  const { facts } = await decide(true);
  assert.deepEqual(
    [facts.fee_wei, facts.most_wei, facts.chain_id, facts.data, facts.says.kind],
    ["300", "540", 31337, "0x1234", "unknown"],
  );
  assert.deepEqual(await done, { value: "0xaa4" });
  const [line] = (await wallet("wallet.summary")).activity;
  assert.deepEqual(
    [line.kind, line.site, line.other, line.amount_wei, line.state],
    ["sent", SITE.origin, FRIEND, "0", "pending"],
  );
});

test("fees are read again while the window is open, and the approval is for the new ones", async () => {
  const one = await connect();
  const done = one.begin("eth_sendTransaction", [{ from: ME, to: FRIEND }]);
  const approval = await shown();
  const simulate = host.simulate;
  host.simulate = () => ({ ...simulate(), fee_wei: "301" });
  clock.now += 90_000;
  const answer = () => provider.handle({ type: "approval.answer", agree: true, approval: approval.id });
  assert.equal((await shown()).facts.fee_wei, "301");
  await assert.rejects(answer(), (error) => error.code === "wallet.quote");
  clock.now += 1000;
  await answer();
  assert.equal((await done).value, "0xaa4");
});

test("an approval is for the facts that the window shows, not for those that were read afterwards", async () => {
  const one = await connect();
  const done = one.begin("eth_sendTransaction", [{ from: ME, to: FRIEND }]);
  const before = await shown();
  clock.now += 90_000;
  const after_ = await shown();
  assert.notEqual(after_.looks, before.looks);
  clock.now += 1000;
  const answer = ({ id, looks }) => provider.handle({ type: "approval.answer", agree: true, approval: id, looks });
  await assert.rejects(answer(before), (error) => error.code === "wallet.quote");
  await answer(after_);
  assert.equal((await done).value, "0xaa4");
});

test("effects are null after a pending transaction", async () => {
  const one = await connect();
  const simulate = host.simulate;
  host.simulate = () => ({ ...simulate(), effects: { changes: [], more: false, as_said: true } });
  const first = one.begin("eth_sendTransaction", [{ from: ME, to: FRIEND }]);
  assert.equal((await decide(true)).facts.effects.as_said, true);
  await first;
  const second = one.begin("eth_sendTransaction", [{ from: ME, to: FRIEND }]);
  assert.equal((await decide(false)).facts.effects, null);
  assert.equal((await second).code, 4001);
});

test("a request whose facts are being read counts as pending", async () => {
  const one = await connect();
  const looks = [];
  core["personal.read"] = () =>
    new Promise((resolve) => looks.push(() => resolve({ text: "hi", hex: "0x68", hidden: false, sign_in: null })));
  const all = ["a", "b", "c"].map((text) => one.begin("personal_sign", [text, ME]));
  await until(() => looks.length === 3);
  for (let i = 0; i < 20; i++) assert.equal((await one.ask("personal_sign", ["d", ME])).code, -32002);
  assert.equal(looks.length, 3, "core and node are asked for no more than a person will be");
  core["personal.read"] = () => ({ text: "hi", hex: "0x68", hidden: false, sign_in: null });
  for (const go of looks) go();
  for (let i = 0; i < 3; i++) await decide(false);
  assert.deepEqual(
    (await Promise.all(all)).map(({ code }) => code),
    [4001, 4001, 4001],
  );
});

test("a site gets the standard's codes, without details of this computer", async () => {
  const one = await connect();
  for (const [code, number, word] of [
    ["chain.funds", -32003, "chain.funds"],
    ["wallet.fee", -32003, "wallet.fee"],
    ["wallet.recipient", -32602, "message.schema"],
    ["host.message.schema", -32602, "message.schema"],
    ["host.frame.size", -32602, "message.schema"],
    ["chain.unreachable", 4901, "chain.unreachable"],
    ["chain.mismatch", 4901, "chain.unreachable"],
    ["host.gone", 4900, "host.gone"],
    ["host.disk.full", 4900, "host.gone"],
    ["host.ledger.damaged", 4900, "host.gone"],
    ["host.answer", 4900, "host.gone"],
    ["ledger.unknown", -32603, "internal"],
  ]) {
    host.simulate = () => {
      throw new Problem(code, { path: "/home/fan" });
    };
    const told_ = await one.ask("eth_sendTransaction", [{ from: ME, to: FRIEND }]);
    assert.deepEqual([told_.code, told_.data.code, JSON.stringify(told_).includes("fan")], [number, word, false], code);
  }
});

test("a transfer of GoMAA is listed in the activity as a transfer", async () => {
  core["call.read"] = () => ({
    kind: "transfer",
    other: FRIEND.toUpperCase(),
    amount: "30",
    unlimited: false,
    method: "0xa9059cbb",
  });
  const one = await connect();
  const done = one.begin("eth_sendTransaction", [{ from: ME, to: TOKEN, data: "0x12" }]);
  assert.equal((await decide(true)).facts.place, "token");
  await done;
  const [line] = (await wallet("wallet.summary")).activity;
  assert.deepEqual([line.other, line.amount_wei], [FRIEND, "30"]);
});

test("a transaction that would fail, is for another network or has an unshown field is refused", async () => {
  const one = await connect();
  const asks = (fields) => one.ask("eth_sendTransaction", [{ from: ME, to: FRIEND, ...fields }]);
  host.simulate = () => {
    throw new Problem("chain.reverted", { reason: "no", rpc: "ws://secret" });
  };
  const failed = await asks({});
  assert.deepEqual([failed.code, failed.data], [3, { code: "chain.reverted", reason: "no" }]);
  host.simulate = () => ({
    nonce: 4,
    gas: 60_000,
    tip_wei: "1",
    max_fee_wei: "9",
    fee_wei: "300",
    most_wei: "540",
    coin_wei: "540",
  });
  assert.equal((await asks({ value: "0x1" })).code, -32003, "coin for fee and value together");
  for (const fields of [
    { chainId: "0x1" },
    { nonce: "0x9" },
    { accessList: [] },
    { to: undefined },
    { data: "0x1" },
    { data: "0x12", input: "0x13" },
    { value: 1 },
    { value: "1" },
    { from: undefined },
  ]) {
    assert.equal((await asks(fields)).code, -32602, JSON.stringify(fields));
  }
  assert.equal((await asks({ from: FRIEND })).code, 4100);
  assert.equal((await look()).approval, null);
  assert.equal(callOf({ to: FRIEND, input: "0xAB" }).data, "0xab");
  assert.equal(callOf({ to: FRIEND, data: "0XAB" }).data, "0xab");
  for (const [text, wanted] of [
    ["0xfF", 255n],
    ["0XFf", 255n],
    ["0x00", 0n],
    ["0x0A", 10n],
  ])
    assert.equal(callOf({ to: FRIEND, value: text }).value, wanted);
});

test("a site switches to a network of the host after an approval; others are 4902", async () => {
  const one = await connect();
  for (const method of ["wallet_switchEthereumChain", "wallet_addEthereumChain"])
    for (const chainId of ["0x7a69", "0x7A69", "0X7a69", "0X7A69"])
      assert.equal((await one.ask(method, [{ chainId }])).value, null);
  const done = one.begin("wallet_switchEthereumChain", [{ chainId: "0x5" }]);
  assert.deepEqual((await decide(true)).facts, { from: 31337, chain_id: 5 });
  assert.equal((await done).value, null);
  assert.deepEqual([(await one.ask("eth_chainId")).value, (await one.ask("net_version")).value], ["0x5", "5"]);
  assert.ok(one.events().some(([name, value]) => name === "chainChanged" && value === "0x5"));
  assert.equal(state.chain_id === 5, false, "the wallet's own network stays");
  for (const method of ["wallet_switchEthereumChain", "wallet_addEthereumChain"])
    assert.equal((await one.ask(method, [{ chainId: "0x1", rpcUrls: ["https://evil.example"] }])).code, 4902);
  for (const chainId of [5, "5", "0x05", "0x", "0X0", "7A69", "0x7a69n", " 0x5", null])
    assert.equal((await one.ask("wallet_switchEthereumChain", [{ chainId }])).code, -32602);
});

test("read-only methods are performed for a site with a permit, on its network", async () => {
  const one = await connect();
  assert.deepEqual(await one.ask("eth_call", [{ to: FRIEND }, "latest"]), { value: "eth_call" });
  assert.deepEqual(
    asked.find(({ op }) => op === "read"),
    { op: "read", chain_id: 31337, method: "eth_call", params: [{ to: FRIEND }, "latest"] },
  );
});

test("eth_sign and other methods that are not in the table are 4200 with a reason", async () => {
  const one = await connect();
  for (const method of [
    ...Object.keys(REFUSED),
    "eth_coinbase",
    "debug_traceCall",
    "anvil_setBalance",
    "constructor",
    "__proto__",
    "toString",
    "",
  ]) {
    const { code, data } = await one.ask(method, []);
    assert.deepEqual([code, data.code], [4200, "wallet.unsupported"], method);
    assert.ok(data.reason);
  }
  assert.equal(asked.filter(({ op }) => op === "read").length, 0);
});

test("a page gets the events disconnect and connect, without a cause", async () => {
  const one = await connect();
  const { status } = host;
  host.status = () => ({ state: "gone", networks: [] });
  const gone = await one.ask("eth_chainId");
  assert.deepEqual(gone, { code: 4900, message: "The wallet is disconnected", data: { code: "host.gone" } });
  provider.changed();
  await until(() => one.events().some(([name, { code }]) => name === "disconnect" && code === 4900));
  host.status = status;
  provider.changed();
  await until(() => one.events().filter(([name]) => name === "connect").length === 2);
});

test("a new wallet has no permits of the previous one", async () => {
  await connect();
  await wallet("wallet.create", { mnemonic: "words", password: "a good password", replace: true });
  assert.deepEqual(state.permits, []);
  assert.equal(now.locked, false);
});

test("after a restart of the background a new page with an old port number gets no response and no event of the previous page", async () => {
  const one = await connect();
  const before = one.begin("personal_sign", ["hi", ME]).catch(() => "gone");
  const approval = await shown();
  clock.now += 1000;
  provider.lost();
  assert.equal((await look()).approval, null, "nothing that nobody waits for is asked");
  await assert.rejects(
    provider.handle({ type: "approval.answer", approval: approval.id, agree: true }),
    (error) => error.code === "wallet.quote",
  );
  portMessages.length = 0;
  provider.open(one.port, OTHER);
  provider.changed();
  await new Promise((resolve) => setTimeout(resolve, 10));
  const heard = portMessages
    .filter(({ port: to }) => to === one.port)
    .map(({ message }) => [message.type, message.name]);
  assert.deepEqual(heard, [["event", "connect"]], "no reply to what the page before asked, no account of its permit");
  void before;
});

test("after a restart a page with a permit gets connect and its account, and its requests are handled", async () => {
  const one = await connect();
  provider.lost();
  portMessages.length = 0;
  provider.open(one.port, SITE);
  assert.deepEqual(await one.ask("eth_accounts"), { value: [ME] });
  assert.deepEqual(one.events(), [
    ["connect", { chainId: "0x7a69" }],
    ["accountsChanged", [ME]],
  ]);
  const refusals = approvals.MAX_REJECTIONS + 1;
  for (let i = 0; i < refusals; i++) {
    void one.begin("personal_sign", ["hi", ME]).catch(() => undefined);
    await shown();
    provider.lost();
    provider.open(one.port, SITE);
  }
  const done = one.begin("personal_sign", ["hi", ME]);
  await decide(true);
  assert.deepEqual(await done, { value: "0x51" }, "a restart is no refusal of a person's");
});

test("a request at the closing of the last window is shown in another window, and is not rejected", async () => {
  const one = await connect();
  const leaving = 900;
  provider.openWindow(leaving);
  const first = one.begin("personal_sign", ["0x68", ME]);
  await decide(true);
  assert.deepEqual(await first, { value: "0x51" });
  // The window hears that nothing waits, and says so; before it is gone the site asks again.
  assert.equal((await look()).approval, null);
  assert.deepEqual(await provider.handle({ type: "approval.done" }), { more: false });
  const second = one.begin("personal_sign", ["0x68", ME]);
  await shown();
  provider.close(leaving);
  provider.openWindow(901);
  await decide(true);
  assert.deepEqual(await second, { value: "0x51" });
  provider.close(901);
});

test("a request before the window is done keeps it open", async () => {
  const one = await connect();
  provider.openWindow(902);
  assert.equal((await look()).approval, null);
  const asked = one.begin("personal_sign", ["0x68", ME]);
  await shown();
  assert.deepEqual(await provider.handle({ type: "approval.done" }), { more: true });
  // A person who closes it refuses.
  provider.close(902);
  assert.equal((await asked).code, 4001);
});
