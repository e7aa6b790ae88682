// When the core puts a song's terms into words: for a player, and once for the same song and wallet.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { core, fresh, portMessages } from "./wallet_world.mjs";

globalThis.navigator ??= /** @type {any} */ ({});
const { publishTerms, publishTo } = await import("../../../extension/engine/playback/state_publisher.js");
const { openSong } = await import("../../../extension/engine/song_cores.js");

/** Calls of the core's operation. */
let calls = 0;
const FACTS = { facts: {}, permits: [] };

beforeEach(async () => {
  await fresh();
  Object.assign(core, { terms: () => (calls++, FACTS), "header.load": () => ({}) });
  calls = portMessages.length = 0;
});

let number = 0;

/** A stream whose song is loaded. */
function stream() {
  const name = `terms-${++number}`;
  openSong(name, "https://s.example").catch(() => undefined);
  const song = { server: { address: "0x1" }, duration_ms: 1 };
  return /** @type {any} */ ({
    ...{ song, info: { station: null, now_s: 5 }, place: { stream: name }, players: new Set() },
    tickets: { capped: false },
    payment: { summary: () => null },
    session: { state: "ready", position_ms: 0, invocations: { heard: { ms: 0, at: 0 }, left: {}, pace: null } },
    settings: { rate: 1 },
    timings: {},
    pageCommands: { isAsking: false, denied: null, done: 0 },
  });
}

test("without a player the core computes no terms, and a player gets them when its port opens", async () => {
  const one = stream();
  await publishTerms(one, one.players);
  assert.equal(calls, 0);
  await publishTo(one, 7);
  assert.equal(calls, 1);
  assert.deepEqual(
    portMessages.map(({ port, message }) => [port, message.type]),
    [
      [7, "terms"],
      [7, "state"],
    ],
  );
});

test("the same song and wallet take one call, other terms of the host another", async () => {
  const one = stream();
  await Promise.all([publishTo(one, 7), publishTerms(one, new Set([7]))]);
  assert.equal(calls, 1);
  one.info = { ...one.info, usage: { plays: 1 } };
  await publishTerms(one, new Set([7]));
  assert.equal(calls, 2);
});

test("a failed call is made again", async () => {
  const one = stream();
  core["terms"] = () => {
    throw new Error("once");
  };
  await assert.rejects(publishTerms(one, new Set([7])));
  core["terms"] = () => (calls++, FACTS);
  await publishTerms(one, new Set([7]));
  assert.equal(calls, 1);
});
