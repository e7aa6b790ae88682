// Calls into the Worker of a Python core: results, errors, its end, and its start.
import assert from "node:assert/strict";
import { test } from "node:test";

/** @type {ManualWorker[]} */
const workers = [];
class ManualWorker {
  listeners = [];
  requests = [];
  isTerminated = false;
  constructor() {
    workers.push(this);
  }
  addEventListener(_, listener) {
    this.listeners.push(listener);
  }
  postMessage(message) {
    this.requests.push(message);
  }
  terminate() {
    this.isTerminated = true;
  }
  send(data) {
    for (const listener of this.listeners) listener({ data });
  }
}
let intervals = 0;
Object.assign(globalThis, {
  location: { protocol: "chrome-extension:" },
  chrome: { runtime: {} },
  Worker: ManualWorker,
  setInterval: () => ++intervals,
  clearInterval: (id) => id && intervals--,
});
const { PythonCore } = await import("../../../extension/engine/core.js");

/** A core and its Worker. */
function world() {
  const core = new PythonCore();
  return { core, worker: /** @type {ManualWorker} */ (workers.at(-1)) };
}
const code = (expected) => (error) => error.code === expected;

test("a call gets the result with its id", async () => {
  const { core, worker } = world();
  const calls = [core.call("account", { index: 1 }), core.call("account", { index: 2 })];
  const [first, second] = worker.requests;
  assert.deepEqual([first.op, first.payload], ["account", '{"index":1}']);
  worker.send({ id: second.id, answer: '{"ok": true, "result": {"index": 2}}' });
  worker.send({ id: first.id, answer: '{"ok": true, "result": {"index": 1}}' });
  assert.deepEqual(
    (await Promise.all(calls)).map(({ index }) => index),
    [1, 2],
  );
});

test("an error of the core is a problem, and an unregistered one is internal", async () => {
  const { core, worker } = world();
  for (const [sent, expected] of [
    ["wallet.locked", "wallet.locked"],
    ["none.such", "internal"],
  ]) {
    const call = core.call("account", { index: 0 });
    const { id } = worker.requests.at(-1);
    worker.send({ id, answer: JSON.stringify({ ok: false, error: { code: sent, message: "", detail: {} } }) });
    await assert.rejects(call, code(expected));
  }
});

test("the background is kept awake during calls only", async () => {
  const { core, worker } = world();
  const call = core.call("account", { index: 0 });
  assert.equal(intervals, 1);
  worker.send({ id: worker.requests[0].id, answer: '{"ok": true, "result": {}}' });
  await call;
  assert.equal(intervals, 0);
});

test("the end of a core rejects its calls, and later ones", async () => {
  const { core, worker } = world();
  const call = core.call("account", { index: 0 });
  core.end();
  await assert.rejects(call, code("host.stream.unknown"));
  await assert.rejects(core.call("account", { index: 0 }), code("host.stream.unknown"));
  assert.deepEqual([worker.isTerminated, intervals], [true, 0]);
});

test("a core that cannot start is an internal problem", async () => {
  const { core, worker } = world();
  worker.send({ type: "broken", reason: "no snapshot" });
  await assert.rejects(core.started, (error) => error.code === "internal" && error.detail.reason === "no snapshot");
  const started = world();
  started.worker.send({ type: "ready", timeline: {} });
  assert.equal(typeof (await started.core.started), "number");
});
