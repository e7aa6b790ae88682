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
