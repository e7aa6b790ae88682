// Pending requests by id.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { RequestMap } from "../../../extension/shared/rpc.js";

test("each request is settled by the response with its id, once", async () => {
  const requests = new RequestMap();
  const ids = [];
  const [first, second] = [requests.request((id) => ids.push(id)), requests.request((id) => ids.push(id))];
  assert.deepEqual(ids, [1, 2]);
  assert.deepEqual([requests.size, requests.oldest, requests.has(1), requests.has("1")], [2, 1, true, false]);
  assert.ok(requests.resolve(2, "two"));
  assert.equal(requests.resolve(2, "again"), false);
  assert.equal(requests.reject(3, new Error("unknown")), false);
  assert.equal(requests.resolve("1", "text"), false);
  assert.ok(requests.reject(1, new Error("refused")));
  assert.equal(await second, "two");
  await assert.rejects(first, { message: "refused" });
  assert.deepEqual([requests.size, requests.oldest], [0, undefined]);
});

test("a request that cannot be sent is rejected and not pending", async () => {
  const requests = new RequestMap();
  const failed = requests.request(() => {
    throw new Error("closed");
  });
  await assert.rejects(failed, { message: "closed" });
  assert.equal(requests.size, 0);
});

test("a closed connection rejects every pending request", async () => {
  const requests = new RequestMap();
  const all = [requests.request(() => {}), requests.request(() => {})];
  requests.rejectAll(new Error("gone"));
  for (const request of all) await assert.rejects(request, { message: "gone" });
  assert.equal(requests.size, 0);
});

test("a request fails after its timeout, and a response stops the timer", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const requests = new RequestMap();
  const options = { timeoutMs: 1000, timeoutError: () => new Error("slow") };
  const [slow, answered] = [requests.request(() => {}, options), requests.request(() => {}, options)];
  requests.resolve(2, "in time");
  mock.timers.tick(1000);
  await assert.rejects(slow, { message: "slow" });
  assert.equal(await answered, "in time");
  assert.equal(requests.resolve(1, "late"), false);
  mock.timers.reset();
});

test("what is kept with a request can be read while it is pending", () => {
  const requests = new RequestMap();
  requests.request(() => {}, { context: { type: "status" } });
  assert.deepEqual(requests.entries(), [[1, { type: "status" }]]);
});
