// A play whose connection to the host breaks: opened and continued at the next host.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { Problem } from "../../../extension/shared/problem.js";
import { ask, hostRequests, fresh, host } from "./wallet_world.mjs";

const { HostRecovery } = await import("../../../extension/engine/playback/host_recovery.js");

const TICKET = { type: "Ticket" };

/** A stream whose song can be opened again; what was done. */
function world({ granted = true, ticket = TICKET, reopen = async () => undefined } = {}) {
  const done = [];
  const stream = {
    place: { stream: "s" },
    session: { granted, isStale: false },
    info: {},
    nowS: 1,
    loader: {
      reopen: async () => {
        done.push("open");
        await reopen(done);
      },
    },
    tickets: { ticket, reset: () => done.push("reset"), ensure: async () => void done.push("ensure") },
  };
  return { recovery: new HostRecovery(/** @type {any} */ (stream)), stream, done };
}

beforeEach(async () => {
  await fresh();
  hostRequests.length = 0;
  host.rejoin = () => ({});
});
after(() => ask("wallet.lock"));

test("codes that mean that the host does not have the play any more", () => {
  const { recovery, stream } = world();
  for (const code of ["host.gone", "host.slow", "host.stream.unknown", "ticket.missing"])
    assert.equal(recovery.isNeeded(new Problem(code)), true, code);
  assert.equal(recovery.isNeeded(new Problem("policy.count.exhausted")), false);
  stream.session.granted = false;
  assert.equal(recovery.isNeeded(new Problem("ticket.missing")), false);
});

test("the song is opened again and the play continued with its ticket; two callers share one recovery", async () => {
  const { recovery, done } = world();
  const both = [recovery.recover(), recovery.recover()];
  assert.ok(recovery.pending);
  await Promise.all(both);
  assert.deepEqual([done, recovery.pending], [["open"], null]);
  assert.deepEqual(
    hostRequests.filter(({ op }) => op === "rejoin").map(({ ticket }) => ticket),
    [TICKET],
  );
});

test("a host that is not available yet is tried again, and another refusal is final", async () => {
  const { recovery, done } = world({
    reopen: async (tries) => {
      if (tries.length < 2) throw new Problem("host.gone");
    },
  });
  await recovery.recover();
  assert.deepEqual(done, ["open", "open"]);
  const refused = world({
    reopen: async () => {
      throw new Problem("content.revoked");
    },
  });
  await assert.rejects(refused.recovery.recover(), { code: "content.revoked" });
  assert.deepEqual(refused.done, ["open"]);
});

test("a play that had not started gets a new ticket, and without a ticket nothing is continued", async () => {
  host.rejoin = () => {
    throw new Problem("ticket.missing");
  };
  const unused = world({ granted: false });
  await unused.recovery.recover();
  assert.deepEqual(unused.done, ["open", "reset", "ensure"]);
  await assert.rejects(world().recovery.recover(), { code: "ticket.missing" });
  const none = world({ ticket: null });
  await none.recovery.recover();
  assert.deepEqual(none.done, ["open"]);
});
