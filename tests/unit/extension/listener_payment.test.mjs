// Start of the next play of a song that its listener pays: the allowance is for the site in the tab.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { ask, core, fresh, host, wallet } from "./wallet_world.mjs";

const { ListenerPayment } = await import("../../../extension/engine/playback/listener_payment.js");
const SITE = "https://band.example";
let on, starts;

/** A paid song of a page, with a budget and listening money for its site. */
function paying(place) {
  const song = { payer: "listener", price_wei: "100" };
  const stream = {
    song,
    info: { bps: 0, going: false, server: { address: "0xs" }, station: null },
    place: { stream: "s", origin: SITE, site: SITE, inside: false, ...place },
    tickets: { prepared: null },
    scheduler: null,
    session: { isStale: false, isActive: false, restart: (start) => starts.push(start) },
  };
  return new ListenerPayment(/** @type {any} */ (stream));
}

beforeEach(async () => {
  await fresh();
  [on, starts] = [[], []];
  host.sites = () => ({ sites: [{ origin: SITE, state: "allowed", day_wei: "5000" }], day_wei: "5000" });
  host.escrow = () => ({ places: [{ server: "0xs", left_wei: "900" }] });
  host.owed = () => ({ due: null, waiting: null });
  core["player.pays"] = (payload) => {
    on.push(payload.on);
    return { begins: payload.on ? "play" : "preview", extent: { from_ms: 0, to_ms: 9 } };
  };
  await ask("wallet.unlock", { password: "x" });
});
after(() => ask("wallet.lock"));

test("within the budget of its site a play is paid; in a frame of another site it is the preview, whatever the budget", async () => {
  const own = paying({});
  await own.decide();
  assert.deepEqual([own.need, own.on, starts], [null, true, [{ begins: "play", from_ms: 0 }]]);
  const framed = paying({ inside: true });
  await framed.decide();
  assert.deepEqual([framed.need, framed.on, on], ["inside", false, [true, false]]);
  assert.equal(wallet.statusAt().wallet, "open");
});

test("the allowance of a site does not count for another one, also of another scheme or port", async () => {
  for (const origin of [
    "http://band.example",
    "https://band.example:8443",
    "https://band.example.evil.example",
    "https://xn--bnd-pla.example",
    "file://",
  ]) {
    const other = paying({ origin, site: origin });
    await other.decide();
    assert.deepEqual([origin, other.need, other.on], [origin, "budget", false]);
  }
});

const DUE = { station: "0xt", server: "0xs", payer: "0xp", cap_wei: "1", until: 1, chain_id: 1, settlement: "0x" };

/** A promise that the test resolves. */
function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { open, opened };
}

test("what the next play costs is not shown before the core has decided it", async () => {
  const { open, opened } = gate();
  const asked = gate();
  core["player.pays"] = async () => {
    asked.open();
    await opened;
    return { begins: "play", extent: { from_ms: 0, to_ms: null } };
  };
  const own = paying({});
  own.need = "budget";
  const decided = own.decide();
  await asked.opened;
  // A press now would still start the preview.
  assert.deepEqual([own.on, own.summary(0).need], [false, "budget"]);
  open();
  await decided;
  assert.deepEqual([own.on, own.summary(0).need], [true, null]);
});

test("of two decisions the later one holds, also where the earlier one ends last", async () => {
  const { open, opened } = gate();
  let calls = 0;
  host.escrow = async () => {
    if (++calls > 1) return { places: [{ server: "0xs", left_wei: "900" }] };
    await opened;
    return { places: [] };
  };
  const own = paying({});
  const first = own.decide();
  await own.decide();
  open();
  await first;
  assert.deepEqual([own.need, own.on, on], [null, true, [true]]);
});

test("an interval that is heard while a voucher is signed gets one too, also where the play pauses then", async () => {
  const gates = [gate(), gate()];
  const paid = [];
  host.owed = () => ({ due: DUE, waiting: null });
  core["voucher.sign"] = async () => ({ voucher: paid.length });
  host.pay = async ({ voucher }) => {
    paid.push(voucher);
    await gates[voucher].opened;
    return { waiting: null };
  };
  const own = paying({});
  own.onIntervals(0, "play");
  own.onIntervals(1, "renew");
  own.onIntervals(2, "pause");
  gates[0].open();
  gates[1].open();
  await own.signing;
  assert.deepEqual([own.signedIntervals, paid], [2, [0, 1]]);
});

test("an interval that has no room yet is asked for again, less and less often, until it is settled", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const answers = ["server.epoch.full", "server.epoch.full", null];
  let asked = 0;
  host.owed = () => ({ due: null, waiting: answers[asked++] ?? null });
  const own = paying({});
  own.onIntervals(0, "play");
  own.onIntervals(1, "pause");
  await own.signing;
  assert.deepEqual([asked, own.signedIntervals], [1, 0]);
  for (const [early, late] of [
    [370, 630],
    [740, 1_260],
  ]) {
    const before = asked;
    context.mock.timers.tick(early);
    assert.equal(own.signing, null);
    assert.equal(asked, before);
    context.mock.timers.tick(late - early);
    await own.signing;
    assert.equal(asked, before + 1);
  }
  assert.equal(own.signedIntervals, 1);
  context.mock.timers.tick(600_000);
  assert.deepEqual([own.signing, asked], [null, 3]);
});

test("a server that is away is asked again; a closed player asks nothing", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let asked = 0;
  host.owed = () => {
    asked++;
    throw Object.assign(new Error(), { code: "server.unreachable" });
  };
  const own = paying({});
  own.onIntervals(0, "play");
  own.onIntervals(1, "renew");
  await own.signing;
  context.mock.timers.tick(630);
  await own.signing;
  assert.equal(asked, 2);
  own.close();
  context.mock.timers.tick(600_000);
  await own.signing;
  assert.equal(asked, 2);
});
