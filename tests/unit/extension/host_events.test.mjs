// Effects of the host's events on a stream.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { Problem } from "../../../extension/shared/problem.js";
import { ask, fresh } from "./wallet_world.mjs";

globalThis.navigator ??= /** @type {any} */ ({});
const { HostEventHandler } = await import("../../../extension/engine/playback/host_events.js");

/** A handler of a stream, and the calls to the stream. */
function world({ active = true, problem = null } = {}) {
  const calls = [];
  const stream = {
    isActive: () => active,
    problem: () => problem,
    fail: async (error) => void calls.push(["fail", error.code]),
    retry: async () => void calls.push(["retry"]),
    recover: () => calls.push(["recover"]),
    publish: () => calls.push(["publish"]),
  };
  return { handler: new HostEventHandler(/** @type {any} */ (stream)), calls };
}
const status = (state, code = null) =>
  /** @type {any} */ ({ event: "host", status: { state, code, version: null, networks: [] } });

beforeEach(fresh);
after(() => ask("wallet.lock"));

test("a revoked content and a problem fail the stream with their code", async () => {
  const { handler, calls } = world();
  await handler.onEvent({ event: "revoked", stream: "s", content: "0xc", code: "content.revoked" });
  await handler.onEvent({ event: "problem", stream: "", code: "chain.unreachable", message: "" });
  await handler.onEvent(/** @type {any} */ ({ event: "problem", stream: "", code: "none.such", message: "" }));
  assert.deepEqual(calls, [
    ["fail", "content.revoked"],
    ["fail", "chain.unreachable"],
    ["fail", "host.answer"],
  ]);
});

test("a host that ends during a play is recovered, and one that cannot run fails the play", async () => {
  const { handler, calls } = world();
  await handler.onEvent(status("gone"));
  await handler.onEvent(status("missing"));
  await handler.onEvent(status("version", "host.schema"));
  assert.deepEqual(calls, [["recover"], ["fail", "host.missing"], ["fail", "host.schema"]]);
});

test("without a play the connection has no effect", async () => {
  const { handler, calls } = world({ active: false });
  for (const state of ["gone", "missing", "connected"]) await handler.onEvent(status(state));
  assert.deepEqual(calls, []);
});

test("a stream that has failed for want of a host is loaded again once one is connected", async () => {
  for (const [code, retries] of /** @type {const} */ ([
    ["host.missing", 1],
    ["content.revoked", 0],
  ])) {
    const { handler, calls } = world({ active: false, problem: /** @type {any} */ (new Problem(code)) });
    await handler.onEvent(status("connected"));
    assert.equal(calls.length, retries, code);
  }
});
