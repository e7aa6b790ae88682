// The provider in the page and its relay.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const source = (name) => readFileSync(new URL(`../../../extension/content/${name}.js`, import.meta.url), "utf8");

/** A window with both scripts, and ports that the test answers. */
function world({ secure = true } = {}) {
  const window = new EventTarget();
  const ports = [];
  const runtime = { removed: false };
  // Time passes when a test says so.
  const timers = new Set();
  const later = (work, ms) => {
    const timer = { work, ms };
    timers.add(timer);
    return timer;
  };
  const pass = () => [...timers].forEach((timer) => timers.delete(timer) && timer.work());
  const transition = (type, persisted) => window.dispatchEvent(Object.assign(new Event(type), { persisted }));
  const connect = ({ name }) => {
    const listeners = { message: [], disconnect: [] };
    const port = {
      name,
      said: [],
      onMessage: { addListener: (listener) => listeners.message.push(listener) },
      onDisconnect: { addListener: (listener) => listeners.disconnect.push(listener) },
      postMessage: (message) => port.said.push(structuredClone(message)),
      disconnect: () => (port.closed = true),
      tell: (message) => listeners.message.forEach((listener) => listener(message)),
      drop: () => listeners.disconnect.forEach((listener) => listener()),
    };
    ports.push(port);
    return port;
  };
  const shared = {
    window,
    isSecureContext: secure,
    crypto,
    CustomEvent,
    Event,
    JSON,
    Error,
    Object,
    Promise,
    Map,
    Set,
    Number,
    String,
    Math,
    encodeURIComponent,
    setTimeout: later,
    clearTimeout: (timer) => timers.delete(timer),
  };
  const announced = [];
  window.addEventListener("eip6963:announceProvider", ({ detail }) => announced.push(detail));
  const isolated = vm.createContext({
    ...shared,
    chrome: { runtime: { connect: (info) => (runtime.removed ? assert.fail("invalidated") : connect(info)) } },
  });
  vm.runInContext(source("port"), isolated);
  vm.runInContext(source("relay"), isolated);
  vm.runInNewContext(source("provider"), shared);
  const ask = (method, params) => announced[0].provider.request({ method, ...(params ? { params } : {}) });
  return { window, ports, announced, ask, pass, transition, runtime };
}

test("the provider is announced at once and on request, frozen, and does not set window.ethereum", () => {
  const { window, announced, ports } = world();
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  assert.equal(announced.length, 2);
  const [{ info, provider }] = announced;
  assert.deepEqual([info.name, info.rdns, info.uuid === announced[1].info.uuid], ["GoMAA", "io.gomaa.wallet", true]);
  assert.match(info.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const icon = readFileSync(new URL("../../../extension/icons/gomaa.svg", import.meta.url), "utf8").trim();
  assert.equal(decodeURIComponent(info.icon.slice("data:image/svg+xml,".length)), icon);
  for (const one of [announced[0], info, provider]) assert.ok(Object.isFrozen(one));
  assert.equal("ethereum" in window, false);
  assert.equal(ports.length, 0, "a port without a request");
  assert.notEqual(world().announced[0].info.uuid, info.uuid);
});

test("an insecure page has no provider and no port", () => {
  const { announced, window, ports } = world({ secure: false });
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  window.dispatchEvent(new CustomEvent("gomaa:ask", { detail: '{"id":1,"method":"eth_accounts","params":"[]"}' }));
  assert.deepEqual([announced.length, ports.length], [0, 0]);
});

test("a request is sent as text with an id, and settled by its response", async () => {
  const { ports, ask } = world();
  const good = ask("eth_call", [{ to: "0x1" }, "latest"]);
  const bad = ask("eth_sign");
  const [port] = ports;
  assert.equal(port.name, "provider");
  assert.deepEqual(port.said, [
    { type: "request", id: 1, method: "eth_call", params: '[{"to":"0x1"},"latest"]' },
    { type: "request", id: 2, method: "eth_sign", params: "[]" },
  ]);
  port.tell({
    type: "reply",
    id: 2,
    ok: false,
    body: '{"code":4200,"message":"no","data":{"code":"wallet.unsupported"}}',
  });
  port.tell({ type: "reply", id: 1, ok: true, body: '"0x2a"' });
  assert.equal(await good, "0x2a");
  await assert.rejects(
    bad,
    (error) => error.code === 4200 && error.message === "no" && error.data.code === "wallet.unsupported",
  );
});

test("an invalid request is rejected and not sent", async () => {
  const { ports, announced } = world();
  const { provider } = announced[0];
  const loop = {};
  loop.self = loop;
  for (const args of [
    undefined,
    null,
    {},
    { method: 1 },
    { method: "" },
    { method: "x", params: "text" },
    { method: "x", params: 5 },
  ])
    await assert.rejects(provider.request(args), (error) => error.code === -32600);
  for (const params of [[1n], loop])
    await assert.rejects(provider.request({ method: "x", params }), (error) => error.code === -32602);
  await assert.rejects(provider.request({ method: "x".repeat(200) }), (error) => error.code === -32600);
  await assert.rejects(
    provider.request({ method: "x", params: ["x".repeat(1 << 20)] }),
    (error) => error.code === -32600,
  );
  assert.equal(ports.length, 0);
});

test("events that the page dispatches itself send nothing and settle nothing", async () => {
  const { window, ports, ask } = world();
  const waiting = ask("eth_accounts");
  for (const detail of [
    undefined,
    "",
    "{",
    "null",
    "5",
    '{"id":"1"}',
    '{"id":-1,"method":"x","params":"[]"}',
    '{"id":1,"method":"again","params":"[]"}',
    { id: 9 },
  ])
    window.dispatchEvent(new CustomEvent("gomaa:ask", { detail }));
  for (const detail of [undefined, "{", "null", '{"event":"constructor","value":1}', '{"id":77,"ok":true}'])
    window.dispatchEvent(new CustomEvent("gomaa:tell", { detail }));
  assert.equal(ports[0].said.length, 1);
  ports[0].tell({ type: "reply", id: 1, ok: true, body: "[]" });
  assert.deepEqual([...(await waiting)], []);
});

test("a closed port rejects pending requests with 4900, and the next request opens another", async () => {
  const { ports, ask, announced } = world();
  const { provider } = announced[0];
  const heard = [];
  provider.on("disconnect", ({ code }) => heard.push(code)).on("connect", ({ chainId }) => heard.push(chainId));
  const waiting = ask("eth_accounts");
  ports[0].tell({ type: "event", name: "connect", body: '{"chainId":"0x1"}' });
  assert.equal(provider.isConnected(), true);
  ports[0].drop();
  await assert.rejects(waiting, (error) => error.code === 4900);
  assert.deepEqual([heard, provider.isConnected()], [["0x1", 4900], false]);
  void ask("eth_accounts").catch(() => undefined);
  assert.equal(ports.length, 2);
  ports[1].tell({ type: "problem", id: 2, ok: false, code: "message.flood" });
});

test("listeners get their event until they are removed, and one that throws stops no other", () => {
  const { ports, ask, announced } = world();
  const { provider } = announced[0];
  void ask("eth_accounts").catch(() => undefined);
  const heard = [];
  const first = (accounts) => heard.push(accounts.length);
  provider.on("accountsChanged", first).on("chainChanged", (id) => heard.push(id));
  ports[0].tell({ type: "event", name: "accountsChanged", body: '["0x1"]' });
  ports[0].tell({ type: "event", name: "chainChanged", body: '"0x5"' });
  provider.removeListener("accountsChanged", first);
  ports[0].tell({ type: "event", name: "accountsChanged", body: "[]" });
  ports[0].tell({ type: "event", name: "toString", body: "1" });
  assert.deepEqual(heard, [1, "0x5"]);
});

/** A page that is connected to chain 0x1 with account 0xa; `heard` has the events since. */
async function acquainted() {
  const all = world();
  const { ports, ask, announced } = all;
  const heard = [];
  for (const name of ["connect", "disconnect", "chainChanged", "accountsChanged"])
    announced[0].provider.on(name, (value) =>
      heard.push([name, name === "disconnect" ? value.code : JSON.parse(JSON.stringify(value))]),
    );
  const first = ask("eth_requestAccounts");
  says(ports[0], "connect", { chainId: "0x1" });
  says(ports[0], "accountsChanged", ["0xa"]);
  ports[0].tell({ type: "reply", id: 1, ok: true, body: '["0xa"]' });
  await first;
  heard.length = 0;
  return { ...all, heard };
}
const says = (port, name, value) => port.tell({ type: "event", name, body: JSON.stringify(value) });
const OWN = Number.MAX_SAFE_INTEGER;

test("disconnect is emitted once, and not without a connection", async () => {
  const quiet = world();
  const heard = [];
  quiet.announced[0].provider.on("disconnect", ({ code }) => heard.push(code));
  const waiting = quiet.ask("eth_accounts");
  quiet.ports[0].drop();
  await assert.rejects(waiting, (error) => error.code === 4900);
  assert.deepEqual(heard, []);
  const page = await acquainted();
  says(page.ports[0], "disconnect", { code: 4900, message: "The wallet is disconnected" });
  page.ports[0].drop();
  assert.deepEqual(page.heard, [["disconnect", 4900]]);
});

/** The two ways in which a port closes before its page. */
const LEAVES = {
  "the back/forward cache": [
    ({ transition }) => transition("pagehide", true),
    ({ transition }) => transition("pageshow", true),
  ],
  "a stopped background": [({ ports }) => ports[0].drop(), ({ pass }) => pass()],
};
for (const [name, [leave, back]] of Object.entries(LEAVES)) {
  test(`${name}: pending requests are rejected, and an unchanged state is not emitted again`, async () => {
    const page = await acquainted();
    const waiting = page.ask("personal_sign", ["0x68", "0xa"]);
    leave(page);
    await assert.rejects(waiting, (error) => error.code === 4900);
    assert.deepEqual([page.heard, page.announced[0].provider.isConnected()], [[["disconnect", 4900]], false]);
    back(page);
    assert.equal(page.ports.length, 2);
    assert.deepEqual(page.ports[1].said, [{ type: "request", id: OWN, method: "eth_accounts", params: "[]" }]);
    says(page.ports[1], "connect", { chainId: "0x1" });
    says(page.ports[1], "accountsChanged", ["0xa"]);
    page.ports[1].tell({ type: "reply", id: OWN, ok: true, body: '["0xa"]' });
    assert.deepEqual(page.heard, [
      ["disconnect", 4900],
      ["connect", { chainId: "0x1" }],
    ]);
    const again = page.ask("eth_chainId");
    page.ports[1].tell({ type: "reply", id: 3, ok: true, body: '"0x1"' });
    assert.equal(await again, "0x1");
  });

  test(`${name}: a changed chain and removed accounts are emitted`, async () => {
    const page = await acquainted();
    leave(page);
    back(page);
    // Locked meanwhile: the engine tells a new port nothing of accounts.
    says(page.ports[1], "connect", { chainId: "0x5" });
    page.ports[1].tell({ type: "reply", id: OWN, ok: true, body: "[]" });
    assert.deepEqual(page.heard, [
      ["disconnect", 4900],
      ["connect", { chainId: "0x5" }],
      ["chainChanged", "0x5"],
      ["accountsChanged", []],
    ]);
  });
}

test("a page without a request opens no port from the cache, and other transitions change nothing", async () => {
  const quiet = world();
  quiet.transition("pagehide", true);
  quiet.transition("pageshow", true);
  assert.equal(quiet.ports.length, 0);
  const page = await acquainted();
  page.transition("pageshow", false);
  page.transition("pagehide", false);
  assert.deepEqual([page.heard, page.ports.length, page.ports[0].closed], [[], 1, undefined]);
});

test("a page that leaves the cache many times has one port each time", async () => {
  const page = await acquainted();
  for (let turn = 1; turn < 6; turn++) {
    page.transition("pagehide", true);
    assert.equal(page.ports.at(-1).closed, true);
    // The browser may tell of the end of a port that was closed here.
    page.ports.at(-1).drop();
    page.pass();
    assert.equal(page.ports.length, turn, "no port is opened in the cache");
    page.transition("pageshow", true);
    assert.equal(page.ports.length, turn + 1);
    says(page.ports[turn], "connect", { chainId: "0x1" });
  }
  assert.deepEqual(
    page.heard.map(([name]) => name),
    Array.from({ length: 5 }, () => ["disconnect", "connect"]).flat(),
  );
});

test("requests are rejected at once after the extension was updated or removed", async () => {
  for (const leave of Object.values(LEAVES)) {
    const page = await acquainted();
    const waiting = page.ask("eth_accounts");
    page.runtime.removed = true;
    leave[0](page);
    await assert.rejects(waiting, (error) => error.code === 4900);
    leave[1](page);
    page.pass();
    await assert.rejects(page.ask("eth_accounts"), (error) => error.code === 4900);
    assert.equal(page.ports.length, 1);
  }
});
