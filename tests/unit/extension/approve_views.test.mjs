// The approval window's views: text, warnings, arguments and effects.
import assert from "node:assert/strict";
import { test } from "node:test";

/** Elements as a tree, enough for ui/dom.js. */
class Element {
  attributes = {};
  children = [];
  constructor(tag) {
    this.tag = tag;
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  removeAttribute() {}
  addEventListener() {}
  append(...parts) {
    this.children.push(...parts);
  }
}
Object.assign(globalThis, {
  document: { createElement: (tag) => new Element(tag), createElementNS: (_, tag) => new Element(tag) },
  chrome: { i18n: { getMessage: (key, values) => [key, ...(values ?? [])].join(" ") } },
});
const { viewOf } = await import("../../../extension/approve/views.js");

const all = (node) => (node instanceof Element ? [node, ...node.children.flatMap(all)] : []);
const textOf = (node) =>
  node instanceof Element ? node.children.map(textOf).filter(Boolean).join(" ").trim() : String(node).trim();
/** The question's keys, its sentence and its danger. */
function seen(kind, facts) {
  const view = viewOf(kind, facts);
  const nodes = view.nodes.filter(Boolean);
  const elements = nodes.flatMap(all);
  const find = (key) => elements.filter(({ attributes }) => attributes["data-key"] === key).map(textOf);
  return { ...view, find, text: nodes.map(textOf).join("\n") };
}

const ME = "0x9858EfFD232B4033E47d90003D41EC34EcaEda94";
const FRIEND = "0x6Fac4D18c912343BF86fa7049364Dd4E424Ab9C0";
const TOKEN = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512";
const good = { changes: [], more: false, as_said: true };
const send = (says, more = {}) =>
  seen("send", {
    checksum: TOKEN,
    value_wei: "0",
    data: "0x12",
    place: null,
    chain_id: 1,
    fee_wei: "1",
    most_wei: "2",
    account: ME,
    token: "0xother",
    effects: good,
    says: {
      kind: "unknown",
      other: null,
      amount: null,
      item: null,
      unlimited: false,
      method: "0x",
      arguments: [],
      ...says,
    },
    ...more,
  });
const change = (kind, before, after, more = {}) => ({
  kind,
  contract: TOKEN,
  other: null,
  item: null,
  before,
  after,
  own: false,
  expected: true,
  ...more,
});

test("a transfer of an item is described as one, with every argument", () => {
  const row = change("item", "1", "2", { item: "7", other: FRIEND });
  const shown = send(
    {
      kind: "give",
      other: FRIEND,
      item: "7",
      arguments: [
        { name: "from", type: "address", value: ME },
        { name: "tokenId", type: "uint256", value: "7" },
      ],
    },
    { effects: { ...good, changes: [row] } },
  );
  assert.deepEqual(shown.find("says"), ["saysGive 7"]);
  assert.match(shown.find("arguments")[0], new RegExp(`from address ${ME} tokenId uint256 7`));
  assert.match(shown.find("change")[0], new RegExp(`effectItemOut 7 sendTo ${FRIEND}`));
  assert.equal(shown.danger, true);
  assert.deepEqual(shown.find("mismatch"), []);
});

test("an unknown call has a warning, whatever its effects", () => {
  const shown = send({});
  assert.deepEqual(shown.find("says"), ["saysUnknown"]);
  assert.deepEqual(shown.find("unknown"), ["approveUnknown"]);
  assert.deepEqual([shown.danger, shown.text.includes("sendSimulated")], [true, false]);
});

test("an undeclared effect, unlisted effects and unknown effects have a warning", () => {
  const says = { kind: "transfer", other: FRIEND, amount: "5" };
  const usual = send(says, { effects: { ...good, changes: [change("token", "9", "4")] } });
  assert.deepEqual(
    [usual.danger, usual.find("change").length, usual.find("unexpected").length, usual.text.includes("sendSimulated")],
    [false, 1, 0, true],
  );
  const odd = send(says, {
    effects: {
      changes: [change("operator", "0", "1", { other: FRIEND, expected: false })],
      more: false,
      as_said: false,
    },
  });
  assert.deepEqual(
    [odd.danger, odd.find("mismatch").length, odd.find("unexpected").length, odd.text.includes("sendSimulated")],
    [true, 1, 1, false],
  );
  const many = send(says, { effects: { ...good, more: true } });
  assert.deepEqual([many.danger, many.find("more").length], [true, 1]);
  const none = send(says, { effects: null });
  assert.deepEqual([none.danger, none.find("no-effects").length], [true, 1]);
});

test("without a simulation a call of a contract is not described as safe", () => {
  const says = { kind: "coin" };
  const contract = send(says, { effects: null, data: "0x", value_wei: "5", standard: "other" });
  assert.deepEqual(
    [contract.danger, contract.find("no-effects").length, contract.text.includes("sendSimulated")],
    [true, 1, false],
  );
  const person = send(says, { effects: null, data: "0x", value_wei: "5", standard: "none" });
  assert.deepEqual([person.danger, person.find("no-effects").length], [false, 0]);
});

test("a granted right has a warning, a revoked one has none", () => {
  for (const [says, warns] of [
    [{ kind: "approve", other: FRIEND, amount: "5" }, true],
    [{ kind: "approve", other: FRIEND, amount: "0" }, false],
    [{ kind: "operator", other: FRIEND, unlimited: true }, true],
    [{ kind: "operator", other: FRIEND }, false],
    [{ kind: "item", other: FRIEND, item: "7", unlimited: true }, true],
    [{ kind: "item", other: ME, item: "7" }, false],
  ])
    assert.deepEqual(
      [send(says).danger, send(says).find("spends").length],
      [warns, warns ? 1 : 0],
      JSON.stringify(says),
    );
});

test("typed data has a warning for what it permits or where it is unknown, and none for text", () => {
  const typed = (readings, spends) =>
    seen("typed", {
      account: ME,
      primary: "Hello",
      name: "",
      version: "",
      chain_id: 1,
      contract: TOKEN,
      readings,
      spends,
      domain: [],
      message: [],
      digest: "0x",
    });
  const permit = typed(
    [
      {
        kind: "permit",
        unlimited: true,
        lines: [
          ["gets", FRIEND],
          ["until", "0"],
          ["until", String(2n ** 256n - 1n)],
        ],
      },
    ],
    true,
  );
  assert.match(permit.find("spends")[0], /approvePermitAll/);
  assert.match(
    permit.find("reading")[0],
    new RegExp(`approveGets ${FRIEND} readUntil 1970-01-01 00:00:00 UTC readUntil readNever`),
  );
  for (const kind of [
    "permit",
    "permit_item",
    "transfer",
    "cancel",
    "order",
    "safe",
    "forward",
    "votes",
    "code",
    "unknown",
  ]) {
    const shown = typed([{ kind, unlimited: false, lines: [] }], kind !== "unknown");
    assert.deepEqual([shown.danger, shown.find(kind === "unknown" ? "unknown" : "spends").length], [true, 1]);
    assert.ok(kind === "unknown" || !shown.text.includes("readUnknown"), kind);
  }
  const words = typed([], false);
  assert.deepEqual([words.danger, words.find("plain").length, words.find("own-words").length], [false, 1, 0]);
});

test("an invalid time is shown unchanged, and a name is marked as the site's text", () => {
  const lines = ["never", "-5", "", "1e3", "0x5", "true", "99999999999999999999999999", "86400"].map((text) => [
    "until",
    text,
  ]);
  const shown = seen("typed", {
    account: ME,
    primary: "Permit",
    name: "USD Coin",
    version: "",
    chain_id: 1,
    contract: TOKEN,
    readings: [{ kind: "permit", unlimited: false, lines }],
    spends: true,
    domain: [],
    message: [],
    digest: "0x",
  });
  assert.match(
    shown.find("reading")[0],
    /readUntil never readUntil -5 readUntil {1,2}readUntil 1e3 readUntil 0x5 readUntil true readUntil readNever readUntil 1970-01-02 00:00:00 UTC/,
  );
  assert.equal(shown.find("own-words").length, 1);
  const ends = seen("typed", {
    account: ME,
    primary: "PermitSingle",
    name: "",
    version: "",
    chain_id: 1,
    contract: TOKEN,
    readings: [
      {
        kind: "permit",
        unlimited: false,
        lines: [
          ["ends", "281474976710655"],
          ["until", "60"],
        ],
      },
    ],
    spends: true,
    domain: [],
    message: [],
    digest: "0x",
  });
  assert.match(
    ends.find("reading")[0],
    /readEnds readNever readUntil 1970-01-01 00:01:00 UTC/,
    "the end of the right is not that of the message",
  );
});

test("only a valid sign-in has no warning among texts", () => {
  const personal = (facts) =>
    seen("personal", { account: ME, text: "hello", hex: "0x68", hidden: false, sign_in: null, ...facts });
  const right = personal({ sign_in: { domain: "a.example", wrong: [] } });
  assert.deepEqual(
    [right.danger, right.text.includes("approveSignInGood"), right.find("plain").length],
    [false, true, 0],
  );
  assert.deepEqual([personal({}).danger, personal({}).find("plain").length], [false, 1]);
  for (const text of ["ab".repeat(32), `0X${"AB".repeat(32)}`, `${"ab ".repeat(40)}\n`, "12".repeat(20_000)])
    assert.deepEqual(
      [personal({ text }).danger, personal({ text }).find("hex").length, personal({ text }).find("plain").length],
      [true, 1, 0],
    );
  assert.equal(personal({ text: `${"ab".repeat(30_000)}!` }).danger, false);
  for (const facts of [
    { text: null },
    { sign_in: { domain: "b.example", wrong: ["domain"] } },
    { sign_in: { domain: "", wrong: ["form"] } },
    { sign_in: { domain: "a.example", wrong: ["time"] } },
  ])
    assert.equal(personal(facts).danger, true);
});
