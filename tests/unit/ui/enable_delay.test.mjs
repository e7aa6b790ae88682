// Buttons that decide are disabled until the window was visible and undisturbed for a delay.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { siteName } from "../../../extension/popup/frame.js";
import { enableDelay, ignoreKeyRepeats } from "../../../extension/ui/enable_delay.js";

/** A stand-in window with mock timers; `emit` calls its listeners by name. */
function createWindow() {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  const listeners = {};
  const listen = (name, work) => void (listeners[name] ??= []).push(work);
  Object.assign(globalThis, {
    addEventListener: listen,
    document: { visibilityState: "visible", addEventListener: listen },
  });
  return { emit: (name, event = {}) => listeners[name].forEach((work) => work(event)) };
}

test("buttons are disabled at first and enabled after 0.8 s, not before", () => {
  createWindow();
  const states = [];
  enableDelay((isDisabled) => states.push(isDisabled));
  mock.timers.tick(799);
  assert.deepEqual(states, [true]);
  mock.timers.tick(1);
  assert.deepEqual(states, [true, false]);
});

test("focus, blur, a new size, visibility and new content restart the delay", () => {
  for (const name of ["focus", "blur", "resize", "visibilitychange", "changed"]) {
    const { emit } = createWindow();
    let disabled;
    const restart = enableDelay((isDisabled) => (disabled = isDisabled));
    mock.timers.tick(700);
    name === "changed" ? restart() : emit(name);
    mock.timers.tick(700);
    assert.equal(disabled, true, name);
    mock.timers.tick(100);
    assert.equal(disabled, false, name);
  }
});

test("buttons of a hidden window stay disabled", () => {
  const { emit } = createWindow();
  let disabled;
  enableDelay((isDisabled) => (disabled = isDisabled));
  document.visibilityState = "hidden";
  emit("visibilitychange");
  mock.timers.tick(60_000);
  assert.equal(disabled, true);
});

test("repeats of a held key are ignored, except in a field", () => {
  const { emit } = createWindow();
  ignoreKeyRepeats();
  for (const [key, repeat, field, stopped] of [
    ["Enter", false, false, false],
    ["Enter", true, false, true],
    [" ", true, false, true],
    ["a", true, false, false],
    [" ", true, true, false],
  ]) {
    let prevented = false;
    emit("keydown", { key, repeat, target: { matches: () => field }, preventDefault: () => (prevented = true) });
    assert.equal(prevented, stopped, `${key} ${repeat} ${field}`);
  }
});

test("the name of a site is its origin; only https is omitted", () => {
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
