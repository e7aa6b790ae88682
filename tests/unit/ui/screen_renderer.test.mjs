// Drawing of the popup's screens.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ScreenRenderer } from "../../../extension/popup/screen_renderer.js";

/** A stand-in root; `drawn` counts the drawings. */
function create() {
  const main = { scrollTop: 0 };
  const focused = [];
  const root = {
    replaceChildren: () => (main.scrollTop = 0),
    append: () => {},
    querySelector: (selector) =>
      selector === "main" ? main : { focus: () => void focused.push(selector), getAttribute: () => selector },
  };
  globalThis.document = { activeElement: { getAttribute: () => "send" } };
  const renderer = new ScreenRenderer(root);
  const render = (screen, state, focusInput = false) => renderer.render(screen, { state, focusInput }, () => []);
  return { renderer, render, main, focused };
}

test("a screen is drawn again only where its state has changed", () => {
  const { renderer, render } = create();
  assert.equal(renderer.isDrawn, false);
  assert.deepEqual([render("home", "1"), render("home", "1"), render("home", "2")], [true, false, true]);
  assert.ok(renderer.isDrawn);
});

test("a screen with fields is drawn once and keeps what was typed, until it is opened again", () => {
  const { renderer, render } = create();
  assert.deepEqual([render("send", ""), render("send", "")], [true, false]);
  renderer.reset();
  assert.equal(render("send", ""), true);
});

test("a redraw keeps the scroll position and the focus; another screen begins at its top", () => {
  const { render, main, focused } = create();
  render("home", "1");
  main.scrollTop = 80;
  render("home", "2");
  assert.deepEqual([main.scrollTop, focused], [80, ['[data-key="send"]']]);
  render("sites", "1");
  assert.deepEqual([main.scrollTop, focused.length], [0, 1]);
});

test("the first field gets the focus where the screen wants it", () => {
  const { render, focused } = create();
  render("send", "", true);
  assert.deepEqual(focused, ["input"]);
});
