// Tickets: one for a first play, whatever happens to wallet, page or host before it.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { Problem } from "../../../extension/shared/problem.js";
import { ask, core, fresh, host, hostRequests, state } from "./wallet_world.mjs";

const { TicketManager } = await import("../../../extension/engine/playback/ticket_manager.js");
const INFO = { content: "0xc0", reward_wei: "5", now_s: 1000, device: null, station: null };
const NOW = 1000;
const LIFE_S = 600;

let drawn, opened, listener, site, broken;

beforeEach(async () => {
  await fresh();
  [drawn, opened, listener, broken] = [0, [], "a", null];
  site = `https://radio${Math.random()}.example`;
  Object.assign(host, {
    prepare: (request) => answer(request),
    identify: () => ({
      session: { signature: listener, message: { payee: "0x1", notBefore: String(NOW - 60) } },
      now_s: NOW,
    }),
    accept: ({ session, ticket }) => {
      if (broken) throw new Problem(broken);
      if (ticket.message.holder !== (session?.signature ?? listener)) throw new Problem("ticket.mismatch");
      opened.push(Number(ticket.message.number));
      return {};
    },
  });
  globalThis.fetch = async (url, { headers } = {}) => {
    if (String(url).endsWith("gomaa.json")) return new Response(JSON.stringify({ tickets: "/gomaa/tickets" }));
    const { session } = JSON.parse(Buffer.from(new Headers(headers).get("GoMAA-Ask"), "base64url").toString());
    return new Response(
      JSON.stringify({
        ticket: {
          type: "Ticket",
          message: {
            number: String(++drawn),
            reward: "5",
            expiry: String(NOW + LIFE_S),
            holder: session.signature,
          },
          signature: `0x${"00".repeat(65)}`,
        },
      }),
    );
  };
});

// A wallet that is open has a timer that locks it.
after(() => ask("wallet.lock"));

/** A part of the host's answer. @param {() => object} work */
function part(work) {
  try {
    return { result: work(), error: null };
  } catch (error) {
    return { result: null, error: Problem.of(error).toJSON() };
  }
}

const NOTHING = { result: null, error: null };

/** The host's answer to `prepare`, and to `open` with the same parts. @param {any} request */
function answer(request) {
  const session = request.session === undefined ? NOTHING : part(() => host.identify(request));
  return { session, ticket: request.ticket && !session.error ? part(() => host.accept(request)) : NOTHING };
}

const tickets = (stream = "s") => new TicketManager({ stream, origin: site });
const settled = (one) => one.prepared;

test("a first play uses one ticket, requested before the press", async () => {
  const one = tickets();
  one.prefetch(INFO, NOW);
  await settled(one);
  assert.ok(one.isReady(NOW));
  await one.ensure(INFO, NOW);
  one.markUsed();
  assert.deepEqual([drawn, opened], [1, [1]]);
});

test("a change of the wallet with the same listener keeps the ticket, also several at once", async () => {
  const one = tickets();
  for (let i = 0; i < 5; i++) one.prefetch(INFO, NOW);
  await settled(one);
  await ask("wallet.collect", { choice: "always" });
  one.prefetch(INFO, NOW + 10);
  await one.ensure(INFO, NOW + 11);
  assert.equal(drawn, 1);
});

test("another listener gets another ticket, and the first one's is kept", async () => {
  const one = tickets();
  await one.ensure(INFO, NOW);
  listener = "b";
  one.prefetch(INFO, NOW);
  await settled(one);
  listener = "a";
  one.prefetch(INFO, NOW);
  await settled(one);
  assert.deepEqual([drawn, opened], [2, [1, 2, 1]]);
});

test("a page that is opened again, and a retry, use the unused ticket", async () => {
  const one = tickets();
  await one.ensure(INFO, NOW);
  one.close();
  const two = tickets("t");
  two.speculate(INFO.content);
  two.prefetch(INFO, NOW);
  await settled(two);
  two.reset();
  await two.ensure(INFO, NOW);
  two.markUsed();
  two.reset();
  assert.equal(drawn, 1);
  await two.ensure(INFO, NOW);
  assert.equal(drawn, 2);
});

test("two pages with one song never share a ticket", async () => {
  const [one, two] = [tickets(), tickets("t")];
  await one.ensure(INFO, NOW);
  await two.ensure(INFO, NOW);
  assert.deepEqual(opened, [1, 2]);
});

test("a speculative ticket of another listener, or before a continued play, is kept for later", async () => {
  const one = tickets();
  await one.ensure(INFO, NOW);
  one.markUsed();
  one.close();
  const two = tickets();
  two.speculate(INFO.content);
  await two.early.begun;
  two.onRejoin({ rewarded: true, expiry_s: NOW + LIFE_S });
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(drawn, 2);
  const three = tickets();
  await three.ensure(INFO, NOW);
  assert.deepEqual([drawn, opened], [2, [1, 2]]);
});

test("a ticket that expires is not used again, and one that the host refuses is replaced once", async () => {
  const one = tickets();
  await one.ensure(INFO, NOW);
  one.close();
  const two = tickets();
  await two.ensure(INFO, NOW + LIFE_S);
  assert.equal(drawn, 2);
  two.close();
  host.accept = ({ ticket }) => {
    if (ticket.message.number < 3) throw new Problem("ticket.used");
    opened.push(Number(ticket.message.number));
    return {};
  };
  const three = tickets();
  await three.ensure(INFO, NOW);
  assert.deepEqual([drawn, opened.at(-1)], [3, 3]);
  broken = "ticket.mismatch";
  host.accept = () => {
    throw new Problem(broken);
  };
  const four = tickets();
  await assert.rejects(four.ensure(INFO, NOW), (error) => error.code === "ticket.mismatch");
  assert.equal(drawn, 4);
});

test("a transient failure at the server does not request another ticket", async () => {
  const one = tickets();
  broken = "server.unreachable";
  for (let i = 0; i < 3; i++)
    await assert.rejects(one.ensure(INFO, NOW), (error) => error.code === "server.unreachable");
  broken = null;
  await one.ensure(INFO, NOW);
  assert.deepEqual([drawn, opened], [1, [1]]);
});

test("a song that has moved is opened with the station's next ticket, which names its new server", async () => {
  const one = tickets();
  host.accept = ({ ticket }) => {
    if (ticket.message.number < 2) throw new Problem("server.moved");
    opened.push(Number(ticket.message.number));
    return {};
  };
  await one.ensure(INFO, NOW);
  assert.deepEqual([drawn, opened], [2, [2]]);
  const two = tickets("t");
  host.accept = () => {
    throw new Problem("server.moved");
  };
  await assert.rejects(two.ensure(INFO, NOW), (error) => error.code === "server.moved");
  assert.equal(drawn, 4);
});

test("a song that has moved gets a session for the host's device at its new server, and the other session stays", async () => {
  const signed = [];
  core["session.sign"] = ({ device, number }) => (
    signed.push(device),
    { session: { signature: device, message: { payee: "0x1" } }, id: device, payee: device, number, expires_s: 1e9 }
  );
  await ask("wallet.unlock", { password: "x" });
  let device = "0xd1";
  host.identify = ({ session }) => {
    if (session.signature !== device) throw new Problem("session.device", { device });
    return { session };
  };
  host.accept = ({ ticket }) => {
    if (ticket.message.number === "2") device = "0xd2";
    if (device === "0xd2" && opened.length < 2 && ticket.message.number === "2")
      throw new Problem("session.device", { device });
    opened.push(Number(ticket.message.number));
    return {};
  };
  const info = { ...INFO, device: "0xd1", station: { address: "0x5a", name: "S" }, chain_id: 1, settlement: "0x5e" };
  const one = tickets();
  await one.ensure(info, NOW);
  one.markUsed();
  one.reset();
  await one.ensure(info, NOW);
  assert.deepEqual([signed, opened, info.device], [["0xd1", "0xd2"], [1, 3], "0xd2"]);
  device = "0xd1";
  await tickets("t").ensure({ ...info, device: "0xd1" }, NOW);
  assert.deepEqual(signed, ["0xd1", "0xd2"]);
});

test("a page that was open for hours plays in the session of the present hour, and with a locked wallet in the existing one", async () => {
  const [numbers, offered] = [[], []];
  core["session.sign"] = ({ device, number }) => (
    numbers.push(number),
    {
      session: { signature: `s${number}`, message: { payee: "0x1" } },
      id: `s${number}`,
      payee: device,
      number,
      expires_s: 1e9,
    }
  );
  await ask("wallet.unlock", { password: "x" });
  let now_s = INFO.now_s;
  host.identify = ({ session }) => {
    offered.push(session.signature);
    // A week has passed: the session of that hour has ended.
    if (now_s - Number(session.signature.slice(1)) * 3600 > 7 * 86_400) throw new Problem("session.expired", { now_s });
    return { session, now_s };
  };
  const info = { ...INFO, device: "0xd", station: { address: "0x5a", name: "S" }, chain_id: 1, settlement: "0x5e" };
  const one = tickets();
  const play = async () => {
    await one.ensure(info, NOW);
    one.markUsed();
    one.reset();
  };
  await play();
  now_s += 3600;
  await play();
  await play();
  now_s += 8 * 86_400;
  await play();
  await ask("wallet.lock");
  now_s += 3600;
  await play();
  assert.deepEqual(numbers, [0, 1, 193]);
  assert.deepEqual([offered[0], offered.at(-1)], ["s0", "s193"]);
});

test("a host of an older version is refused, instead of a play without rewards", async () => {
  const { sessionFor } = await import("../../../extension/engine/wallet/sessions.js");
  await assert.rejects(
    sessionFor({ ...INFO, device: undefined, station: { address: "0x5a", name: "S" } }),
    (error) => error.code === "host.version",
  );
});

test("a ticket that was opened before its song moved is not used again", async () => {
  const one = tickets();
  await one.ensure(INFO, NOW);
  one.discard();
  assert.ok(!one.isReady(NOW));
  await one.ensure(INFO, NOW);
  one.close();
  const two = tickets("t");
  await two.ensure(INFO, NOW);
  assert.deepEqual([drawn, opened], [2, [1, 2, 2]]);
});

/** Opens a song as the loader does: what is here travels with the header. @param {any} one @param {any} [more] */
async function open(one, more = {}) {
  const offer = await one.offer();
  const parts = offer.session === undefined && !offer.ticket ? { session: NOTHING, ticket: NOTHING } : answer(offer);
  hostRequests.push({ op: "open", ...offer });
  const info = { ...INFO, ...more, ...parts };
  one.onOpened(info);
  one.prefetch(info, NOW);
  await settled(one);
}
const asked = () => hostRequests.filter(({ op }) => op === "open" || op === "prepare").map(({ op }) => op);

test("a revisit is ready after one message to the host and without a request to the station", async () => {
  const one = tickets();
  await open(one);
  one.close();
  hostRequests.length = 0;
  const two = tickets("t");
  two.speculate(INFO.content, false);
  await two.early.begun;
  await open(two);
  assert.ok(two.isReady(NOW));
  assert.deepEqual([asked(), drawn], [["open"], 1]);
});

test("the first song of a station is ready after two messages, the second one's ticket is under way before the first", async () => {
  state.vault = null;
  const one = tickets();
  await open(one);
  assert.deepEqual([asked(), drawn, opened], [["open", "prepare"], 1, [1]]);
  hostRequests.length = 0;
  const two = tickets("t");
  two.speculate("0xc1");
  await two.early.begun;
  assert.deepEqual([asked(), two.early.ticket !== null], [[], true]);
  await two.early.ticket;
  await open(two, { content: "0xc1" });
  assert.deepEqual([asked(), drawn, opened], [["open"], 2, [1, 2]]);
});

test("a ticket that arrives after the song was opened follows with the session in one message", async () => {
  await tickets().ensure(INFO, NOW);
  hostRequests.length = 0;
  let release;
  const { fetch } = globalThis;
  const held = new Promise((resolve) => (release = resolve));
  globalThis.fetch = async (...request) => {
    await held;
    return fetch(...request);
  };
  const two = tickets("t");
  two.speculate("0xc1");
  await two.early.begun;
  const opening = open(two, { content: "0xc1" });
  await new Promise(setImmediate);
  release();
  await opening;
  assert.deepEqual([asked(), drawn], [["open", "prepare"], 2]);
});

test("parts that the host refuses do not lose the others", async () => {
  const one = tickets();
  await one.ensure(INFO, NOW);
  one.close();
  hostRequests.length = 0;
  broken = "server.unreachable";
  const two = tickets("t");
  two.speculate(INFO.content, false);
  await two.early.begun;
  await assert.rejects(open(two), (error) => error.code === "server.unreachable");
  // The press tries the same ticket again.
  broken = null;
  await two.ensure(INFO, NOW);
  assert.deepEqual([asked(), drawn, opened], [["open", "prepare"], 1, [1, 1]]);
});

test("a station that refuses the early ticket is asked again, and its code is the answer", async () => {
  await tickets().ensure(INFO, NOW);
  let refusals = 0;
  const { fetch } = globalThis;
  globalThis.fetch = async (url, ...rest) => {
    if (String(url).endsWith("gomaa.json")) return fetch(url, ...rest);
    refusals++;
    return new Response(JSON.stringify({ error: { code: "station.escrow.short", message: "", detail: {} } }), {
      status: 403,
    });
  };
  const two = tickets("t");
  two.speculate("0xc1");
  await assert.rejects(open(two, { content: "0xc1" }), (error) => error.code === "station.escrow.short");
  assert.deepEqual([refusals, asked().at(-1)], [2, "open"]);
});

test("a ticket that came with the header of a play that is resumed stays unused", async () => {
  const one = tickets();
  await one.ensure(INFO, NOW);
  one.close();
  const two = tickets("t");
  two.speculate(INFO.content, false);
  await two.early.begun;
  const { ticket } = await two.offer();
  two.onOpened({ session: NOTHING, ticket: NOTHING });
  two.onRejoin({ rewarded: true, expiry_s: NOW + LIFE_S });
  two.close();
  const three = tickets("u");
  await three.ensure(INFO, NOW);
  assert.deepEqual([three.ticket, drawn], [ticket, 1]);
});

test("the session of a wallet that was replaced or declines since is not used for an early ticket", async () => {
  core["session.sign"] = ({ device, number }) => ({
    session: { signature: "wallet", message: { payee: "0x1" } },
    id: `w${number}`,
    payee: device,
    number,
    expires_s: 1e9,
  });
  await ask("wallet.unlock", { password: "x" });
  host.identify = ({ session }) => ({
    session: session ?? { signature: listener, message: { payee: "0x0" } },
    now_s: NOW,
  });
  const info = { ...INFO, device: "0xd1", station: { address: "0x5a", name: "S" }, chain_id: 1, settlement: "0x5e" };
  const one = tickets();
  await one.ensure(info, NOW);
  one.close();
  await ask("wallet.collect", { choice: "never" });
  const two = tickets("t");
  two.speculate(INFO.content);
  await two.early.begun;
  assert.deepEqual([two.early.expected, two.early.ticket, await two.offer()], [null, null, {}]);
});

test("a kept ticket that a play has used after all is replaced, also where it was taken before the host opened the song", async () => {
  const one = tickets();
  await one.ensure(INFO, NOW);
  one.close();
  const { accept } = host;
  host.accept = (request) => {
    if (Number(request.ticket.message.number) === 1) throw new Problem("ticket.used");
    return accept(request);
  };
  const two = tickets("t");
  two.speculate(INFO.content);
  await two.ensure(INFO, NOW);
  assert.deepEqual([drawn, opened], [2, [1, 2]]);
});

test("a ticket that the host refuses is not kept for another play", async () => {
  const { accept } = host;
  host.accept = () => {
    throw new Problem("ticket.used");
  };
  for (const speculates of [true, false]) {
    const one = tickets();
    if (speculates) one.speculate(INFO.content);
    await assert.rejects(one.ensure(INFO, NOW), { code: "ticket.used" });
    one.close();
  }
  host.accept = accept;
  const before = drawn;
  const two = tickets("t");
  two.speculate(INFO.content);
  await two.ensure(INFO, NOW);
  assert.deepEqual([drawn, opened], [before + 1, [before + 1]]);
});
