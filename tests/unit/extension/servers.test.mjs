// Reading a song from web servers that follow the standard, and from those that violate it (tests/vectors/delivery).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { boundaryOf, contentRange, sizeOfUnsatisfied } from "../../../extension/engine/media/content_range.js";
import { MAX_BUFFERED, MAX_UNCLAIMED, Download } from "../../../extension/engine/media/download.js";
import { HttpFile } from "../../../extension/engine/media/http_file.js";
import { SpsSource } from "../../../extension/engine/media/sps_source.js";

const read = (name) =>
  JSON.parse(readFileSync(new URL(`../../vectors/delivery/${name}.json`, import.meta.url), "utf8"));
const { ranges, unsatisfied, boundaries } = read("content_range");
const { servers, size, reads } = read("servers");
const sha256 = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest());
const later = globalThis.setTimeout;
globalThis.setTimeout = (work, ms, ...rest) => later(work, ms < 5000 ? 0 : ms, ...rest);

const HEADER = 100;

/** A file of the container's form, other bytes for each version. */
function song(version = 0) {
  const bytes = new Uint8Array(size).map((_, i) => (i * 7 + (i >> 8) + (i >> 16) + version) & 255);
  bytes.set([0x89, 0x53, 0x50, 0x53, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, HEADER]);
  return bytes;
}
const FILES = [song(0), song(1)];

/** The body and headers of an answer of the vectors. */
function answerOf(plan, first, end) {
  const whole = FILES[plan.version ?? 0].subarray(0, plan.size ?? size);
  const send = plan.send ?? [0, 0];
  const [from, to] =
    send === "all" ? [0, whole.length] : send === "asked" ? [first, Math.min(end, whole.length)] : send;
  if (send === "asked" && from >= whole.length)
    return { status: 416, headers: { "Content-Range": `bytes */${whole.length}` }, body: new Uint8Array(0) };
  const until = Math.min(to, from + (plan.cap ?? Infinity));
  let body = whole.slice(from, until);
  const headers = {};
  const range = plan.range ?? "true";
  const named =
    range === "true"
      ? `bytes ${from}-${until - 1}/${whole.length}`
      : range === "star"
        ? `bytes ${from}-${until - 1}/*`
        : range;
  if (plan.status !== 200 && range !== "none" && (plan.status === 206 || plan.range)) headers["Content-Range"] = named;
  if (plan.encoding === "gzip") [body, headers["Content-Encoding"]] = [gzipSync(body), "gzip"];
  if (plan.multipart) {
    body = Buffer.concat([
      Buffer.from(`--edge\r\nContent-Type: application/sps\r\nContent-Range: ${named}\r\n\r\n`),
      body,
      Buffer.from("\r\n--edge--\r\n"),
    ]);
    headers["Content-Type"] = "multipart/byteranges; boundary=edge";
    delete headers["Content-Range"];
  }
  if (plan.tag) headers.ETag = plan.tag;
  if (plan.length !== "chunked") headers["Content-Length"] = body.length;
  return { status: plan.status, headers, body };
}

/** A server of the vectors; what was asked and how many bytes went out. */
async function serve(t, answers) {
  const told = { requests: 0, bytes: 0 };
  const sockets = new Set();
  const server = createServer((request, response) => {
    told.requests++;
    const moved = request.url.startsWith("/moved");
    const plan = answers[Math.min((told.plans ??= 0), answers.length - 1)];
    if (plan.redirect && !moved) return response.writeHead(302, { Location: "/moved/song.sps" }).end();
    told.plans++;
    const [, first = 0, last = size - 1] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const { status, headers, body } = answerOf(plan, Number(first), Number(last) + 1);
    response.writeHead(status, headers);
    const most = Math.min(plan.cut ?? Infinity, body.length);
    let at = 0;
    const more = () => {
      for (let open = true; open && at < most; at += 65_536)
        open = response.write(body.subarray(at, Math.min(most, at + 65_536)));
      if (at < most) return response.once("drain", more);
      return most < body.length ? later(() => response.destroy(), 20) : response.end();
    };
    return more();
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => (told.bytes += socket.bytesWritten));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const end = async () => {
    const closed = [...sockets]
      .filter((socket) => !socket.closed)
      .map((socket) => new Promise((resolve) => socket.on("close", resolve)));
    server.closeAllConnections();
    await Promise.all(closed);
    server.close();
  };
  t.after(end);
  return { url: `http://127.0.0.1:${server.address().port}/song.sps`, told, end };
}

test("the headers of a partial response are parsed as in the vectors", () => {
  for (const [text, expected] of ranges) {
    const found = contentRange(text);
    assert.deepEqual(found && [found.first, found.end, found.total], expected, text);
  }
  for (const [text, expected] of unsatisfied) assert.equal(sizeOfUnsatisfied(text), expected, text);
  for (const [text, expected] of boundaries) assert.equal(boundaryOf(text), expected, text);
});

for (const { name, answers, code, requests, bytes } of servers) {
  test(`a server: ${name}`, async (t) => {
    const { url, told, end } = await serve(t, answers);
    const source = new SpsSource(url);
    const listen = async () => {
      assert.deepEqual(await source.header(), FILES[0].slice(12, 12 + HEADER));
      for (const [first, until] of reads) {
        const expected = FILES[0].slice(first, until);
        assert.deepEqual(sha256(await source.part(first, until - first, sha256(expected))), sha256(expected));
      }
    };
    if (code) await assert.rejects(listen(), (error) => error.code === code);
    else await listen();
    source.close();
    await end();
    assert.ok(told.requests <= requests, `${told.requests} requests`);
    // Headers, and what lies in the sockets' buffers when a transfer is stopped.
    assert.ok(told.bytes <= bytes + 400 * requests + (4 << 20), `${told.bytes} bytes`);
  });
}

test("parts that are requested at once of a server without ranges use one transfer", async (t) => {
  const { url, told } = await serve(t, [{ status: 200, send: "all" }]);
  const source = new SpsSource(url);
  await source.header();
  const all = Array.from({ length: 15 }, (_, i) => [500_000 + i * 200_000, 200_000]);
  const parts = await Promise.all(
    all.map(([at, length]) => source.part(at, length, sha256(FILES[0].slice(at, at + length)))),
  );
  for (const [i, [at, length]] of all.entries())
    assert.deepEqual(sha256(parts[i]), sha256(FILES[0].slice(at, at + length)));
  assert.equal(told.requests, 1);
});

test("a mirror without ranges is read by one transfer too, and the transfer of a single part ends at its size", async (t) => {
  const gone = await serve(t, [{ status: 404 }]);
  const { url, told } = await serve(t, [{ status: 200, send: "all" }]);
  const source = new SpsSource(gone.url);
  source.addMirrors([url]);
  for (let at = 0; at < size; at += 300_000) await source.part(at, 300_000, sha256(FILES[0].slice(at, at + 300_000)));
  assert.equal(told.requests, 1);
});

test("bytes of two versions are never joined: the read starts again, and fails where the file keeps changing", async (t) => {
  const how = { anew: false, signal: new AbortController().signal, onProgress: () => undefined };
  const { url } = await serve(t, [
    { status: 206, send: "asked", cap: 1000, version: 1, tag: '"a"' },
    { status: 206, send: "asked", cap: 1000, tag: '"b"' },
  ]);
  assert.deepEqual(await new HttpFile(url, how.signal).read(100, 3000, how), FILES[0].slice(100, 3000));
  const never = await serve(
    t,
    Array.from({ length: 40 }, (_, i) => ({ status: 206, send: "asked", cap: 1000, tag: `"${i}"` })),
  );
  await assert.rejects(new HttpFile(never.url, how.signal).read(100, 9000, how), /changes while it is read/);
});

test("a buffered transfer stays within its limit between reads", async () => {
  const chunk = new Uint8Array(1 << 20).fill(7);
  let pulled = 0;
  const stream = new ReadableStream(
    { pull: (controller) => (pulled++, controller.enqueue(chunk)) },
    { highWaterMark: 0 },
  );
  const how = { signal: new AbortController().signal, onProgress: () => undefined };
  const download = new Download(stream.getReader(), 0, { total: null, tag: null }, () => undefined);
  await download.read(0, 10, how, true);
  for (let i = 0; i < 500; i++) await null;
  assert.ok(pulled <= (MAX_BUFFERED >> 20) + 2, `${pulled} MiB`);
  const at = 100 << 20;
  const [piece] = await download.read(at, at + 5, how, true);
  assert.deepEqual([...piece], [7, 7, 7, 7, 7]);
  assert.equal(download.covers(0), false);
  assert.ok(download.end - download.base <= MAX_BUFFERED + chunk.length);
  download.close();
});

test("a transfer of which only the beginning was read ends after a few megabytes", async () => {
  const chunk = new Uint8Array(1 << 20).fill(7);
  let stopped = 0;
  let pulled = 0;
  const stream = new ReadableStream(
    { pull: (controller) => (pulled++, controller.enqueue(chunk)) },
    { highWaterMark: 0 },
  );
  const download = new Download(stream.getReader(), 0, { total: null, tag: null }, () => stopped++);
  await download.read(0, 400_000, { signal: new AbortController().signal, onProgress: () => undefined }, false);
  for (let i = 0; i < 200; i++) await null;
  assert.deepEqual([stopped, download.covers(0)], [1, false]);
  assert.ok(pulled <= (MAX_UNCLAIMED >> 20) + 2, `${pulled} MiB`);
});

test("after the refusal of a range past the end the available bytes are requested", async (t) => {
  const file = FILES[0].subarray(0, 5000);
  const asked = [];
  const server = createServer((request, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    asked.push(request.headers.range);
    if (Number(last) >= file.length)
      return response.writeHead(416, { "Content-Range": `bytes */${file.length}` }).end();
    return response
      .writeHead(206, { "Content-Range": `bytes ${first}-${last}/${file.length}` })
      .end(file.subarray(Number(first), Number(last) + 1));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  const source = new SpsSource(`http://127.0.0.1:${server.address().port}/song.sps`);
  assert.deepEqual(await source.header(), file.slice(12, 12 + HEADER));
  assert.deepEqual(asked, ["bytes=0-399999", "bytes=0-4999"]);
});
