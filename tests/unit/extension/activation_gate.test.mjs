// The activation rules with the state, the terms and the payment of a stream.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ActivationGate } from "../../../extension/engine/playback/activation_gate.js";

const FREE = { permissions: ["play", "seek"] };
const COUNTED = { ...FREE, counts: { play: { unit: "play" } } };

/** A gate of a stream, and the codes that its player is shown. */
function world({ policy = FREE, on = false, costs = false, state = "ready", active = false } = {}) {
  const shown = [];
  const actions = active ? { seek: "seek" } : { play: "play" };
  const stream = {
    info: { policy },
    payment: { on, costs },
    place: { origin: "https://radio.example" },
    session: { state, isActive: active, actionOf: (request) => actions[request] ?? null },
    notify: ({ code }) => shown.push(code),
  };
  return { gate: new ActivationGate(/** @type {any} */ (stream)), shown };
}

test("a page with user activation plays a free song, and a press is needed for a counted one", () => {
  assert.equal(world().gate.refusal("play", "activated"), null);
  assert.equal(world().gate.refusal("play", "page")?.code, "player.press");
  assert.equal(world({ policy: COUNTED }).gate.refusal("play", "activated")?.code, "player.press");
  assert.equal(world({ policy: COUNTED }).gate.refusal("play", "press"), null);
});

test("a paid play needs a budget on every surface", () => {
  for (const surface of /** @type {const} */ (["press", "own"])) {
    assert.equal(world({ costs: true }).gate.refusal("play", surface)?.code, "site.budget", surface);
    assert.equal(world({ costs: true, on: true }).gate.refusal("play", surface), null, surface);
  }
  assert.equal(world({ costs: true, on: true }).gate.refusal("play", "activated")?.code, "player.press");
});

test("a page's script may seek and change the speed where neither is limited", () => {
  assert.equal(world({ active: true }).gate.refusal("seek", "page"), null);
  assert.equal(world({ active: true }).gate.refusal("rate", "page"), null);
  const limited = { ...FREE, counts: { seek: { unit: "seek" } } };
  assert.equal(world({ active: true, policy: limited }).gate.refusal("seek", "page")?.code, "player.press");
});

test("an active play can only be resumed, which the page's script may not", () => {
  assert.deepEqual(world({ active: true }).gate.refusal("play", "page")?.detail, { action: "resume" });
});

test("the player shows a refusal; before the song is loaded a play that could be free is allowed", () => {
  const { gate, shown } = world({ policy: COUNTED });
  assert.deepEqual([gate.allows("activated"), shown], [false, ["player.press"]]);
  const early = world({ policy: COUNTED, state: "loading" });
  assert.deepEqual([early.gate.allows("activated"), early.gate.allows("page")], [true, false]);
});
