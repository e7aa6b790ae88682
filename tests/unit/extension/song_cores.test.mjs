// The cores that read songs: one for each site, separate from the wallet's, ended with the site's last player; and the
// queue by site.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

/** Workers that respond when the test says so. */
const workers = [];
class ManualWorker {
  listeners = [];
  asked = [];
  ended = false;
  constructor() {
    workers.push(this);
  }
  addEventListener(_, listener) {
    this.listeners.push(listener);
  }
  postMessage(message) {
    this.asked.push(message);
  }
  terminate() {
    this.ended = true;
  }
  answer() {
    for (const { id, op } of this.asked.splice(0))
      for (const listener of this.listeners)
        listener({ data: { id, answer: JSON.stringify({ ok: true, result: { op } }) } });
  }
}
let timers = [];
Object.assign(globalThis, {
  location: { protocol: "chrome-extension:" },
  chrome: { runtime: {} },
  Worker: ManualWorker,
  setTimeout: (work) => timers.push(work),
  clearTimeout: (timer) => delete timers[timer - 1],
  setInterval: () => 0,
  clearInterval() {},
});
const { python } = await import("../../../extension/engine/wallet_core.js");
const { MAX_HEADER_BYTES_OF_SITE, closeSong, openSong, song } = await import("../../../extension/engine/song_cores.js");
const { SiteQueue } = await import("../../../extension/engine/site_queue.js");
const A = "https://a.example";
const B = "https://b.example";
const MEGA = 1 << 20;
const alive = () => workers.filter(({ ended }) => !ended);
const code = (expected) => (error) => error.code === expected;

let count = 0;
const opened = new Set();
function show(site) {
  const stream = `s${count++}`;
  openSong(stream, site);
  opened.add(stream);
  return stream;
}
function hide(stream) {
  opened.delete(stream);
  closeSong(stream);
}
const load = (stream, size = 100) => song("header.load", { stream }, new Uint8Array(size));

beforeEach(() => {
  for (const stream of opened) hide(stream);
  for (const run of timers) run?.();
  timers = [];
  workers.length = 0;
});

test("the wallet's core responds while every site's core reads, and no site waits for another", async () => {
  const [a, b] = [show(A), show(B)];
  const slow = [load(a, 3 * MEGA), load(a, 3 * MEGA)];
  const quick = load(b);
  const word = python("wallet.status");
  assert.equal(alive().length, 3);
  assert.deepEqual(
    workers.map(({ asked }) => asked.map(({ op }) => op)),
    [["header.load", "header.load"], ["header.load"], ["wallet.status"]],
  );
  workers[1].answer();
  workers[2].answer();
  assert.deepEqual(await quick, { op: "header.load" });
  assert.deepEqual(await word, { op: "wallet.status" });
  const gone = slow.map((one) => assert.rejects(one, code("host.stream.unknown")));
  hide(a);
  assert.ok(workers[0].ended, "a core ends with its site's last player, whatever it reads");
  await Promise.all(gone);
});

test("players of a site share a core; one that has read little serves the next site, for a while", () => {
  const [one, two] = [show(A), show(A)];
  assert.equal(workers.length, 1);
  load(one).catch(() => undefined);
  hide(one);
  assert.equal(workers[0].ended, false);
  hide(two);
  assert.equal(workers[0].ended, false);
  const other = show(B);
  assert.equal(workers.length, 1);
  hide(other);
  for (const run of timers) run?.();
  assert.ok(workers[0].ended);
});

test("the open headers of a site are limited in bytes, and closing one frees its bytes", async () => {
  const streams = [show(A), show(A), show(A)];
  for (const stream of streams.slice(0, 2)) load(stream, 4 * MEGA).catch(() => undefined);
  assert.equal(MAX_HEADER_BYTES_OF_SITE, 8 * MEGA);
  await assert.rejects(load(streams[2]), code("site.streams"));
  load(streams[1], 4 * MEGA).catch(() => undefined);
  load(show(B)).catch(() => undefined);
  hide(streams[0]);
  load(streams[2]).catch(() => undefined);
  assert.equal(workers[0].asked.filter(({ op }) => op === "header.load").length, 4);
});

test("there are four cores at most, and a late call for a closed stream starts none", async () => {
  const streams = Array.from({ length: 9 }, (_, i) => show(`https://${i}.example`));
  assert.equal(alive().length, 4);
  for (const stream of streams) hide(stream);
  assert.ok(alive().length <= 1);
  const before = workers.length;
  await assert.rejects(song("player.event", { stream: streams[8], event: "ended" }), code("host.stream.unknown"));
  assert.equal(workers.length, before);
});

test("the tasks of a site are limited; another site does not wait, and a failed task frees its place", async () => {
  const turns = new SiteQueue(2);
  const began = [];
  const ends = [];
  const work = (name) =>
    turns.run(
      name[0],
      () =>
        new Promise((resolve, reject) => {
          began.push(name);
          ends.push({ resolve, reject });
        }),
    );
  const all = ["a1", "a2", "a3", "b1"].map(work);
  await Promise.resolve();
  assert.deepEqual(began, ["a1", "a2", "b1"]);
  ends[0].reject(new Error("x"));
  await assert.rejects(all[0]);
  assert.deepEqual(began, ["a1", "a2", "b1", "a3"]);
  for (const { resolve } of ends) resolve();
  await Promise.all(all.slice(1));
  assert.equal(turns.sites.size, 0);
});
