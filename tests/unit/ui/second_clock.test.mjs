// Wake-ups of the player: at most one a second, and none while nothing moves or nobody can see it.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { SecondClock } from "../../../extension/player/second_clock.js";

/** A clock over a song at 3.4 s; `wakes` has the times of its wake-ups, `timers` the number of timers that were set. */
function world({ isOnScreen = true, visibilityState = "visible", rate = 1 } = {}) {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  const here = { now: 0, rate, wakes: [], timers: 0, page: { visibilityState }, scroll: null, turn: null };
  const counted = globalThis.setTimeout;
  globalThis.setTimeout = /** @type {any} */ ((...given) => (here.timers++, counted(...given)));
  const clock = new SecondClock({
    wake: () => here.wakes.push(here.now),
    next: () => here.rate && { untilMs: 1000 - ((3400 + here.now * here.rate) % 1000), rate: here.rate },
    element: /** @type {any} */ ({}),
    page: /** @type {any} */ ({
      get visibilityState() {
        return here.page.visibilityState;
      },
      addEventListener: (_, listener) => (here.turn = listener),
    }),
    Observer: class {
      constructor(callback) {
        here.scroll = (isIntersecting) => callback([{ isIntersecting }]);
      }
      observe() {}
    },
    now: () => here.now,
  });
  here.scroll(isOnScreen);
  here.wakes.length = 0;
  const run = (ms) => {
    for (let step = 0; step < ms; step += 10) {
      here.now += 10;
      mock.timers.tick(10);
    }
  };
  return Object.assign(here, { clock, run });
}

test("the wake-ups follow the seconds of the song", () => {
  const { clock, run, wakes } = world();
  clock.schedule();
  run(3000);
  assert.deepEqual(wakes, [610, 1610, 2610]);
});

test("at every rate, and however often the state changes, there is at most one wake-up a second", () => {
  for (const rate of [0.5, 1, 1.5, 2]) {
    const { clock, run, wakes } = world({ rate });
    clock.schedule();
    for (let i = 0; i < 140; i++) {
      run(70);
      clock.schedule();
    }
    assert.ok(wakes.length >= 4 && wakes.length <= 11, `${wakes.length} at ${rate}`);
    for (let i = 1; i < wakes.length; i++) assert.ok(wakes[i] - wakes[i - 1] >= 900, `${wakes} at ${rate}`);
  }
});

test("a hidden page, a player outside of the viewport and a standing position set no timer", () => {
  for (const given of [{ visibilityState: "hidden" }, { isOnScreen: false }, { rate: 0 }]) {
    const here = world(/** @type {any} */ (given));
    here.clock.schedule();
    here.run(30_000);
    assert.deepEqual([here.timers, here.wakes], [0, []], JSON.stringify(given));
  }
});

test("hiding ends the wake-ups, and showing draws at once", () => {
  const here = world();
  here.clock.schedule();
  here.page.visibilityState = "hidden";
  here.turn();
  here.run(5000);
  assert.deepEqual(here.wakes, []);
  here.page.visibilityState = "visible";
  here.turn();
  here.run(1000);
  assert.deepEqual(here.wakes, [5000, 5610]);
  here.scroll(false);
  here.run(5000);
  assert.equal(here.wakes.length, 2);
});
