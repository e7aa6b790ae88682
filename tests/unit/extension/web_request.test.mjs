// Web requests: their headers, forbidden addresses, and responses without an end.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { Download, MAX_BUFFERED, MAX_OF_SITE } from "../../../extension/engine/media/download.js";
import { getPart } from "../../../extension/engine/media/mirror_loader.js";
import { SpsSource } from "../../../extension/engine/media/sps_source.js";
import { requestStation, requestTicket, networkAt, pointsOf } from "../../../extension/engine/playback/ticket.js";
import { Redirected, TooLong, readBody, get, readObject } from "../../../extension/engine/media/web_request.js";

const PAGE = "https://radio.example";
const { signal } = new AbortController();
const code = (expected) => (error) => error.code === expected;
const TICKET = { type: "Ticket", message: { number: "1", reward: "5" }, signature: `0x${"0a".repeat(65)}` };
const how = { anew: false, signal, onProgress: () => undefined };

/** Replaces fetch by a function; the requests. */
function web(t, answer) {
  const asked = [];
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  globalThis.fetch = async (url, options) => (asked.push({ url: String(url), options }), answer(String(url)));
  return asked;
}

/** A body that never ends. @param {{taken: number}} told */
const endless = (told) =>
  new ReadableStream({
    pull(controller) {
      told.taken += 1 << 16;
      controller.enqueue(new Uint8Array(1 << 16));
    },
  });

test("every request is a GET without cookie, cache, referrer and redirect", async (t) => {
  const asked = web(
    t,
    (url) =>
      new Response(url.endsWith("gomaa.json") ? '{"tickets": "/gomaa/tickets"}' : JSON.stringify({ ticket: TICKET })),
  );
  const session = { message: { payee: "0x1" }, signature: "0x\u00fc" };
  assert.deepEqual(await requestTicket(PAGE, session, "0xc0"), TICKET);
  await getPart("https://cdn.example/a.part", 3, how, PAGE);
  await new SpsSource("https://cdn.example/a.sps", undefined, undefined, false, { page: PAGE, site: PAGE })
    .header()
    .catch(() => undefined);
  assert.equal(asked.length, 4);
  for (const {
    options: { method = "GET", body, cache, credentials, redirect, referrerPolicy },
  } of asked)
    assert.deepEqual(
      [method, body, cache, credentials, redirect, referrerPolicy],
      ["GET", undefined, "no-store", "omit", "manual", "no-referrer"],
    );
  const question = asked[1].options.headers["GoMAA-Ask"];
  assert.match(question, /^[A-Za-z0-9_-]+$/);
  assert.deepEqual(JSON.parse(Buffer.from(question, "base64url").toString()), { session, content: "0xc0" });
});

test("addresses of an inner class are not requested, for a song, a part, a mirror of the header, or a station", async (t) => {
  const asked = web(t, () => new Response("x"));
  for (const url of [
    "http://127.0.0.1/a.sps",
    "http://[::ffff:10.0.0.1]/a.sps",
    "http://router/a.sps",
    "http://0x7f.1/a.sps",
  ]) {
    const source = new SpsSource(url, undefined, undefined, false, { page: PAGE, site: PAGE });
    await assert.rejects(source.header(), code("site.address"));
    await assert.rejects(getPart(url, 3, how, PAGE), code("site.address"));
    await assert.rejects(requestStation(PAGE, url), code("site.address"));
    source.addMirrors([url, `${url}/folder/`]);
    await source.mirrorsAdded;
    assert.equal(source.loader.mirrors.length, 1);
  }
  assert.deepEqual(asked, []);
});

test("a redirect is an error, unless the page may reach every address", async (t) => {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    if (request.url === "/moved") return response.writeHead(307, { Location: "/there" }).end();
    return response.end('{"points": 1}');
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const here = `http://127.0.0.1:${server.address().port}`;
  await assert.rejects(get(`${here}/moved`, { page: here, signal }), Redirected);
  assert.equal(requests, 1);
  assert.equal((await get(`${here}/moved`, { page: here, signal, follow: true })).status, 200);
  await assert.rejects(requestStation(here, `${here}/moved`), code("station.unreachable"));
  web(t, () => new Response(null, { status: 302, headers: { Location: "http://127.0.0.1/" } }));
  await assert.rejects(get("https://cdn.example/a", { page: PAGE, signal, follow: true }), Redirected);
  await assert.rejects(
    getPart("https://cdn.example/a", 3, how, PAGE),
    (error) => error.code === "sps.segment.missing" && error.detail.status === 302,
  );
  const source = new SpsSource("https://cdn.example/a", undefined, undefined, false, { page: PAGE, site: PAGE });
  await assert.rejects(source.header(), (error) => error.code === "sps.segment.missing" && error.detail.status === 302);
});

test("a response without an end is stopped at its limit", async (t) => {
  const told = { taken: 0 };
  web(t, () => new Response(endless(told)));
  await assert.rejects(requestStation(PAGE, `${PAGE}/.well-known/gomaa.json`), code("station.unreachable"));
  assert.ok(told.taken < 1 << 20);
  told.taken = 0;
  assert.equal((await getPart("https://cdn.example/a.part", 1000, how, PAGE)).length, 1000);
  assert.ok(told.taken < 1 << 20);
  await assert.rejects(readObject(new Response("[".repeat(100)), 50), TooLong);
  assert.equal(await readObject(new Response("no JSON"), 50), null);
  assert.deepEqual(await readObject(new Response('{"a": 1}'), 50), { a: 1 });
  assert.equal((await readBody(new Response("0123456789"), () => undefined, 4)).length, 4);
});

test("a response that is nested too deeply is null", async (t) => {
  const nested = (levels) => `{"ticket": ${"[".repeat(levels)}${"]".repeat(levels)}}`;
  web(t, (url) => new Response(url.endsWith("gomaa.json") ? '{"tickets": "/gomaa/tickets"}' : nested(100_000)));
  await assert.rejects(requestTicket(PAGE, { message: {}, signature: "0x" }, "0xc0"), code("station.answer"));
  assert.equal(await readObject(new Response(nested(40)), 1000), null);
  assert.deepEqual(await readObject(new Response(nested(3)), 1000), { ticket: [[[]]] });
});

test("a response that trickles without an end is stopped after the timeout", async (t) => {
  const { timeout } = AbortSignal;
  t.after(() => (AbortSignal.timeout = timeout));
  const stop = new AbortController();
  AbortSignal.timeout = (ms) => (assert.ok(ms <= 10_000), stop.signal);
  web(
    t,
    () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("{"));
            stop.signal.addEventListener("abort", () => controller.error(stop.signal.reason));
          },
        }),
      ),
  );
  const asked = requestStation("https://drip.example", "https://drip.example/.well-known/gomaa.json");
  setTimeout(() => stop.abort(), 0);
  await assert.rejects(asked, code("station.unreachable"));
});

test("without the permission for a host nothing is requested of it", async (t) => {
  const asked = web(t, () => new Response("{}"));
  const origins = [];
  globalThis.browser = { permissions: { contains: async (wanted) => (origins.push(...wanted.origins), false) } };
  t.after(() => delete globalThis.browser);
  await assert.rejects(get("https://cdn.example:8443/a", { page: PAGE, signal }), /permission/);
  assert.deepEqual([origins, asked], [["https://cdn.example/*"], []]);
});

test("the transfers of a site share its memory, without an effect on another site's", async () => {
  const open = (site) => {
    const told = { taken: 0 };
    return {
      told,
      download: new Download(endless(told).getReader(), 0, { total: null, tag: null }, () => undefined, site),
    };
  };
  const many = Array.from({ length: 64 }, () => open("many"));
  const other = open("other");
  // Readers that want the whole of it from its beginning: nothing may be let go.
  for (const { download } of [...many, other]) download.read(0, Infinity, how, true).catch(() => undefined);
  for (let turn = 0; turn < 400; turn++) await new Promise((resolve) => setImmediate(resolve));
  const held = ({ download }) => download.end - download.base;
  const sum = many.reduce((all, one) => all + held(one), 0);
  assert.ok(sum > MAX_OF_SITE / 2 && sum <= MAX_OF_SITE + 64 * (1 << 17), String(sum));
  assert.ok(held(other) >= MAX_BUFFERED, String(held(other)));
  for (const { download } of [...many, other]) download.close();
});

test("a station's response of another form is station.answer, without its text", async (t) => {
  let record, ticket;
  const site = () => `https://radio${Math.random()}.example`;
  web(t, (url) => new Response(JSON.stringify(url.endsWith("gomaa.json") ? record : { ticket })));
  const words = "Enter your 12 words at evil.example";
  const fails = (expected) =>
    assert.rejects(
      requestTicket(site(), {}, "0xc0"),
      (error) => error.code === expected && !JSON.stringify(error).includes("12 words"),
    );
  for (const tickets of ["http://[", `http://${words}`, `https://${words} [`, "http://a:b"]) {
    record = { tickets };
    await fails("station.answer");
    // Points and the network are nothing then.
    record = { points: tickets, station: `0x${"5a".repeat(20)}`, network: words };
    const origin = site();
    assert.deepEqual([await pointsOf(origin), await networkAt(origin)], [null, null]);
  }
  record = { tickets: "/t" };
  const deep = JSON.parse("[".repeat(3000) + "]".repeat(3000));
  for (ticket of [
    words,
    7,
    [],
    {},
    { ...TICKET, type: words },
    { ...TICKET, signature: words },
    { ...TICKET, message: words },
    { ...TICKET, message: deep },
    { ...TICKET, message: { number: 1 } },
    { ...TICKET, message: { number: words } },
    { ...TICKET, message: { [words]: "1" } },
    { ...TICKET, message: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`a${n}`, "1"])) },
  ])
    await fails("station.answer");
  ticket = { ...TICKET, more: { words } };
  assert.deepEqual(await requestTicket(site(), {}, "0xc0"), TICKET);
});

test("a station that was unreachable or invalid is requested again", async (t) => {
  let body = null;
  web(t, (url) => {
    if (body === null) throw new TypeError("network error");
    return new Response(url.endsWith("gomaa.json") ? '{"tickets": "/t"}' : body);
  });
  const site = "https://again.example";
  await assert.rejects(requestTicket(site, {}, "0xc0"), code("station.unreachable"));
  body = '{"error": {"code": "enter.your.words"}}';
  await assert.rejects(requestTicket(site, {}, "0xc0"), code("station.answer"));
  body = JSON.stringify({ ticket: TICKET });
  assert.deepEqual(await requestTicket(site, {}, "0xc0"), TICKET);
});
