// The provider in the page and its relay: announced, text only, nothing of the page's own reaches further than a question.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const source = (name) => readFileSync(new URL(`../../../extension/content/${name}.js`, import.meta.url), "utf8");

/** A window with both scripts, and a port that answers by hand. */
function world({ secure = true } = {}) {
  const window = new EventTarget();
  const ports = [];
  const connect = ({ name }) => {
    const listeners = { message: [], disconnect: [] };
    const port = {
      name, said: [],
      onMessage: { addListener: (listener) => listeners.message.push(listener) },
      onDisconnect: { addListener: (listener) => listeners.disconnect.push(listener) },
      postMessage: (message) => port.said.push(structuredClone(message)),
      tell: (message) => listeners.message.forEach((listener) => listener(message)),
      drop: () => listeners.disconnect.forEach((listener) => listener()),
    };
    ports.push(port);
    return port;
  };
  const shared = { window, isSecureContext: secure, crypto, CustomEvent, Event, JSON, Error, Object, Promise, Map, Set, Number, String, encodeURIComponent, setTimeout };
  const announced = [];
  window.addEventListener("eip6963:announceProvider", ({ detail }) => announced.push(detail));
  vm.runInNewContext(source("relay"), { ...shared, chrome: { runtime: { connect } } });
  vm.runInNewContext(source("provider"), shared);
  const ask = (method, params) => announced[0].provider.request({ method, ...(params ? { params } : {}) });
  return { window, ports, announced, ask };
}

test("the provider is announced at once and again when asked, frozen, and is nobody's window.ethereum", () => {
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
  assert.equal(ports.length, 0, "a page that asks nothing opens nothing");
  assert.notEqual(world().announced[0].info.uuid, info.uuid);
});

test("on a page that is not secure there is no wallet", () => {
  const { announced, window, ports } = world({ secure: false });
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  window.dispatchEvent(new CustomEvent("gomaa:ask", { detail: '{"id":1,"method":"eth_accounts","params":"[]"}' }));
  assert.deepEqual([announced.length, ports.length], [0, 0]);
});

test("a question goes out as text with a number, and its answer comes back", async () => {
  const { ports, ask } = world();
  const good = ask("eth_call", [{ to: "0x1" }, "latest"]);
  const bad = ask("eth_sign");
  const [port] = ports;
  assert.equal(port.name, "provider");
  assert.deepEqual(port.said, [{ type: "request", id: 1, method: "eth_call", params: '[{"to":"0x1"},"latest"]' }, { type: "request", id: 2, method: "eth_sign", params: "[]" }]);
  port.tell({ type: "reply", id: 2, ok: false, body: '{"code":4200,"message":"no","data":{"code":"wallet.unsupported"}}' });
  port.tell({ type: "reply", id: 1, ok: true, body: '"0x2a"' });
  assert.equal(await good, "0x2a");
  await assert.rejects(bad, (error) => error.code === 4200 && error.message === "no" && error.data.code === "wallet.unsupported");
});

test("what is no request goes no further", async () => {
  const { ports, announced } = world();
  const { provider } = announced[0];
  const loop = {};
  loop.self = loop;
  for (const args of [undefined, null, {}, { method: 1 }, { method: "" }, { method: "x", params: "text" }, { method: "x", params: 5 }]) await assert.rejects(provider.request(args), (error) => error.code === -32600);
  for (const params of [[1n], loop]) await assert.rejects(provider.request({ method: "x", params }), (error) => error.code === -32602);
  await assert.rejects(provider.request({ method: "x".repeat(200) }), (error) => error.code === -32600);
  await assert.rejects(provider.request({ method: "x", params: ["x".repeat(1 << 20)] }), (error) => error.code === -32600);
  assert.equal(ports.length, 0);
});

test("a page's own events are taken for what they are", async () => {
  const { window, ports, ask } = world();
  const waiting = ask("eth_accounts");
  for (const detail of [undefined, "", "{", "null", "5", '{"id":"1"}', '{"id":-1,"method":"x","params":"[]"}', '{"id":1,"method":"again","params":"[]"}', { id: 9 }]) window.dispatchEvent(new CustomEvent("gomaa:ask", { detail }));
  for (const detail of [undefined, "{", "null", '{"event":"constructor","value":1}', '{"id":77,"ok":true}']) window.dispatchEvent(new CustomEvent("gomaa:tell", { detail }));
  assert.equal(ports[0].said.length, 1);
  ports[0].tell({ type: "reply", id: 1, ok: true, body: "[]" });
  assert.deepEqual([...(await waiting)], []);
});

test("when the port goes, what waits fails with 4900 and the next question opens another", async () => {
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

test("listeners hear their event until they are removed, and one that fails stops no other", () => {
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
