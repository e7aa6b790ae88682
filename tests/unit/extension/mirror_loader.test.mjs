// Several mirrors for a song's parts: order, failover, back-off with jitter, the watchdog. Time is the test's own.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { test } from "node:test";
import { MirrorLoader, PART_MS, STALL_MS, getPart, partUrl } from "../../../extension/engine/media/mirror_loader.js";
import { Problem } from "../../../extension/shared/problem.js";

const BYTES = Uint8Array.from({ length: 100 }, (_, i) => i);
const sha256 = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest());
const PART = { offset: 7, size: 100, sha256: sha256(BYTES) };

/** A clock that jumps to the next timer when nothing else is left to do. */
class Clock {
  at = 0;
  timers = new Map();
  count = 0;
  chance = 1;
  now = () => this.at;
  random = () => this.chance;
  later = (work, ms) => (this.timers.set(++this.count, { at: this.at + ms, work }), this.count);
  cancel = (id) => this.timers.delete(id);

  async run(promise) {
    let done = false;
    const end = promise.finally(() => (done = true)).catch(() => undefined);
    for (let turns = 0; !done && turns < 10_000; turns++) {
      // Everything that can happen without time happens first.
      for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
      if (done) break;
      const [next] = [...this.timers].sort(([, a], [, b]) => a.at - b.at);
      if (!next) continue;
      this.timers.delete(next[0]);
      this.at = Math.max(this.at, next[1].at);
      next[1].work();
    }
    await end;
    return promise;
  }
}

function world(...gets) {
  const clock = new Clock();
  const stop = new AbortController();
  const delivery = new MirrorLoader(stop.signal, clock, async (bytes) => sha256(bytes));
  const asked = [];
  for (const [i, answer] of gets.entries()) {
    delivery.add(`place ${i}`, async (part, how) => {
      asked.push([i, Math.round(clock.at), how.reload]);
      return answer(how, asked.filter(([n]) => n === i).length);
    });
  }
  return { clock, stop, delivery, asked, part: () => clock.run(delivery.part(PART)) };
}

const good = () => BYTES.slice();
const dead = () => {
  throw new TypeError("Failed to fetch");
};
const gone = () => {
  throw new Problem("sps.segment.missing", { status: 404 });
};
const never = () => new Promise(() => {});
const code = (expected) => (error) => error.code === expected;

test("the first mirror is used while it works", async () => {
  const { part, asked } = world(good, good);
  for (let i = 0; i < 3; i++) assert.deepEqual(await part(), BYTES);
  assert.deepEqual(
    asked.map(([place]) => place),
    [0, 0, 0],
  );
});

test("after a failure the next mirror is used, and the first is backed off", async () => {
  const { part, asked, clock } = world(dead, good);
  assert.deepEqual(await part(), BYTES);
  assert.equal(clock.at, 0);
  await part();
  assert.deepEqual(
    asked.map(([place]) => place),
    [0, 1, 1],
  );
  clock.at = 501;
  await part();
  assert.deepEqual(
    asked.map(([place]) => place),
    [0, 1, 1, 0, 1],
  );
});

test("the backoff doubles with each failure, up to 30 s", async () => {
  const { part, asked, clock } = world(dead, good);
  const times = () => asked.filter(([place]) => place === 0).map(([, at]) => at);
  for (; times().length < 10; clock.at += 250) await part();
  const rests = times()
    .map((at, i, all) => at - (all[i - 1] ?? 0))
    .slice(1);
  assert.deepEqual(rests, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

test("jitter shortens a backoff by up to a half", async () => {
  const { part, asked, clock } = world(dead, good);
  clock.chance = 0;
  await part();
  clock.at = 249;
  await part();
  assert.equal(asked.length, 3);
  clock.at = 251;
  await part();
  assert.equal(asked.length, 5);
});

test("a mirror that works again is the first again", async () => {
  const { part, asked, clock } = world((how, n) => (n === 1 ? dead() : BYTES.slice()), good);
  await part();
  clock.at = 1000;
  await part();
  assert.deepEqual(
    asked.map(([place]) => place),
    [0, 1, 0],
  );
});

test("a single mirror is tried four times, with a backoff in between", async () => {
  const { part, asked } = world(dead);
  await assert.rejects(part(), code("sps.segment.missing"));
  assert.deepEqual(
    asked.map(([, at]) => at),
    [0, 500, 1500, 3500],
  );
});

test("a part that no mirror has is requested once of each", async () => {
  const { part, asked } = world(gone, gone);
  await assert.rejects(part(), (error) => error.code === "sps.segment.missing" && error.detail.status === 404);
  assert.equal(asked.length, 2);
});

test("a request without progress is aborted after the stall time", async () => {
  let ended = false;
  const { part, clock, asked } = world(
    (how) => (how.signal.addEventListener("abort", () => (ended = true)), never()),
    good,
  );
  assert.deepEqual(await part(), BYTES);
  assert.equal(clock.at, STALL_MS);
  assert.equal(ended, true);
  await part();
  assert.deepEqual(
    asked.map(([place]) => place),
    [0, 1, 1],
  );
});

test("slow progress is no stall, but is limited where another mirror is available", async () => {
  const trickle = (clock) => (how) => {
    const more = () => {
      if (how.signal.aborted) return;
      how.onProgress(10);
      clock.later(more, 1000);
    };
    more();
    return never();
  };
  const holder = {};
  const first = world((how) => trickle(holder.clock)(how), good);
  holder.clock = first.clock;
  await first.part();
  assert.equal(first.clock.at, PART_MS);
});

test("a single slow mirror has no time limit", async () => {
  const holder = {};
  const { part, clock } = world(
    (how) =>
      new Promise((resolve) => {
        let ticks = 0;
        const more = () => {
          how.onProgress(10);
          if (++ticks === 40) resolve(BYTES.slice());
          else holder.clock.later(more, 1000);
        };
        more();
      }),
  );
  holder.clock = clock;
  assert.deepEqual(await part(), BYTES);
  assert.equal(clock.at, 39_000);
});

test("corrupt bytes are requested once more past caches, then of another mirror", async () => {
  const { part, asked } = world(() => new Uint8Array(100), good);
  assert.deepEqual(await part(), BYTES);
  assert.deepEqual(
    asked.map(([place, , reload]) => [place, reload]),
    [
      [0, false],
      [0, true],
      [1, false],
    ],
  );
});

test("bytes that are corrupt at every mirror are sps.segment.hash, also where another mirror fails", async () => {
  const { part } = world(dead, () => new Uint8Array(100));
  await assert.rejects(part(), code("sps.segment.hash"));
  const { part: brief } = world(() => BYTES.slice(0, 50));
  await assert.rejects(brief(), code("sps.truncated"));
});

test("a closed loader sends no requests, and aborts the running ones", async () => {
  const { part, stop, asked } = world(() => (queueMicrotask(() => stop.abort()), never()), good);
  await assert.rejects(part(), code("sps.segment.missing"));
  assert.equal(asked.length, 1);
});

test("for random behaviour of the mirrors the part is correct or the load fails", async () => {
  let seed = 42;
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x7fffffff;
  for (let round = 0; round < 60; round++) {
    const kinds = [good, dead, gone, () => new Uint8Array(100), () => BYTES.slice(0, 3)];
    const gets = Array.from({ length: 3 }, () => () => kinds[Math.floor(random() * kinds.length)]());
    const { part, asked } = world(...gets);
    const found = await part().catch((error) => error.code);
    if (typeof found === "string") assert.match(found, /^sps\.(segment\.(missing|hash)|truncated)$/);
    else assert.deepEqual(found, BYTES);
    assert.ok(asked.length <= 12);
  }
});

test("the throughput is measured for large parts, with exponential smoothing", async () => {
  const { delivery } = world(good);
  delivery.recordThroughput(100, 1);
  assert.equal(delivery.kbps, null);
  delivery.recordThroughput(125_000, 1000);
  assert.equal(delivery.kbps, 1000);
  delivery.recordThroughput(125_000, 500);
  assert.ok(Math.abs(delivery.kbps - 1400) < 1);
});

test("a part in a folder is named by its hash and requested without a range", async (t) => {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push([request.url, request.headers.range]);
    response.end(BYTES);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const url = partUrl(`http://127.0.0.1:${server.address().port}/a/`, PART.sha256);
  const came = [];
  const bytes = await getPart(url, 100, {
    reload: false,
    signal: new AbortController().signal,
    onProgress: (n) => came.push(n),
  });
  assert.deepEqual(bytes, BYTES);
  assert.deepEqual(asked, [[`/a/${Buffer.from(PART.sha256).toString("hex")}.part`, undefined]]);
  assert.equal(
    came.reduce((a, b) => a + b, 0),
    100,
  );
});

test("a transfer that is not needed any more is ended, and is no failure of its mirror", async () => {
  const { clock, delivery, asked } = world((_, number) => (number === 1 ? never() : good()), good);
  const stop = new AbortController();
  const ended = delivery.part(PART, stop.signal);
  await new Promise(setImmediate);
  stop.abort();
  await assert.rejects(clock.run(ended), code("sps.segment.missing"));
  assert.deepEqual(await clock.run(delivery.part(PART)), BYTES);
  assert.deepEqual(
    asked.map(([place]) => place),
    [0, 0],
  );
});
