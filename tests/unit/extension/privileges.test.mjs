// Messages that each kind of port may send and receive, and the kind of a port.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DELIVERIES,
  kindOf,
  mayReceive,
  maySend,
  PAGE_STATE,
  PRIVILEGES,
} from "../../../extension/background/privileges.js";

const SAMPLES = {
  number: 1.5,
  count: 1,
  texts: ["x"],
  string: "play",
  boolean: true,
  object: {},
  scalar: "x",
  blob: "AAAA",
};
const WRONG = {
  number: ["1", Infinity, NaN, {}],
  string: [1, ["play"], { length: 1 }, "x".repeat(4097)],
  blob: [1, ["AAAA"], "x".repeat((1 << 20) + 1)],
  boolean: [0, "true"],
  object: ["x", 3, [], [{}]],
  count: ["1", -1, 1.5, NaN, 2 ** 53, {}, [1]],
  texts: ["x", {}, [1], [["x"]], ["x".repeat(4097)], Array(65).fill("x"), { length: 1, 0: "x" }],
  scalar: [{}, () => 0, ["x"], NaN, "x".repeat(4097)],
};
const kinds = Object.keys(PRIVILEGES);
const types = [...new Set(kinds.flatMap((kind) => Object.keys(PRIVILEGES[kind])))];

/** A message of a type with every field of its row. */
function whole(type) {
  const owner = kinds.find((kind) => Object.hasOwn(PRIVILEGES[kind], type));
  const values = Object.entries(PRIVILEGES[owner][type]).map(([name, kind]) => [name, SAMPLES[kind.replace("?", "")]]);
  const request = type === "native" ? { request: { op: "status" } } : {};
  return {
    ...(["wallet", "approval"].includes(owner) ? { id: 1 } : {}),
    ...Object.fromEntries(values),
    ...request,
    ...(type === "command" ? { command: "play" } : {}),
    type,
  };
}

for (const kind of kinds) {
  for (const type of types) {
    const expected = Object.keys(PRIVILEGES[kind]).includes(type);
    test(`${kind} ${expected ? "may" : "may not"} send ${type}`, () =>
      assert.equal(maySend(kind, whole(type)), expected));
  }
  for (const [type, fields] of Object.entries(PRIVILEGES[kind])) {
    test(`${kind}: ${type} with a field that is not in its row is refused`, () => {
      for (const name of ["port", "origin", "stream", "toString", "extra"])
        if (!Object.hasOwn(fields, name)) assert.equal(maySend(kind, { ...whole(type), [name]: 1 }), false, name);
    });
    for (const [name, declared] of Object.entries(fields)) {
      const optional = declared.endsWith("?");
      test(`${kind}: ${type} with a wrong ${name} is refused`, () => {
        for (const value of WRONG[declared.replace("?", "")])
          assert.equal(maySend(kind, { ...whole(type), [name]: value }), false, String(value).slice(0, 20));
      });
      test(`${kind}: ${type} without ${name} is ${optional ? "allowed" : "refused"}`, () => {
        const rest = whole(type);
        delete rest[name];
        assert.equal(maySend(kind, rest), optional);
        assert.equal(maySend(kind, { ...rest, [name]: null }), optional);
      });
    }
  }
}

test("each kind has the types of protocol section 6, and each type one kind", () => {
  assert.deepEqual(kinds, ["page", "player", "wallet", "engine", "provider", "approval"]);
  for (const type of types) assert.equal(kinds.filter((kind) => Object.hasOwn(PRIVILEGES[kind], type)).length, 1, type);
  assert.deepEqual(Object.keys(PRIVILEGES.page), ["show", "bytes", "framed", "hide", "command"]);
  assert.deepEqual(Object.keys(PRIVILEGES.provider), ["request"]);
  assert.deepEqual(Object.keys(PRIVILEGES.approval), [
    "approval.next",
    "approval.done",
    "approval.unlock",
    "approval.answer",
  ]);
  assert.deepEqual(Object.keys(PRIVILEGES.player), [
    "play",
    "pause",
    "seek",
    "prepare_seek",
    "volume",
    "mute",
    "rate",
    "track",
    "retry",
    "open",
    "height",
  ]);
});

test("no message of a page or frame gives consent, costs money or changes a setting", () => {
  const decides = /wallet|rewards|collect|budget|site|consent|takeover|here|allow|agree|answer|approve/;
  for (const kind of ["page", "player"])
    for (const type of Object.keys(PRIVILEGES[kind])) assert.doesNotMatch(type, decides, `${kind} ${type}`);
  for (const type of [
    "wallet.collect",
    "wallet.collect.answer",
    "wallet.takeover",
    "wallet.site",
    "wallet.listening.put",
  ]) {
    assert.deepEqual(
      kinds.filter((kind) => maySend(kind, whole(type))),
      ["wallet"],
      type,
    );
  }
});

test("names of the prototype are no message types", () => {
  for (const kind of kinds) {
    for (const type of ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", ""])
      assert.equal(maySend(kind, { id: 1, type }), false, type);
    assert.equal(maySend(kind, JSON.parse('{"__proto__": {"type": "play"}, "id": 1}')), false);
  }
});

test("a message that is no object with a text as type is refused", () => {
  for (const kind of kinds) {
    for (const message of [
      null,
      undefined,
      0,
      "play",
      true,
      [],
      ["play"],
      {},
      { type: 1 },
      { type: ["play"] },
      { type: { toString: () => "play" } },
      () => 0,
    ]) {
      assert.equal(maySend(kind, message), false);
    }
  }
});

test("a page's commands are those of playback only", () => {
  for (const command of ["play", "pause", "seek", "volume", "muted", "rate", "pitch"])
    assert.ok(maySend("page", { type: "command", element: 1, command }));
  for (const command of ["rewards", "retry", "wallet.claim", "constructor", "PLAY", ""])
    assert.equal(maySend("page", { type: "command", element: 1, command }), false, command);
});

test("a wallet's message has a number as id", () => {
  assert.ok(maySend("wallet", { id: 7, type: "wallet.status" }));
  for (const id of [undefined, null, "7", {}]) assert.equal(maySend("wallet", { id, type: "wallet.status" }), false);
});

test("a text has at most 4096 characters", () => {
  assert.ok(maySend("page", { type: "show", element: 1, src: "x".repeat(4096) }));
  assert.equal(maySend("page", { type: "show", element: 1, src: "x".repeat(4097) }), false);
});

test("a request to the host is an object with a text as op", () => {
  for (const request of [{}, { op: 1 }, { op: ["open"] }, [], ["open"], null, "open"])
    assert.equal(maySend("engine", { type: "native", id: 1, request }), false);
});

const STATE = {
  state: "playing",
  position_ms: 1,
  duration_ms: 2,
  ranges: [[0, 1]],
  volume: 1,
  muted: false,
  rate: 1,
  pitch: true,
  wanted: false,
  stalled: false,
  seekable: true,
  code: null,
  denied: null,
  done: 0,
};

test("a page gets the state of an audio element and no other field", () => {
  assert.ok(mayReceive("page", { type: "state", element: 1, stream: "1-2", state: STATE }));
  assert.deepEqual(Object.keys(PAGE_STATE), Object.keys(STATE));
  for (const name of ["wallet", "earned_wei", "rewards", "left", "heard_ms", "address", "session"]) {
    assert.equal(
      mayReceive("page", { type: "state", element: 1, stream: "1-2", state: { ...STATE, [name]: 1 } }),
      false,
      name,
    );
    assert.equal(
      mayReceive("page", { type: "state", element: 1, stream: "1-2", state: STATE, [name]: 1 }),
      false,
      name,
    );
  }
  for (const state of [
    null,
    [],
    "playing",
    { ...STATE, position_ms: NaN },
    { ...STATE, state: { wallet: 1 } },
    { ...STATE, ranges: [[0, "1"]] },
  ])
    assert.equal(mayReceive("page", { type: "state", element: 1, stream: "1-2", state }), false);
});

test("a message for another kind of port is not delivered", () => {
  const told = {
    page: { type: "state", element: 1, stream: "1-2", state: STATE },
    player: { type: "terms", title: "x" },
    wallet: { id: 1, ok: true, result: {} },
    provider: { type: "reply", id: 1, ok: true, body: "[]" },
  };
  // The approval window gets the same messages as the wallet's screens.
  const fits = (kind, other) =>
    kind === other ||
    (kind === "approval" && ["wallet", "provider"].includes(other)) ||
    (kind === "wallet" && other === "provider");
  for (const kind of kinds)
    for (const [other, message] of Object.entries(told))
      assert.equal(mayReceive(kind, message), fits(kind, other), `${other}'s to ${kind}`);
  assert.deepEqual(Object.keys(DELIVERIES), ["page", "player", "provider"]);
  assert.ok(mayReceive("provider", { type: "event", name: "accountsChanged", body: "[]" }));
  for (const message of [
    { type: "event", name: "x" },
    { type: "event", name: 1, body: "" },
    { type: "reply", id: 1, ok: true, body: {} },
    { type: "reply", id: 1, ok: true, body: "[]", account: "x" },
  ])
    assert.equal(mayReceive("provider", message), false);
  assert.ok(mayReceive("wallet", { event: "changed" }));
  assert.equal(mayReceive("player", { type: "problem" }), false, "no code");
  for (const kind of kinds)
    for (const message of [null, [], 1, "x", {}, { type: "toString" }, { id: "1", ok: true }, { id: 1, ok: "true" }])
      assert.equal(mayReceive(kind, message), false);
});

const SELF = "abcdefghijklmnopabcdefghijklmnop";
const own = (path, scheme = "chrome-extension") => ({ id: SELF, url: `${scheme}://${SELF}${path}` });
const web = (url = "https://music.example/song", id = SELF) => ({ id, url, tab: { id: 1 } });

test("the kind of a port follows from what the browser reports", () => {
  for (const scheme of ["chrome-extension", "moz-extension"]) {
    assert.equal(kindOf("engine", own("/engine/offscreen.html", scheme), SELF), "engine");
    assert.equal(kindOf("wallet", own("/popup/popup.html", scheme), SELF), "wallet");
    assert.equal(kindOf("wallet", own("/onboarding/onboarding.html?x#y", scheme), SELF), "wallet");
    assert.equal(kindOf("player:1-2", own("/player/player.html#1-2", scheme), SELF), "player");
  }
  assert.equal(kindOf("approval", own("/approve/approve.html"), SELF), "approval");
  assert.equal(kindOf("provider", web(), SELF), "provider");
  assert.equal(kindOf("page", web(), SELF), "page");
  assert.equal(kindOf("page", web("http://127.0.0.1:8080/"), SELF), "page");
});

test("the name of a page's port gives it no other kind", () => {
  for (const name of ["wallet", "engine", "approval", "player:x", "player:", "", "constructor"]) {
    assert.equal(kindOf(name, web(), SELF), null, name);
    assert.equal(kindOf(name, web("https://music.example/popup/popup.html"), SELF), null, name);
    assert.equal(kindOf(name, web("https://music.example/player/player.html"), SELF), null, name);
  }
});

test("a page of the extension has the kind of its path only", () => {
  const paths = {
    engine: "/engine/offscreen.html",
    wallet: "/popup/popup.html",
    approval: "/approve/approve.html",
    "player:x": "/player/player.html",
  };
  for (const name of Object.keys(paths)) {
    for (const [other, path] of Object.entries(paths))
      if (other !== name) assert.equal(kindOf(name, own(path), SELF), null, `${name} from ${path}`);
    for (const path of ["/", `/x${paths[name]}`, `${paths[name]}/x`, `/?${paths[name]}`, `/#${paths[name]}`])
      assert.equal(kindOf(name, own(path), SELF), null, path);
  }
  assert.equal(kindOf("page", { ...own("/player/player.html"), tab: { id: 1 } }, SELF), null);
});

test("the engine's page in a tab is not the engine", () => {
  assert.equal(kindOf("engine", { ...own("/engine/offscreen.html"), tab: { id: 1 } }, SELF), null);
});

test("a port of another extension has no kind", () => {
  const other = "ponmlkjihgfedcbaponmlkjihgfedcba";
  assert.equal(kindOf("page", web("https://music.example/", other), SELF), null);
  for (const [name, path] of [
    ["engine", "/engine/offscreen.html"],
    ["wallet", "/popup/popup.html"],
    ["player:x", "/player/player.html"],
  ]) {
    assert.equal(kindOf(name, { id: other, url: `chrome-extension://${other}${path}` }, SELF), null);
  }
});

test("a page on disk has the kind page only", () => {
  assert.equal(kindOf("page", web("file:///home/song.sps.html"), SELF), "page");
  for (const name of ["wallet", "engine", "provider", "approval", "player:x"])
    assert.equal(kindOf(name, web("file:///home/player/player.html"), SELF), null, name);
});

test("a document without a web address has no kind", () => {
  for (const url of [
    "about:blank",
    "about:srcdoc",
    "data:text/html,x",
    "blob:https://music.example/1",
    "ftp://music.example/",
    "javascript:0",
  ]) {
    for (const name of ["page", "provider", "approval", "wallet", "engine", "player:x"])
      assert.equal(kindOf(name, web(url), SELF), null, `${name} ${url}`);
  }
  for (const sender of [{}, { id: SELF }, { id: SELF, url: "" }, { url: "https://music.example/", tab: { id: 1 } }])
    assert.equal(kindOf("page", sender, SELF), null);
  assert.equal(kindOf("page", { id: SELF, url: "https://music.example/" }, SELF), null, "no tab");
});
