// A play that starts while its song moves to another security server: it gets another ticket.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { Problem } from "../../../extension/shared/problem.js";
import { ask, fresh, host } from "./wallet_world.mjs";

const { InvocationClient } = await import("../../../extension/engine/playback/invocation_client.js");

let asked, refusals, tickets, stalls, stream;

beforeEach(async () => {
  await fresh();
  [asked, refusals, stalls] = [[], [], []];
  tickets = {
    drawn: 1,
    ready: true,
    isReady() {
      return this.ready;
    },
    async ensure() {
      this.drawn++;
      this.ready = true;
    },
    discard() {
      this.ready = false;
    },
    markUsed() {
      this.used = true;
    },
    reset() {
      this.ready = false;
    },
  };
  host.invoke = ({ action }) => {
    asked.push(`${action} ${tickets.drawn}`);
    const code = refusals.shift();
    if (code) throw new Problem(code);
    return { left: {}, heard_ms: 0, intervals: 0, grant: null };
  };
  const session = { isActive: true };
  stream = {
    tickets,
    session,
    scheduler: null,
    info: {},
    nowS: 1,
    place: { stream: "s" },
    ring: {},
    recovery: { pending: null, isNeeded: () => false },
    payment: { onIntervals: () => undefined },
    onStall: (is) => stalls.push(is),
  };
});

// A wallet that is open has a timer that locks it.
after(() => ask("wallet.lock"));

test("a ticket of the old server is replaced at once, and the play starts once", async () => {
  refusals = ["server.moved"];
  await new InvocationClient(stream).act("play", 0, 0);
  assert.deepEqual(asked, ["play 1", "play 2"]);
  assert.deepEqual(stalls, []);
  assert.ok(tickets.used);
});

test("a station that reads the move later is requested again", async () => {
  refusals = ["server.moved", "server.moved"];
  await new InvocationClient(stream).act("play", 0, 0);
  assert.deepEqual(asked, ["play 1", "play 2", "play 3"]);
  assert.deepEqual(stalls, [true, false]);
});

test("a running play is not started again by a move, and other refusals are final", async () => {
  refusals = ["server.moved"];
  await assert.rejects(new InvocationClient(stream).act("seek", 0, 0), (error) => error.code === "server.moved");
  refusals = ["policy.count.exhausted"];
  await assert.rejects(
    new InvocationClient(stream).act("play", 0, 0),
    (error) => error.code === "policy.count.exhausted",
  );
  assert.deepEqual(asked, ["seek 1", "play 1"]);
});

test("a stream that the host has evicted is opened again for a play", async () => {
  const done = [];
  tickets.ready = false;
  tickets.ensure = async () => {
    done.push("admit");
    if (!done.includes("open")) throw new Problem("host.stream.unknown");
    tickets.ready = true;
  };
  stream.recovery.recover = async () => void done.push("open");
  await new InvocationClient(stream).act("play", 0, 0);
  assert.deepEqual(done, ["admit", "open", "admit"]);
  assert.deepEqual(asked, ["play 1"]);
});

/** The renewals of a minute that a host counts as heard, at a rate; their times, ms. */
async function renewals(context, { interval_s, rate = 1, fails = () => false }) {
  let now = 0;
  context.mock.timers.enable({ apis: ["setTimeout"] });
  context.mock.method(performance, "now", () => now);
  const at = [];
  host.invoke = ({ action }) => {
    if (action === "renew") at.push(now);
    if (fails(now)) throw new Problem("server.unreachable");
    return { left: {}, heard_ms: now * rate, intervals: 0, grant: null };
  };
  stream.info = { interval_s };
  stream.settings = { rate };
  stream.sound = { positionMs: 0 };
  Object.assign(stream.session, { granted: true, state: "playing" });
  const client = new InvocationClient(stream);
  await client.act("play", 0, 0);
  client.startRenewing();
  while (now < 60_000) {
    now += 100;
    context.mock.timers.tick(100);
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }
  client.stopRenewing();
  context.mock.timers.tick(60_000);
  return at;
}

test("a renewal follows each interval as soon as it is heard, and otherwise a result ten seconds later", async (context) => {
  assert.deepEqual(await renewals(context, { interval_s: 30 }), [10_000, 20_000, 30_100, 40_100, 50_100]);
});

test("short intervals are reported one by one, also where a listener plays faster", async (context) => {
  const at = await renewals(context, { interval_s: 4, rate: 2 });
  assert.deepEqual(
    at,
    Array.from({ length: 29 }, (_, i) => 2_100 + 2_000 * i),
  );
});

test("a renewal that fails is repeated, and never more than eleven seconds later", async (context) => {
  const at = await renewals(context, { interval_s: 30, fails: (now) => now > 5_000 && now < 45_000 });
  const gaps = at.map((time, i) => time - (at[i - 1] ?? 0));
  assert.ok(
    gaps.every((gap) => gap >= 1_000 && gap <= 11_000),
    `${gaps}`,
  );
  assert.deepEqual([stalls.at(0), stalls.at(-1)], [true, false]);
});
