// A response that is buffered while it arrives: reads of it, its limits, and its end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Download, MAX_UNCLAIMED } from "../../../extension/engine/media/download.js";

const VERSION = { total: null, tag: null };
const ticks = async (count = 20) => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};
const options = (signal = new AbortController().signal) => ({ signal, reload: false, onProgress: () => undefined });

/** A download from offset 100 whose chunks the test sends. */
function world() {
  let stops = 0;
  /** @type {ReadableStreamDefaultController<Uint8Array>} */
  let controller;
  const body = new ReadableStream({ start: (given) => void (controller = given) });
  const download = new Download(body.getReader(), 100, VERSION, () => (stops += 1), "https://radio.example");
  const send = async (...bytes) => {
    controller.enqueue(Uint8Array.from(bytes));
    await ticks();
  };
  return {
    download,
    send,
    end: () => controller.close(),
    fail: () => controller.error(new Error("cut")),
    stops: () => stops,
  };
}
const flat = (chunks) => chunks.flatMap((chunk) => [...chunk]);

test("a read gets its bytes from several chunks, and waits for those that have not arrived", async () => {
  const { download, send } = world();
  await send(1, 2, 3);
  const read = download.read(101, 105, options(), true);
  await send(4, 5, 6);
  assert.deepEqual(flat(await read), [2, 3, 4, 5]);
  assert.deepEqual([download.covers(99), download.covers(100), download.covers(1000)], [false, true, true]);
});

test("at the end of the transfer a read gets what there is", async () => {
  const { download, send, end } = world();
  await send(1, 2);
  const read = download.read(100, 110, options(), true);
  end();
  assert.deepEqual(flat(await read), [1, 2]);
  assert.deepEqual([download.state, download.covers(102)], ["ended", false]);
});

test("a broken transfer has failed, and its bytes stay", async () => {
  const { download, send, fail } = world();
  await send(1, 2);
  fail();
  await ticks();
  assert.equal(download.state, "failed");
  assert.deepEqual(flat(await download.read(100, 102, options(), true)), [1, 2]);
});

test("an aborted read is rejected with the reason of the signal", async () => {
  const { download } = world();
  const abort = new AbortController();
  const read = download.read(100, 110, options(abort.signal), true);
  await ticks();
  abort.abort("stalled");
  await assert.rejects(read, /stalled/);
});

test("a retired download ends with its last read", async () => {
  const { download, send, stops } = world();
  const read = download.read(100, 102, options(), true);
  download.retire();
  assert.equal(stops(), 0);
  await send(1, 2);
  assert.deepEqual(flat(await read), [1, 2]);
  assert.deepEqual([stops(), download.covers(100)], [1, false]);
});

test("a transfer of which only the beginning was read ends above its limit", async () => {
  const { download, send, stops } = world();
  await send(1, 2);
  await download.read(100, 101, options(), false);
  await send(...new Uint8Array(10));
  assert.equal(stops(), 0);
  download.chunks.push(new Uint8Array(MAX_UNCLAIMED));
  download.end += MAX_UNCLAIMED;
  await send(3);
  // The chunks before the last read are dropped first.
  assert.deepEqual([stops(), download.state], [1, "failed"]);
});
