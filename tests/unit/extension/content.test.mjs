// The content scripts of a page, run in the manifest's order over a stand-in document.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FRAME_URL, page, settled } from "./content_page.mjs";

test("a player of the page is shown, its frame gets a key, and states and commands pass between page and engine", async () => {
  const { player, sent, made, deliver } = page();
  await settled();
  assert.deepEqual(
    sent.map(({ type, src, index, count, inside }) => [type, src, index, count, inside]),
    [["show", "https://radio.example/song.sps", 0, 1, false]],
  );
  const { element } = sent[0];
  const received = [];
  player.addEventListener("gomaa:element-state", ({ detail }) => received.push(JSON.parse(detail)));
  deliver({ type: "shown", element, stream: "token", url: FRAME_URL });
  assert.deepEqual([sent[1].type, sent[1].key.length], ["framed", 32]);
  const frame = made.find(({ localName }) => localName === "iframe");
  frame.dispatchEvent(new Event("load"));
  assert.equal(frame.key, sent[1].key);
  assert.deepEqual(received.splice(0), [{ track: { index: 0, list: [sent[0].src] } }, { found: true, isSame: false }]);
  deliver({ type: "state", element, stream: "token", state: { state: "ready" } });
  deliver({ type: "state", element, stream: "another", state: { state: "playing" } });
  assert.deepEqual(received, [{ state: "ready" }]);
  deliver({ type: "height", element, height: 5000 });
  assert.equal(frame.style.height, "1200px");
  player.dispatchEvent(new CustomEvent("gomaa:element", { detail: '{"command":"play","value":null,"n":1}' }));
  player.dispatchEvent(new CustomEvent("gomaa:element", { detail: "no command" }));
  assert.deepEqual(sent.slice(2), [{ type: "command", element, command: "play", value: null, n: 1, active: false }]);
});
