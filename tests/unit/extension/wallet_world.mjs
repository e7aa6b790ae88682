// The engine's wallet with a fake core and a fake host: its requests, and its stored state.
import { Problem } from "../../../extension/shared/problem.js";

const ADDRESS = (digit) => `0x${String(digit).repeat(40)}`;

/** State of the browser's storage. @type {Record<string, any>} */
export const storage = {};
/** Requests to the host. @type {any[]} */
export const hostRequests = [];
/** @type {Record<string, (request: any) => any>} */
export const host = {};
/** @type {Record<string, (payload: any) => any>} */
export const core = {};

/** Payees that the host has, by address. @type {Map<string, any>} */
export const payees = new Map();

/** Messages of the engine to ports. @type {{port: number, message: any}[]} */
export const portMessages = [];

let onMessage;
const answer = (id, work) =>
  Promise.resolve()
    .then(work)
    .then(
      (result) => onMessage({ type: "answer", id, ok: true, result: structuredClone(result ?? {}) }),
      (error) => onMessage({ type: "answer", id, ok: false, error: Problem.of(error).toJSON() }),
    );

const port = {
  onMessage: { addListener: (listener) => (onMessage = listener) },
  onDisconnect: { addListener() {} },
  postMessage({ type, id, request, get, set, port: to, message }) {
    if (type === "to") portMessages.push({ port: to, message });
    if (type === "approve") answer(id, () => ({}));
    if (type === "storage") {
      Object.assign(storage, structuredClone(set ?? {}));
      answer(id, () =>
        Object.fromEntries((get ?? []).filter((key) => key in storage).map((key) => [key, storage[key]])),
      );
    } else if (type === "native") {
      hostRequests.push(request);
      answer(id, () => host[request.op](request));
    }
  },
};

class FakeWorker {
  listeners = [];
  addEventListener(_, listener) {
    this.listeners.push(listener);
  }
  async postMessage({ id, op, payload }) {
    let body;
    try {
      body = { ok: true, result: await core[op](JSON.parse(payload)) };
    } catch (error) {
      body = { ok: false, error: Problem.of(error).toJSON() };
    }
    for (const listener of this.listeners) listener({ data: { id, answer: JSON.stringify(body) } });
  }
}
Object.assign(globalThis, {
  location: { protocol: "chrome-extension:" },
  chrome: { runtime: { connect: () => port } },
  Worker: FakeWorker,
});

const link = await import("../../../extension/engine/link.js");
export const wallet = await import("../../../extension/engine/wallet.js");
export const { now, state } = await import("../../../extension/engine/wallet/state.js");
export const { sessionFor } = await import("../../../extension/engine/wallet/sessions.js");
const { progress } = await import("../../../extension/engine/wallet/search.js");
link.start(() => {});
const { changed } = await import("../../../extension/engine/provider/provider.js");
wallet.setUp({ changed, playing: () => null, halt: async () => {} });

export const ME = ADDRESS(1);
export const FRIEND = ADDRESS(7);
export const TOKEN = ADDRESS("e");
export const NETWORK = { chain_id: 31337, settlement: ADDRESS(5), token: TOKEN, registry: ADDRESS(6) };
export const ask = (type, fields = {}) => wallet.handle({ id: 1, type, ...fields });
export const code = (expected) => (error) => error.code === expected;

/** An open wallet with one account, and everything well. */
export async function fresh() {
  hostRequests.length = 0;
  payees.clear();
  await wallet.load();
  Object.assign(core, {
    "wallet.create": () => ({ vault: "VAULT", account: ME, locked: false }),
    "wallet.open": () => ({ account: ME, locked: false }),
    "wallet.lock": () => ({ locked: true }),
    account: ({ index }) => ({ index, account: ADDRESS(index + 1), checksum: ADDRESS(index + 1) }),
    recipient: ({ text }) => {
      if (!/^0x[0-9a-f]{40}$/.test(text)) throw new Problem("wallet.recipient");
      return { account: text, checksum: text.toUpperCase() };
    },
    amount: ({ text, zero }) => ({ amount_wei: zero && /^[0.]*$/.test(text) ? "0" : String(BigInt(text)) }),
    transfer: ({ to, amount_wei }) => ({ data: `0xa9${to}${amount_wei}` }),
    "transaction.sign": (call) => ({ raw: `0x02${call.nonce}`, transaction: `0xaa${call.nonce}`, account: ME }),
  });
  Object.assign(host, {
    status: () => ({ state: "connected", version: "0.1.0", networks: [NETWORK, { ...NETWORK, chain_id: 5 }] }),
    summary: () => ({
      balance_wei: "1000",
      today_wei: "0",
      totals: { pending_wei: "0", claimable_wei: "0", claimed_wei: "0" },
      receipts: [],
      activity: [],
      epochs: [],
    }),
    simulate: () => ({
      nonce: 4,
      gas: 60_000,
      tip_wei: "1",
      max_fee_wei: "9",
      fee_wei: "300",
      most_wei: "540",
      coin_wei: "540",
    }),
    send: ({ raw }) => ({ transaction: raw.replace("0x02", "0xaa") }),
    transaction: () => ({ state: "pending" }),
    transfers: () => ({ transfers: [] }),
    payees: ({ wallet: of, payees: some }) => {
      for (const one of some) payees.set(one.payee, { wallet: of, ...one });
      return {};
    },
    earnings: () => ({ receipts: [], next: null }),
    holdings: () => ({
      token: TOKEN,
      settlement: NETWORK.settlement,
      now_s: 500,
      each_wei: "0",
      coin_wei: "0",
      holdings: [],
      next: null,
      asked: 0,
    }),
    scan: () => ({ listed: 0, left: 0, found: 0, wants: [], more: false, away: [] }),
  });
  state.sessions = [];
  await ask("wallet.create", { mnemonic: "words", password: "a good password", replace: true });
  // The search for earlier rewards begins with it.
  while (progress().running) await new Promise(setImmediate);
  hostRequests.length = 0;
}
