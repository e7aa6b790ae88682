// Range requests to servers that follow RFC 9110, and to those that do not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RangeClient, differ } from "../../../extension/engine/media/range_client.js";

const URL = "https://cdn.example/a.sps";
const options = { reload: false, signal: new AbortController().signal, onProgress: () => undefined };

/** A client of a server with these responses; the ranges that were requested. */
function world(t, responses) {
  const requested = [];
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  globalThis.fetch = async (_, { headers }) => {
    requested.push(headers.Range ?? null);
    return responses[Math.min(requested.length, responses.length) - 1]();
  };
  return { client: new RangeClient(URL, URL), requested };
}
const partial = (range, size = 5, headers = {}) =>
  new Response(new Uint8Array(size), { status: 206, headers: { "Content-Range": range, ...headers } });

test("the range of a response is that of its header, and it may have more bytes than requested", async (t) => {
  const { client, requested } = world(t, [() => partial("bytes 10-14/100", 5, { ETag: 'W/"a"' })]);
  const exact = await client.request(10, 15, options);
  assert.deepEqual([exact?.start, exact?.end, exact?.surplus, exact?.whole], [10, 15, false, false]);
  assert.deepEqual([exact?.version, client.size, requested], [{ total: 100, tag: '"a"' }, 100, ["bytes=10-14"]]);
  assert.equal((await client.request(10, 12, options))?.surplus, true);
});

test("a server without ranges sends the whole file", async (t) => {
  const { client } = world(t, [() => new Response(new Uint8Array(8), { headers: { "Content-Length": "8" } })]);
  const whole = await client.request(2, 4, options);
  assert.deepEqual([whole?.start, whole?.end, whole?.whole, whole?.surplus], [0, 8, true, true]);
  assert.deepEqual([client.unranged, client.size], [true, 8]);
});

test("after an invalid range the requests have none", async (t) => {
  const whole = () => new Response(new Uint8Array(8));
  for (const invalid of ["bytes 50-54/100", "bytes x", "bytes 10-12/100"]) {
    const { client, requested } = world(t, [() => partial(invalid, 5, { "Content-Length": "5" }), whole]);
    assert.equal((await client.request(10, 15, options))?.whole, true, invalid);
    await client.request(10, 15, options);
    assert.deepEqual(requested, ["bytes=10-14", null, null], invalid);
  }
});

test("a range past the end is shortened to the size of the refusal, or there is no such byte", async (t) => {
  const refusal = () => new Response(null, { status: 416, headers: { "Content-Range": "bytes */12" } });
  const { client, requested } = world(t, [refusal, () => partial("bytes 10-11/12", 2)]);
  assert.equal((await client.request(10, 15, options))?.end, 12);
  assert.deepEqual(requested, ["bytes=10-14", "bytes=10-11"]);
  assert.equal(await world(t, [refusal]).client.request(12, 15, options), null);
});

test("a missing file and a redirect are a problem with the status, another status is an error", async (t) => {
  for (const [status, code] of [
    [404, "sps.segment.missing"],
    [410, "sps.segment.missing"],
    [302, "sps.segment.missing"],
    [500, undefined],
  ]) {
    const { client } = world(t, [() => new Response(null, { status: Number(status) })]);
    await assert.rejects(client.request(0, 5, options), (error) => error.code === code, String(status));
  }
});

test("versions differ by size or tag, where both have one", () => {
  assert.equal(differ({ total: 1, tag: null }, { total: 2, tag: null }), true);
  assert.equal(differ({ total: 1, tag: "a" }, { total: null, tag: "b" }), true);
  assert.equal(differ({ total: 1, tag: "a" }, { total: null, tag: null }), false);
});
