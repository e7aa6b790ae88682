// Reading a file by ranges from web servers, also faulty ones.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { test } from "node:test";
import { SpsSource } from "../../../extension/engine/media/sps_source.js";

const MAGIC = [0x89, 0x53, 0x50, 0x53, 0x0d, 0x0a, 0x1a, 0x0a];
const hash = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest());
const length = (value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

function song(headerSize = 100, rest = 5000) {
  const body = Array.from({ length: headerSize + rest }, (_, i) => (i * 7 + (i >> 8)) & 255);
  return Uint8Array.from([...MAGIC, ...length(headerSize), ...body]);
}

// The pauses between tries (seconds at most) are not waited for; fetch keeps its own, longer limits.
const later = globalThis.setTimeout;
globalThis.setTimeout = (work, ms, ...rest) => later(work, ms < 5000 ? 0 : ms, ...rest);

/** A server whose answers are made by a function of (request number, first, end). */
async function serve(t, answer) {
  const asked = [];
  const server = createServer((request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    asked.push([Number(first), Number(last) + 1]);
    answer(response, asked.length, Number(first), Number(last) + 1);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { source: new SpsSource(`http://127.0.0.1:${server.address().port}/song.sps`), asked };
}

const send = (response, status, bytes) => response.writeHead(status, { "Content-Length": bytes.length }).end(bytes);
function some(response, file, first, end, body = file.subarray(first, end)) {
  if (first >= file.length) return response.writeHead(416, { "Content-Range": `bytes */${file.length}` }).end();
  const last = Math.min(end, file.length) - 1;
  return response
    .writeHead(206, { "Content-Range": `bytes ${first}-${last}/${file.length}`, "Content-Length": body.length })
    .end(body);
}
const ranges = (file) => (response, n, first, end) => some(response, file, first, end);
const code = (expected) => (error) => error.code === expected;

test("the header needs one request, and the parts in its response need none", async (t) => {
  const file = song();
  const { source, asked } = await serve(t, ranges(file));
  assert.deepEqual(await source.header(), file.slice(12, 112));
  assert.deepEqual(await source.part(112, 50, hash(file.slice(112, 162))), file.slice(112, 162));
  assert.deepEqual(asked, [[0, 400_000]]);
});

test("a header that is longer than the first request is read again completely", async (t) => {
  const file = song(500_000, 10);
  const { source, asked } = await serve(t, ranges(file));
  assert.deepEqual(await source.header(), file.slice(12, 500_012));
  assert.equal(asked.length, 2);
});

test("a part is requested by its range", async (t) => {
  const file = song();
  const { source, asked } = await serve(t, ranges(file));
  assert.deepEqual(await source.part(1000, 20, hash(file.slice(1000, 1020))), file.slice(1000, 1020));
  assert.deepEqual(asked, [[1000, 1020]]);
});

test("a part is taken from the whole file of a server without ranges", async (t) => {
  const file = song();
  const { source } = await serve(t, (response) => send(response, 200, file));
  assert.deepEqual(await source.header(), file.slice(12, 112));
  const { source: second } = await serve(t, (response) => send(response, 200, file));
  assert.deepEqual(await second.part(4000, 30, hash(file.slice(4000, 4030))), file.slice(4000, 4030));
});

test("a part past the end is sps.truncated", async (t) => {
  const { source } = await serve(t, ranges(song()));
  await assert.rejects(source.part(900_000, 5, hash("x")), code("sps.truncated"));
  const { source: empty } = await serve(t, (response) => send(response, 416, ""));
  await assert.rejects(empty.header(), code("sps.truncated"));
});

test("a file that ends within the header or a part is sps.truncated", async (t) => {
  const { source } = await serve(t, ranges(song().subarray(0, 60)));
  await assert.rejects(source.header(), code("sps.truncated"));
  const { source: brief } = await serve(t, ranges(song().subarray(0, 9)));
  await assert.rejects(brief.header(), code("sps.truncated"));
  const file = song();
  const { source: cut } = await serve(t, ranges(file.subarray(0, 1010)));
  await assert.rejects(cut.part(1000, 20, hash(file.slice(1000, 1020))), code("sps.truncated"));
});

test("a file that was truncated can be read once it is complete", async (t) => {
  const file = song();
  let whole = false;
  const { source } = await serve(t, (response, n, first, end) =>
    some(response, whole ? file : file.subarray(0, 60), first, end),
  );
  await assert.rejects(source.header(), code("sps.truncated"));
  whole = true;
  const again = new SpsSource(source.url);
  assert.equal((await again.header()).length, 100);
});

test("another kind of file, and a header of length 0 or above the limit, are refused", async (t) => {
  const { source } = await serve(t, (response) =>
    send(response, 200, Buffer.from("<!doctype html><title>Hello</title>")),
  );
  await assert.rejects(source.header(), code("sps.magic"));
  for (const size of [0, (4 << 20) + 1, 0xffffffff]) {
    const { source: odd } = await serve(t, ranges(Uint8Array.from([...MAGIC, ...length(size), 1, 2, 3])));
    await assert.rejects(odd.header(), code("sps.header.malformed"));
  }
});

test("a missing file is not requested again", async (t) => {
  for (const status of [404, 410]) {
    const { source, asked } = await serve(t, (response) => send(response, status, ""));
    await assert.rejects(
      source.header(),
      (error) => error.code === "sps.segment.missing" && error.detail.status === status,
    );
    assert.equal(asked.length, 1);
  }
});

test("a part that is corrupt once is requested again", async (t) => {
  const file = song();
  const { source, asked } = await serve(t, (response, n, first, end) =>
    send(response, 206, n === 1 ? new Uint8Array(end - first) : file.subarray(first, end)),
  );
  assert.deepEqual(await source.part(1000, 20, hash(file.slice(1000, 1020))), file.slice(1000, 1020));
  assert.equal(asked.length, 2);
});

test("a part that is corrupt twice is sps.segment.hash", async (t) => {
  const { source, asked } = await serve(t, (response, n, first, end) =>
    send(response, 206, new Uint8Array(end - first)),
  );
  await assert.rejects(
    source.part(1000, 20, hash("right")),
    (error) => error.code === "sps.segment.hash" && error.detail.offset === 1000,
  );
  assert.equal(asked.length, 2);
});

test("a part that is corrupt among the first bytes is fetched alone", async (t) => {
  const file = song();
  const { source, asked } = await serve(t, (response, n, first, end) =>
    some(response, n === 1 ? file.map((byte, i) => (i === 130 ? byte ^ 1 : byte)) : file, first, end),
  );
  await source.header();
  assert.deepEqual(await source.part(120, 20, hash(file.slice(120, 140))), file.slice(120, 140));
  assert.deepEqual(asked[1], [120, 140]);
});

test("a failed request is repeated, four times in all", async (t) => {
  const file = song();
  const { source, asked } = await serve(t, (response, n, first, end) =>
    n === 1 ? send(response, 503, "") : n === 2 ? response.destroy() : send(response, 206, file.subarray(first, end)),
  );
  assert.deepEqual(await source.part(0, 5, hash(file.slice(0, 5))), file.slice(0, 5));
  assert.equal(asked.length, 3);
  const { source: down, asked: tries } = await serve(t, (response) => send(response, 500, ""));
  await assert.rejects(down.part(0, 5, hash("x")), code("sps.segment.missing"));
  assert.equal(tries.length, 4);
});

test("a closed source sends no requests", async (t) => {
  const { source, asked } = await serve(t, ranges(song()));
  source.close();
  await assert.rejects(source.part(0, 5, hash("x")), code("sps.segment.missing"));
  assert.equal(asked.length, 0);
});

/** A page around a song, whose bytes at the patches are written as ".". */
function page(file, patches = [], version = 1) {
  const fix = patches.length ? `<meta name="sps-fix" content="${patches}">` : "";
  const head = (at) =>
    `<!doctype html><meta charset="windows-1252"><meta name="sps" content="v=${version};off=${String(at).padStart(10, "0")};len=${String(file.length).padStart(12, "0")};sha256=${"0".repeat(64)}">${fix}<p>Hello</p><!--`;
  const start = Buffer.from(head(head(0).length));
  return new Uint8Array(
    Buffer.concat([start, file.map((byte, i) => (patches.includes(i) ? 0x2e : byte)), Buffer.from("--><i></i>")]),
  );
}

test("a song in a page is read at its place, with its patches undone, and not beyond its end", async (t) => {
  const file = song().map((byte, i) => ([50, 1005, 1006].includes(i) ? 0x3e : byte));
  const { source } = await serve(t, ranges(page(file, [50, 1005, 1006])));
  assert.deepEqual(await source.header(), file.slice(12, 112));
  const long = song(100, 600_000).map((byte, i) => (i === 500_003 ? 0x3e : byte));
  const { source: second, asked } = await serve(t, ranges(page(long, [500_003])));
  await second.header();
  assert.deepEqual(await second.part(500_000, 20, hash(long.slice(500_000, 500_020))), long.slice(500_000, 500_020));
  assert.equal(asked[1][1] - asked[1][0], 20);
  await assert.rejects(second.part(600_110, 20, hash("x")), code("sps.truncated"));
});

test("a page without a song, of a later layout, or truncated, is refused", async (t) => {
  const later = await serve(t, ranges(page(song(), [], 2)));
  await assert.rejects(later.source.header(), code("sps.version"));
  const cut = await serve(t, ranges(page(song()).subarray(0, 190)));
  await assert.rejects(cut.source.header(), code("sps.truncated"));
  const wrong = await serve(t, ranges(page(song(), [9, 9])));
  await assert.rejects(wrong.source.header(), code("sps.magic"));
});

test("a file that ends with its header has its parts in the same folder, by their hashes", async (t) => {
  const file = song(100, 500);
  const part = file.slice(200, 240);
  const server = createServer((request, response) => {
    if (request.url === "/a/header.sps") send(response, 200, file.subarray(0, 112));
    else if (request.url === `/a/${Buffer.from(hash(part)).toString("hex")}.part`) send(response, 200, part);
    else send(response, 404, "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  const base = `http://127.0.0.1:${server.address().port}`;
  const source = new SpsSource(`${base}/a/header.sps`);
  await source.header();
  assert.deepEqual(await source.part(200, 40, hash(part)), part);
  await assert.rejects(source.part(300, 40, hash("x")), code("sps.segment.missing"));
  const elsewhere = new SpsSource(`${base}/b/song.sps`);
  elsewhere.addMirrors([`${base}/c/`, "ftp://x/", `${base}/a/`]);
  assert.deepEqual(await elsewhere.part(200, 40, hash(part)), part);
});

test("a part that fails waits for the mirrors of a header that is still being read", async (t) => {
  const file = song();
  const { source: well } = await serve(t, ranges(file));
  const { source } = await serve(t, (response) => send(response, 404, ""));
  let tell;
  source.addMirrors(new Promise((resolve) => (tell = resolve)));
  const part = source.part(1000, 20, hash(file.slice(1000, 1020)));
  await new Promise((resolve) => setImmediate(resolve));
  tell([well.url]);
  assert.deepEqual(await part, file.slice(1000, 1020));
  source.addMirrors(Promise.reject(new Error("no header")));
  await assert.rejects(source.part(1000, 20, hash("x")), code("sps.segment.hash"));
});

test("a page on disk sends its own song in chunks", async () => {
  const file = song(100, 900_000);
  const asked = [];
  const source = new SpsSource(
    "file:///songs/song.sps.html",
    async (offset, size) => (asked.push(size), Buffer.from(file.subarray(offset, offset + size)).toString("base64")),
  );
  assert.deepEqual(await source.header(), file.slice(12, 112));
  assert.deepEqual(
    await source.part(500_000, 400_000, hash(file.slice(500_000, 900_000))),
    file.slice(500_000, 900_000),
  );
  assert.ok((Math.max(...asked) * 4) / 3 < 1 << 20);
  await assert.rejects(source.part(899_000, 5000, hash("x")), code("sps.truncated"));
});

test("a file that was replaced is found by a second read; the same file, or one that cannot be read, changes nothing", async (t) => {
  const [old, made] = [song(100, 500), song(101, 500)];
  let file = old;
  const { source } = await serve(t, (response, n, first, end) => some(response, file, first, end));
  const caches = [];
  const { fetch } = globalThis;
  t.after(() => (globalThis.fetch = fetch));
  globalThis.fetch = (url, how) => (caches.push(how.cache), fetch(url, how));
  assert.deepEqual(await source.header(), old.slice(12, 112));
  assert.equal(await source.reread(), null);
  file = made;
  const renewed = await source.reread();
  assert.deepEqual(await renewed.header(), made.slice(12, 113));
  assert.equal(await renewed.reread(), null);
  assert.deepEqual(caches, ["no-store", "no-store", "no-store"]);
  file = new Uint8Array(20);
  assert.equal(await source.reread(), null);
});
