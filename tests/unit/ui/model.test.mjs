// Rules of what the player shows.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  INITIAL_STATE,
  canSeek,
  intervalPercents,
  intervalFraction,
  extrapolate,
  moneyNote,
  nextSecond,
  paymentOf,
  peaks,
  remedy,
  rewardMode,
  ruleOf,
  noteClass,
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
  state: { ...INITIAL_STATE, state: "ready", ...state },
  problem: null,
  at: 0,
  ...changes,
});

test("the view is the terms before playback and the controls during playback", () => {
  assert.equal(viewOf(model({ terms: null }, { state: "loading" })), "loading");
  assert.equal(viewOf(model()), "ready");
  for (const state of ["starting", "playing", "paused", "seeking", "waiting", "ended"])
    assert.equal(viewOf(model({}, { state })), "playback");
});

test("a problem replaces the view only without playback", () => {
  const problem = { code: "policy.count.exhausted" };
  assert.equal(viewOf(model({ problem }, { state: "refused" })), "problem");
  assert.equal(viewOf(model({ problem, terms: null }, { state: "ready" })), "problem");
  assert.equal(viewOf(model({ problem }, { state: "playing" })), "playback");
});

test("a fan earns only with a reward, an open wallet and the choice to collect", () => {
  assert.equal(rewardMode(TERMS), "earns");
  assert.equal(rewardMode({ ...TERMS, reward_wei: "0", wallet: "none" }), "unpaid");
  assert.equal(rewardMode({ ...TERMS, wallet: "none", rewards: false }), "none");
  assert.equal(rewardMode({ ...TERMS, wallet: "locked" }), "locked");
  assert.equal(rewardMode({ ...TERMS, rewards: false }), "declined");
  assert.equal(rewardMode({ ...TERMS, capped: true }), "capped");
  assert.equal(rewardMode({ ...TERMS, capped: true, rewards: false }), "declined");
});

test("without a reward the station pays only the owner and a proportional commission", () => {
  assert.deepEqual(paymentOf(TERMS), { total: 1000n, owner: 750n, listener: 200n, commission: 50n });
  assert.deepEqual(paymentOf({ ...TERMS, rewards: false }), {
    total: 789n,
    owner: 750n,
    listener: 0n,
    commission: 39n,
  });
  assert.equal(paymentOf({ ...TERMS, split: null }), null);
  assert.equal(
    paymentOf({ ...TERMS, split: { station_wei: "0", owner_wei: "0", listener_wei: "0", commission_wei: "0" } }),
    null,
  );
});

test("the position is extrapolated only during playback and not past the end, the heard time at its own rate", () => {
  const at = (state, now) =>
    extrapolate(model({}, { state, position_ms: 1000, duration_ms: 3000, next_ms: 1500 }), now).position;
  assert.equal(at("playing", 500), 1500);
  assert.equal(at("playing", 60_000), 3000);
  assert.equal(at("paused", 500), 1000);
  const state = { state: "playing", position_ms: 0, duration_ms: 90_000, rate: 2, heard_ms: 500, next_ms: 29_500 };
  assert.deepEqual(extrapolate(model({}, { ...state, heard_rate: 2 }), 10_000), {
    position: 20_000,
    next: 9_500,
    heard: 20_500,
  });
  assert.deepEqual(extrapolate(model({}, { ...state, heard_rate: 0 }), 10_000), {
    position: 20_000,
    next: 29_500,
    heard: 500,
  });
});

test("the next shown second of a song that plays is known, and there is none while the position stands", () => {
  const at = (state, now) => nextSecond(model({}, { position_ms: 1200, duration_ms: 9000, rate: 2, ...state }), now);
  assert.deepEqual(at({ state: "playing" }, 100), { untilMs: 600, rate: 2 });
  assert.equal(at({ state: "playing" }, 5_000), null);
  for (const state of ["paused", "starting", "ended", "waiting"]) assert.equal(at({ state }, 100), null);
});

test("the fraction of an interval is 0 at its start and 1 at its end", () => {
  assert.equal(intervalFraction(30_000, 30), 0);
  assert.equal(intervalFraction(12_000, 30), 0.6);
  assert.equal(intervalFraction(-1, 30), 1);
  assert.equal(intervalFraction(0, 0), 0);
});

test("there is a percentage for each whole interval of the song", () => {
  assert.deepEqual(intervalPercents(45_000, 100_000, 30), [100, 50, 0]);
  assert.deepEqual(intervalPercents(0, 20_000, 30), []);
  assert.deepEqual(intervalPercents(0, 10_000_000, 1), []);
});

test("a seek is possible only where the terms permit one more", () => {
  assert.equal(canSeek(model({}, { state: "playing", left: { seeks: 1 } })), true);
  assert.equal(canSeek(model({}, { state: "playing", left: { seeks: null } })), true);
  assert.equal(canSeek(model({}, { state: "playing", left: { seeks: 0 } })), false);
  assert.equal(canSeek(model({ terms: { ...TERMS, permits: ["play"] } }, { state: "playing" })), false);
});

test("each code has its remedy", () => {
  assert.equal(remedy("host.missing", null), "command");
  assert.equal(remedy("session.expired", TERMS), "unlock");
  assert.equal(remedy("policy.wallet.required", { ...TERMS, wallet: "none" }), "create");
  assert.equal(remedy("policy.wallet.required", { ...TERMS, wallet: "locked" }), "unlock");
  assert.equal(remedy("content.revoked", TERMS), "none");
  assert.equal(remedy("server.unreachable", TERMS), "retry");
  assert.equal(noteClass("policy.count.exhausted"), "");
  assert.equal(noteClass("host.gone"), "dial");
});

test("there is a peak for each bar; a damaged waveform has none", () => {
  const bytes = btoa(String.fromCharCode(0, 255, 51, 102));
  assert.deepEqual(peaks(bytes, 2), [1, 0.4]);
  assert.equal(peaks(bytes, 8)?.length, 8);
  assert.equal(peaks("%%%", 8), null);
  assert.equal(peaks(null, 8), null);
  assert.equal(peaks("", 8), null);
});

test("a song that stopped after paid intervals shows the amount, never that nothing was charged", () => {
  const pay = (spent_wei) => ({ on: true, need: null, left_wei: "9", each_wei: "3", spent_wei });
  assert.deepEqual(moneyNote({ ...INITIAL_STATE, state: "failed", pay: pay("3") }), { key: "youPaid", sum: "3" });
  assert.deepEqual(moneyNote({ ...INITIAL_STATE, state: "refused", pay: pay("3") }), { key: "youPaid", sum: "3" });
  assert.deepEqual(moneyNote({ ...INITIAL_STATE, state: "failed", pay: pay("0"), earned_wei: "5" }), {
    key: "keptSoFar",
    sum: "5",
  });
  assert.equal(moneyNote({ ...INITIAL_STATE, state: "failed", pay: pay("0") }).key, "nothingCharged");
  assert.equal(moneyNote({ ...INITIAL_STATE, state: "refused" }).key, "nothingRefused");
});

test("only fields of a policy are shown as the rule", () => {
  for (const rule of ["territories", "counts.play", "expires_s", "self_destruct"]) assert.equal(ruleOf({ rule }), rule);
  for (const rule of ["call_evil_example_now", "counts.", "", 7, null, undefined]) assert.equal(ruleOf({ rule }), "");
  const decisions = readFileSync(new URL("../../../pywallet/policy/decision.py", import.meta.url), "utf8");
  const rules = [...decisions.matchAll(/return "(?:policy|content)\.[a-z_.]+", "([a-z_.]+)"/g)].map(([, rule]) => rule);
  assert.ok(rules.length > 10);
  for (const rule of rules) assert.equal(ruleOf({ rule }), rule);
});
