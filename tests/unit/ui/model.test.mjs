// What the player decides from the engine's messages.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  NOTHING,
  canSeek,
  dashes,
  fullness,
  live,
  moneyOf,
  paid,
  peaks,
  remedy,
  rewardMode,
  ruleOf,
  tone,
  viewOf,
} from "../../../extension/player/model.js";

const FACTS = { may: "", left: "", costs: "", earn: "", limits: [] };
const TERMS = {
  title: "",
  artist: "",
  duration_ms: 300_000,
  quality: "",
  content: "0x1",
  station: null,
  facts: FACTS,
  permits: ["play", "seek"],
  split: { station_wei: "1000", owner_wei: "750", listener_wei: "200", commission_wei: "50" },
  interval_s: 30,
  reward_wei: "2",
  wallet: "open",
  rewards: true,
};
const model = (changes = {}, state = {}) => ({
  terms: TERMS,
  state: { ...NOTHING, state: "ready", ...state },
  problem: null,
  at: 0,
  ...changes,
});

test("the terms stand before play, the controls while there is music", () => {
  assert.equal(viewOf(model({ terms: null }, { state: "loading" })), "loading");
  assert.equal(viewOf(model()), "before");
  for (const state of ["starting", "playing", "paused", "seeking", "waiting", "ended"])
    assert.equal(viewOf(model({}, { state })), "music");
});

test("a problem takes the player's place only where nothing plays", () => {
  const problem = { code: "policy.count.exhausted" };
  assert.equal(viewOf(model({ problem }, { state: "refused" })), "problem");
  assert.equal(viewOf(model({ problem, terms: null }, { state: "ready" })), "problem");
  assert.equal(viewOf(model({ problem }, { state: "playing" })), "music");
});

test("rewards need a reward, a wallet that is open, and the fan's wish", () => {
  assert.equal(rewardMode(TERMS), "earns");
  assert.equal(rewardMode({ ...TERMS, reward_wei: "0", wallet: "none" }), "unpaid");
  assert.equal(rewardMode({ ...TERMS, wallet: "none", rewards: false }), "none");
  assert.equal(rewardMode({ ...TERMS, wallet: "locked" }), "locked");
  assert.equal(rewardMode({ ...TERMS, rewards: false }), "declined");
  assert.equal(rewardMode({ ...TERMS, capped: true }), "capped");
  assert.equal(rewardMode({ ...TERMS, capped: true, rewards: false }), "declined");
});

test("without a reward the station pays the band and its commission only", () => {
  assert.deepEqual(paid(TERMS), { total: 1000n, owner: 750n, listener: 200n, commission: 50n });
  assert.deepEqual(paid({ ...TERMS, rewards: false }), { total: 789n, owner: 750n, listener: 0n, commission: 39n });
  assert.equal(paid({ ...TERMS, split: null }), null);
  assert.equal(
    paid({ ...TERMS, split: { station_wei: "0", owner_wei: "0", listener_wei: "0", commission_wei: "0" } }),
    null,
  );
});

test("the position runs on only while it plays, only a little ahead, and never past the end", () => {
  const at = (state, now) =>
    live(model({}, { state, position_ms: 1000, duration_ms: 3000, next_ms: 1500 }), now).position;
  assert.equal(at("playing", 500), 1500);
  assert.equal(at("playing", 60_000), 3000);
  assert.equal(at("paused", 500), 1000);
  assert.equal(
    live(model({}, { state: "playing", position_ms: 0, duration_ms: 90_000, next_ms: 1500 }), 60_000).next,
    0,
  );
});

test("the eye closes as the interval fills", () => {
  assert.equal(fullness(30_000, 30), 0);
  assert.equal(fullness(12_000, 30), 0.6);
  assert.equal(fullness(-1, 30), 1);
  assert.equal(fullness(0, 0), 0);
});

test("dashes are the intervals that fit into the song", () => {
  assert.deepEqual(dashes(45_000, 100_000, 30), [100, 50, 0]);
  assert.deepEqual(dashes(0, 20_000, 30), []);
  assert.deepEqual(dashes(0, 10_000_000, 1), []);
});

test("no seek where the band denies it or none is left", () => {
  assert.equal(canSeek(model({}, { state: "playing", left: { seeks: 1 } })), true);
  assert.equal(canSeek(model({}, { state: "playing", left: { seeks: null } })), true);
  assert.equal(canSeek(model({}, { state: "playing", left: { seeks: 0 } })), false);
  assert.equal(canSeek(model({ terms: { ...TERMS, permits: ["play"] } }, { state: "playing" })), false);
});

test("every problem has the one remedy that helps", () => {
  assert.equal(remedy("host.missing", null), "command");
  assert.equal(remedy("session.expired", TERMS), "unlock");
  assert.equal(remedy("policy.wallet.required", { ...TERMS, wallet: "none" }), "create");
  assert.equal(remedy("policy.wallet.required", { ...TERMS, wallet: "locked" }), "unlock");
  assert.equal(remedy("content.revoked", TERMS), "none");
  assert.equal(remedy("server.unreachable", TERMS), "retry");
  assert.equal(tone("policy.count.exhausted"), "");
  assert.equal(tone("host.gone"), "dial");
});

test("a waveform of any length gives as many peaks as there are bars; a damaged one gives none", () => {
  const bytes = btoa(String.fromCharCode(0, 255, 51, 102));
  assert.deepEqual(peaks(bytes, 2), [1, 0.4]);
  assert.equal(peaks(bytes, 8)?.length, 8);
  assert.equal(peaks("%%%", 8), null);
  assert.equal(peaks(null, 8), null);
  assert.equal(peaks("", 8), null);
});

test("a song that stopped after a part was paid for says what was paid, and never that nothing was charged", () => {
  const pay = (spent_wei) => ({ on: true, need: null, left_wei: "9", each_wei: "3", spent_wei });
  assert.deepEqual(moneyOf({ ...NOTHING, state: "failed", pay: pay("3") }), { key: "youPaid", sum: "3" });
  assert.deepEqual(moneyOf({ ...NOTHING, state: "refused", pay: pay("3") }), { key: "youPaid", sum: "3" });
  assert.deepEqual(moneyOf({ ...NOTHING, state: "failed", pay: pay("0"), earned_wei: "5" }), {
    key: "keptSoFar",
    sum: "5",
  });
  assert.equal(moneyOf({ ...NOTHING, state: "failed", pay: pay("0") }).key, "nothingCharged");
  assert.equal(moneyOf({ ...NOTHING, state: "refused" }).key, "nothingRefused");
});

test("of a detail only a policy's own fields are shown as the rule", () => {
  for (const rule of ["territories", "counts.play", "expires_s", "self_destruct"]) assert.equal(ruleOf({ rule }), rule);
  for (const rule of ["call_evil_example_now", "counts.", "", 7, null, undefined]) assert.equal(ruleOf({ rule }), "");
  const decisions = readFileSync(new URL("../../../pywallet/policy/decision.py", import.meta.url), "utf8");
  const rules = [...decisions.matchAll(/return "(?:policy|content)\.[a-z_.]+", "([a-z_.]+)"/g)].map(([, rule]) => rule);
  assert.ok(rules.length > 10);
  for (const rule of rules) assert.equal(ruleOf({ rule }), rule);
});
