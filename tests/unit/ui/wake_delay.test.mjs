// What decides sleeps under a press that was meant for something else.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { siteName } from "../../../extension/popup/frame.js";
import { pressOnce, wakeDelay } from "../../../extension/ui/wake_delay.js";

/** A window with a clock of its own; its listeners by name. */
function shown() {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  const listeners = {};
  const listen = (name, work) => void (listeners[name] ??= []).push(work);
  Object.assign(globalThis, {
    addEventListener: listen,
    document: { visibilityState: "visible", addEventListener: listen },
  });
  return { say: (name, event = {}) => listeners[name].forEach((work) => work(event)) };
}

test("it sleeps when it appears and wakes after 0.8 s, not before", () => {
  shown();
  const said = [];
  wakeDelay((is) => said.push(is));
  mock.timers.tick(799);
  assert.deepEqual(said, [true]);
  mock.timers.tick(1);
  assert.deepEqual(said, [true, false]);
});

test("what disturbs it begins the sleep anew: the window was away, came, was resized, shows something else", () => {
  for (const name of ["focus", "blur", "resize", "visibilitychange", "changed"]) {
    const { say } = shown();
    let asleep;
    const again = wakeDelay((is) => (asleep = is));
    mock.timers.tick(700);
    name === "changed" ? again() : say(name);
    mock.timers.tick(700);
    assert.equal(asleep, true, name);
    mock.timers.tick(100);
    assert.equal(asleep, false, name);
  }
});

test("nobody sees it: it sleeps until somebody does", () => {
  const { say } = shown();
  let asleep;
  wakeDelay((is) => (asleep = is));
  document.visibilityState = "hidden";
  say("visibilitychange");
  mock.timers.tick(60_000);
  assert.equal(asleep, true);
});

test("a key that is held presses no button a second time, and writes on in a field", () => {
  const { say } = shown();
  pressOnce();
  for (const [key, repeat, field, stopped] of [
    ["Enter", false, false, false],
    ["Enter", true, false, true],
    [" ", true, false, true],
    ["a", true, false, false],
    [" ", true, true, false],
  ]) {
    let prevented = false;
    say("keydown", { key, repeat, target: { matches: () => field }, preventDefault: () => (prevented = true) });
    assert.equal(prevented, stopped, `${key} ${repeat} ${field}`);
  }
});

test("a site is named with what tells it from another: only https goes without saying", () => {
  globalThis.chrome = /** @type {any} */ ({ i18n: { getMessage: (key) => key } });
  const names = [
    "https://a.example",
    "http://a.example",
    "https://a.example:8443",
    "https://xn--pple-43d.example",
    "http://127.0.0.1:8080",
    "file://",
  ].map(siteName);
  assert.deepEqual(names, [
    "a.example",
    "http://a.example",
    "a.example:8443",
    "xn--pple-43d.example",
    "http://127.0.0.1:8080",
    "siteFiles",
  ]);
});
