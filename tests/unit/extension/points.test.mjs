// Requests for points to a station.
import assert from "node:assert/strict";
import { after, beforeEach, mock, test } from "node:test";
import { ask, core, fresh } from "./wallet_world.mjs";

const SITE = "https://points.example";
const MINUTE_S = 1_800_000_000;

beforeEach(fresh);
after(() => {
  mock.timers.reset();
  return ask("wallet.lock");
});

test("a request has the time in whole minutes, and the station's time after its refusal", async () => {
  // Before the wallet opens: it locks itself when hours pass.
  mock.timers.enable({ apis: ["Date"], now: (MINUTE_S + 47) * 1000 });
  await ask("wallet.unlock", { password: "x" });
  const signed = [];
  let accepts = MINUTE_S;
  core["points.sign"] = ({ time_s }) => (signed.push(time_s), { signature: "0x1" });
  globalThis.fetch = async (url) => {
    if (String(url).endsWith("gomaa.json"))
      return Response.json({ station: `0x${"5a".repeat(20)}`, points: "/gomaa/points" });
    return signed.at(-1) === accepts
      ? Response.json({
          points: 3,
          points_per_minute: 1,
          minimum_s: 30,
          cap_per_day: 9,
          discovery_percent: 0,
          offers: [],
          passes: [],
        })
      : Response.json({ error: { code: "invocation.time", detail: { now_s: accepts } } }, { status: 403 });
  };
  assert.equal((await ask("wallet.points", { origin: SITE, what: "look" })).account.points, 3);
  accepts = MINUTE_S + 7_203;
  assert.equal((await ask("wallet.points", { origin: SITE, what: "look" })).account.points, 3);
  assert.deepEqual(signed, [MINUTE_S, MINUTE_S, MINUTE_S + 7_203]);
});
