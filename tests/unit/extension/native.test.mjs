// The port to the native host, with a port of our own at its other end.
import assert from "node:assert/strict";
import { test } from "node:test";

class FakePort {
  sent = [];
  heard = [];
  closed = [];
  disconnected = false;
  onMessage = { addListener: (work) => this.heard.push(work) };
  onDisconnect = { addListener: (work) => this.closed.push(work) };
  postMessage(message) {
    this.sent.push(message);
    this.answer?.(message);
  }
  disconnect() {
    this.disconnected = true;
  }
  say(message) {
    for (const work of this.heard) work(message);
  }
  hangUp() {
    for (const work of this.closed) work(this);
  }
}

/** @type {FakePort[]} */
const ports = [];
let greet = null;
Object.assign(globalThis, {
  location: { protocol: "chrome-extension:" },
  chrome: {
    runtime: {
      lastError: undefined,
      getManifest: () => ({ version: "9.8.7" }),
      connectNative(name) {
        assert.equal(name, "io.gomaa.host");
        const port = new FakePort();
        port.answer = (message) => message.op === "hello" && greet?.(port, message);
        ports.push(port);
        return port;
      },
    },
  },
});
if (!globalThis.navigator) globalThis.navigator = { userAgent: "test" };
const { Native, PROTOCOL } = await import("../../../extension/background/native.js");

const HELLO = { protocol: PROTOCOL, host: "0.1.0", networks: [{ chain_id: 31337 }] };
const well = (port, { id }) => port.say({ id, ok: true, result: HELLO });
const code = (expected) => (error) => error.code === expected;

function make(greeting = well) {
  greet = greeting;
  const events = [];
  const native = new Native((event) => events.push(event));
  return { native, events };
}
const port = () => ports.at(-1);

test("it shakes hands once, however many ask at once", async () => {
  const { native, events } = make();
  const before = ports.length;
  await Promise.all([native.open(), native.open(), native.open()]);
  await native.open();
  assert.equal(ports.length, before + 1);
  const { op, protocol, extension, browser } = port().sent[0];
  assert.deepEqual({ op, protocol, extension }, { op: "hello", protocol: PROTOCOL, extension: "9.8.7" });
  assert.ok(browser);
  assert.deepEqual(native.status, { state: "connected", version: "0.1.0", networks: HELLO.networks, code: null });
  assert.deepEqual(events, [{ event: "host", status: native.status }]);
});

test("answers go to who asked, in any order", async () => {
  const { native } = make();
  await native.open();
  const first = native.request({ op: "one" });
  const second = native.request({ op: "two" });
  await Promise.resolve();
  const [, a, b] = port().sent;
  assert.notEqual(a.id, b.id);
  port().say({ id: b.id, ok: true, result: { n: 2 } });
  port().say({ id: a.id, ok: false, error: { code: "policy.action.denied", message: "no", detail: { rule: "play" } } });
  assert.deepEqual(await second, { n: 2 });
  await assert.rejects(
    first,
    (error) =>
      error.code === "policy.action.denied" && error.message === "policy.action.denied" && error.detail.rule === "play",
  );
});

test("a request chooses no id of its own", async () => {
  const { native } = make();
  await native.open();
  const asked = native.request({ op: "one", id: 12345 });
  await Promise.resolve();
  assert.notEqual(port().sent[1].id, 12345);
  port().say({ id: port().sent[1].id, ok: true });
  assert.deepEqual(await asked, {});
});

test("an error without a number fails the oldest request at once, and no other", async () => {
  for (const id of [0, undefined]) {
    const { native } = make();
    await native.open();
    const [first, second] = [native.request({ op: "open" }), native.request({ op: "two" })];
    await Promise.resolve();
    port().say({ id, ok: false, error: { code: "host.frame.size", message: "too large", detail: {} } });
    await assert.rejects(first, code("host.frame.size"));
    port().say({ id: port().sent[2].id, ok: true, result: { n: 2 } });
    assert.deepEqual(await second, { n: 2 });
    // With none waiting it is nobody's.
    port().say({ id, ok: false, error: { code: "host.frame.size" } });
  }
});

/** A message as the host cuts it. */
function cut(message, size) {
  const bytes = Buffer.from(JSON.stringify(message));
  const parts = Math.ceil(bytes.length / size);
  return Array.from({ length: parts }, (_, i) => ({
    part: i + 1,
    parts,
    data: bytes.subarray(i * size, (i + 1) * size).toString("base64"),
  }));
}

test("answers and events that come in parts are whole again, wherever they were cut", async () => {
  const { native, events } = make();
  await native.open();
  for (const size of [1, 2, 3, 7, 1000]) {
    const asked = native.request({ op: "summary" });
    await Promise.resolve();
    const result = { title: "音樂 🎵", rows: size };
    for (const piece of cut({ id: port().sent.at(-1).id, ok: true, result }, size)) port().say(piece);
    assert.deepEqual(await asked, result);
    for (const piece of cut({ event: "receipt", stream: "s", n: size }, size)) port().say(piece);
    assert.deepEqual(events.at(-1), { event: "receipt", stream: "s", n: size });
  }
});

/** A generator of numbers below n, the same each time. */
function numbers(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** Ways in which parts come wrong: a list of pieces, of which the request's answer is never another one's. */
const DISORDERS = {
  "one is lost": (pieces, below) => pieces.toSpliced(below(pieces.length), 1),
  "one comes twice": (pieces, below) => pieces.toSpliced(below(pieces.length - 1) + 1, 0, pieces[0]),
  "two change places": (pieces, below) => {
    const at = below(pieces.length - 1);
    return pieces.toSpliced(at, 2, pieces[at + 1], pieces[at]);
  },
  "something comes between": (pieces, below) =>
    pieces.toSpliced(below(pieces.length - 1) + 1, 0, { event: "server", up: true }),
  "another answer's part comes between": (pieces, below) =>
    pieces.toSpliced(below(pieces.length - 1) + 1, 0, { ...pieces[1], id: 1e6 }),
  "one is no base64": (pieces, below) => pieces.with(below(pieces.length), { ...pieces[0], part: 2, data: "?" }),
  "another count": (pieces, below) =>
    pieces.map((piece, i) => (i > below(pieces.length - 1) ? { ...piece, parts: piece.parts + 1 } : piece)),
  "too many": (pieces) => [{ ...pieces[0], parts: 1e9 }],
  "none follows, and another message comes": (pieces) => [pieces[0], { event: "server", up: true }],
  "the whole is none": ([piece]) => [{ ...piece, part: 1, parts: 1, data: "AA==" }],
  "the whole is a part": ([piece]) => cut(piece, 1e6).map((one) => ({ ...one, id: piece.id })),
};

for (const [name, disturb] of Object.entries(DISORDERS))
  test(`parts of which ${name} end their request with host.answer, and the next one is answered`, async () => {
    const below = numbers(name.length);
    const { native } = make();
    await native.open();
    for (let round = 0; round < 40; round++) {
      const asked = native.request({ op: "summary" });
      await Promise.resolve();
      const { id } = port().sent.at(-1);
      const pieces = cut({ id, ok: true, result: { rows: "x".repeat(20 + below(200)) } }, 20 + below(20)).map(
        (piece) => ({ id, ...piece }),
      );
      for (const piece of disturb(pieces, below)) port().say(piece);
      // What came of it so far may wait for a part: the next message is another one's.
      port().say({ event: "server", up: true });
      await assert.rejects(asked, code("host.answer"), `round ${round}`);
    }
    const asked = native.request({ op: "summary" });
    await Promise.resolve();
    for (const piece of cut({ id: port().sent.at(-1).id, ok: true, result: { n: 1 } }, 9)) port().say(piece);
    assert.deepEqual(await asked, { n: 1 });
  });

test("the longest song's answer comes whole, and one above the cap ends its request", async () => {
  const { native } = make();
  await native.open();
  const asked = native.request({ op: "open" });
  await Promise.resolve();
  const { id } = port().sent.at(-1);
  const segments = Array.from({ length: 11 * 1800 }, (_, i) => [
    i * 50_000,
    50_000,
    i * 2000,
    2000,
    "A".repeat(43) + "=",
  ]);
  for (const piece of cut({ id, ok: true, result: { segments } }, 720 << 10)) port().say({ id, ...piece });
  assert.equal((await asked).segments.length, segments.length);
  const long = native.request({ op: "open" });
  await Promise.resolve();
  const data = Buffer.alloc(2 << 20).toString("base64");
  for (let part = 1; part <= 33; part++) port().say({ id: id + 1, part, parts: 40, data });
  await assert.rejects(long, code("host.answer"));
});

test("what nobody asked for is ignored, and events are passed on", async () => {
  const { native, events } = make();
  await native.open();
  const asked = native.request({ op: "one" });
  await Promise.resolve();
  for (const message of [null, 7, "x", {}, { id: 999, ok: true }, { id: "constructor", ok: true }, { ok: false }])
    port().say(message);
  port().say({ event: "receipt", stream: "s" });
  assert.deepEqual(events.at(-1), { event: "receipt", stream: "s" });
  const { id } = port().sent[1];
  port().say({ id, ok: true, result: { n: 1 } });
  port().say({ id, ok: true, result: { n: 2 } });
  assert.deepEqual(await asked, { n: 1 });
});

test("a port that closes before the greeting means there is no host", async () => {
  const { native, events } = make((fake) => queueMicrotask(() => fake.hangUp()));
  await assert.rejects(native.request({ op: "one" }), code("host.missing"));
  assert.equal(native.status.state, "missing");
  assert.equal(events.at(-1).status.state, "missing");
});

test("a host that goes takes every waiting request with it, and the next request opens anew", async () => {
  const { native } = make();
  await native.open();
  const asked = [native.request({ op: "one" }), native.request({ op: "two" })];
  await Promise.resolve();
  port().hangUp();
  for (const one of asked) await assert.rejects(one, code("host.gone"));
  assert.equal(native.status.state, "gone");
  const before = ports.length;
  await native.open();
  assert.equal(ports.length, before + 1);
  assert.equal(native.status.state, "connected");
});

test("a port that is not the present one changes nothing when it closes", async () => {
  const { native } = make();
  await native.open();
  const old = port();
  old.hangUp();
  await native.open();
  old.hangUp();
  assert.equal(native.status.state, "connected");
});

test("a host of another protocol is told goodbye", async () => {
  const { native } = make((fake, { id }) =>
    fake.say({ id, ok: true, result: { ...HELLO, protocol: PROTOCOL + 1, host: "7.0.0" } }),
  );
  await assert.rejects(native.open(), code("host.version"));
  assert.ok(port().disconnected);
  assert.equal(native.status.state, "version");
  assert.equal(native.status.version, "7.0.0");
});

test("a host that refuses our protocol and hangs up stays known as another version", async () => {
  const { native } = make((fake, { id }) => {
    fake.say({ id, ok: false, error: { code: "host.version", message: "", detail: { host: "7.0.0" } } });
    fake.hangUp();
  });
  await assert.rejects(native.open(), code("host.version"));
  assert.equal(native.status.state, "version");
  assert.equal(native.status.version, "7.0.0");
});

test("a host that takes the place of one of another version makes it green again", async () => {
  const outdated = (fake, { id }) => {
    fake.say({ id, ok: false, error: { code: "host.version", message: "", detail: { host: "7.0.0" } } });
    fake.hangUp();
  };
  const { native, events } = make(outdated);
  await assert.rejects(native.open(), code("host.version"));
  greet = (fake) => queueMicrotask(() => fake.hangUp());
  await assert.rejects(native.open(), code("host.missing"));
  assert.equal(native.status.state, "missing", "uninstalled in between");
  greet = outdated;
  await assert.rejects(native.open(), code("host.version"));
  greet = well;
  await native.open();
  assert.equal(native.status.state, "connected");
  port().hangUp();
  assert.equal(native.status.state, "gone");
  assert.equal(events.at(-1).status.state, "gone");
});

test("a host that turns out to be of another version later is left, and the next request meets its successor", async () => {
  const { native } = make();
  await native.open();
  const old = port();
  const asked = [native.request({ op: "one" }), native.request({ op: "two" })];
  await Promise.resolve();
  old.say({ id: old.sent[1].id, ok: false, error: { code: "host.version", message: "", detail: { host: "9.0.0" } } });
  for (const one of asked) await assert.rejects(one, code("host.version"));
  assert.ok(old.disconnected);
  assert.deepEqual([native.status.state, native.status.version], ["version", "9.0.0"]);
  await native.open();
  assert.notEqual(port(), old);
  assert.equal(native.status.state, "connected");
});

test("what a host says in the wrong shape is nothing, or an error with a code", async () => {
  const { native, events } = make();
  await native.open();
  const asked = native.request({ op: "one" });
  await Promise.resolve();
  const { id } = port().sent[1];
  for (const message of [
    [{ id, ok: true }],
    { id: [id], ok: true },
    { id: String(id), ok: true },
    { id, ok: "true" },
    { id },
    { event: "host", status: { state: "version" } },
  ])
    port().say(message);
  assert.equal(events.length, 1);
  assert.equal(native.status.state, "connected");
  port().say({ id, ok: true, result: [1] });
  await assert.rejects(asked, code("host.answer"));
  await native.open();
  const nothing = native.request({ op: "prepare" });
  await Promise.resolve();
  port().say({ id: port().sent[1].id, ok: true, result: null });
  assert.equal(await nothing, null, "no lease");
});

test("a host that makes no sense is updated, and its successor is understood", async () => {
  const { native } = make();
  for (const [error, expected] of [
    ["no", "host.answer"],
    [{ code: "host.of.tomorrow" }, "host.answer"],
    [{ code: "host.message.unknown" }, "host.message.unknown"],
  ]) {
    await native.open();
    const old = port();
    const asked = native.request({ op: "one" });
    await Promise.resolve();
    old.say({ id: old.sent.at(-1).id, ok: false, error });
    await assert.rejects(asked, code(expected));
    assert.ok(old.disconnected, "the process of before the update is left");
    await native.open();
    assert.notEqual(port(), old);
    assert.equal(native.status.state, "connected");
  }
  const again = native.request({ op: "one" });
  await Promise.resolve();
  port().say({ id: port().sent.at(-1).id, ok: true, result: { understood: 1 } });
  assert.deepEqual(await again, { understood: 1 });
});

test("a host that takes too long is asked again, and answers", async (t) => {
  const { native } = make();
  await native.open();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const slow = native.request({ op: "one" });
  await Promise.resolve();
  t.mock.timers.tick(30_000);
  await assert.rejects(slow, code("host.slow"));
  const again = native.request({ op: "one" });
  await Promise.resolve();
  port().say({ id: port().sent.at(-1).id, ok: true, result: { at: 2 } });
  assert.deepEqual(await again, { at: 2 });
});

test("a host that greets with an error of its own is not missing, and its word is kept until it is well", async () => {
  const { native } = make((one, { id }) =>
    one.say({ id, ok: false, error: { code: "host.ledger.damaged", message: "damaged", detail: {} } }),
  );
  await assert.rejects(native.open(), code("host.ledger.damaged"));
  assert.deepEqual([native.status.state, native.status.code], ["gone", "host.ledger.damaged"]);
  greet = well;
  await native.open();
  assert.deepEqual([native.status.state, native.status.code], ["connected", null]);
});
