// Responses that arrive out of order.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LatestResponse } from "../../../extension/ui/latest_response.js";

test("a response that arrives after that of a later request is discarded", async () => {
  const responses = new LatestResponse();
  const first = deferred();
  const second = deferred();
  const [slow, quick] = [responses.of(() => first.promise), responses.of(() => second.promise)];
  second.resolve("new");
  assert.equal(await quick, "new");
  first.resolve("old");
  assert.equal(await slow, null);
});

test("responses in their order are all used", async () => {
  const responses = new LatestResponse();
  const [first, second] = [deferred(), deferred()];
  const results = [responses.of(() => first.promise), responses.of(() => second.promise)];
  first.resolve(1);
  assert.equal(await results[0], 1);
  second.resolve(2);
  assert.equal(await results[1], 2);
});

test("pending responses can be discarded, and a later request is not affected", async () => {
  const responses = new LatestResponse();
  const pending = deferred();
  const result = responses.of(() => pending.promise);
  responses.discardPending();
  pending.resolve("old");
  assert.equal(await result, null);
  assert.equal(await responses.of(async () => "new"), "new");
});

test("a failed request rejects and does not discard others", async () => {
  const responses = new LatestResponse();
  const pending = deferred();
  const result = responses.of(() => pending.promise);
  await assert.rejects(responses.of(() => Promise.reject(new Error("closed"))));
  pending.resolve("kept");
  assert.equal(await result, "kept");
});

/** A promise with its resolver. */
function deferred() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}
