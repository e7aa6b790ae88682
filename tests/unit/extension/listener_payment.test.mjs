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
  host.owed = () => null;
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
