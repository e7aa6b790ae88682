// Requests of the engine that the background performs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineRequests } from "../../../extension/background/engine_requests.js";

/** Requests with stand-ins; `sent` has the responses, `host` the requests to the native host. */
function create({ streams = {}, stored = { theme: "dark" } } = {}) {
  const sent = [];
  const host = [];
  const windows = [];
  const requests = new EngineRequests({
    engine: { send: (message) => sent.push(message) },
    native: {
      status: { state: "missing" },
      open: () => Promise.reject(new Error("no host")),
      request: async (request) => (host.push(request), { done: true }),
    },
    streams: { get: (token) => streams[token] },
    approval: { show: async () => windows.push("show"), hide: async () => windows.push("hide") },
    storage: {
      get: async (keys) => Object.fromEntries(keys.map((key) => [key, stored[key]])),
      set: async (values) => void Object.assign(stored, values),
    },
  });
  return { requests, sent, host, windows, stored };
}

test("a request to the host opens a stream only with the origin that the background has recorded", async () => {
  const { requests, sent, host } = create({
    streams: { a: { origin: "https://a.example", site: "https://b.example" } },
  });
  const open = (stream) => ({ op: "open", stream, origin: "https://forged.example" });
  await requests.onRequest({ type: "native", id: 1, request: open("a") });
  await requests.onRequest({ type: "native", id: 2, request: open("unknown") });
  assert.deepEqual(host, [{ op: "open", stream: "a", origin: "https://a.example", site: "https://b.example" }]);
  assert.deepEqual(sent, [
    { type: "answer", id: 1, ok: true, result: { done: true } },
    { type: "answer", id: 2, ok: false, error: { code: "host.stream.unknown", detail: {} } },
  ]);
});

test("the status of the host is known also without a host", async () => {
  const { requests, sent } = create();
  await requests.onRequest({ type: "native", id: 1, request: { op: "status" } });
  assert.deepEqual(sent, [{ type: "answer", id: 1, ok: true, result: { state: "missing" } }]);
});

test("storage returns the requested keys only, after it was written", async () => {
  const { requests, sent, stored } = create();
  await requests.onRequest({ type: "storage", id: 1, set: { volume: 1 }, get: ["volume"] });
  await requests.onRequest({ type: "storage", id: 2, set: { volume: 2 } });
  assert.deepEqual(
    sent.map(({ result }) => result),
    [{ volume: 1 }, {}],
  );
  assert.deepEqual(stored, { theme: "dark", volume: 2 });
});

test("the approval window is opened and closed", async () => {
  const { requests, windows } = create();
  await requests.onRequest({ type: "approve", id: 1, open: true });
  await requests.onRequest({ type: "approve", id: 2, open: false });
  assert.deepEqual(windows, ["show", "hide"]);
});
