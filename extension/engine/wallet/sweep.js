/**
 * Tokens that lie at this wallet's payees, one-time addresses without coins for gas: found by their balances, and brought to the account in use.
 *
 * The payee permits all that it holds (EIP-2612) to the account, which fetches it and pays the fee. Where the account has no coins, the permit names the
 * relayer of a server that has paid that payee, and an order signed by the payee says for whom. A relayer could keep what it is permitted, whatever it
 * answers: so one payee's tokens are entrusted at a time, and nothing more once some did not arrive.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../python.js";
import { confirm } from "./confirm.js";
import { known } from "./networks.js";
import { payees, sessionOf } from "./sessions.js";
import { state } from "./state.js";

/**
 * @typedef {{payee: string, amount_wei: string, nonce: number, allowed_wei: string, chain_id: number, token: string, settlement: string, now_s: number,
 *   each_wei: string, coin_wei: string}} Found
 * `each_wei`: the most that fetching it costs the account, which has `coin_wei` of the network's coin.
 */
/** @typedef {{chain_id: number, payees: string[]}} Place */

/** So many payees stand in one question to the host. */
export const AT_ONCE = 256;
/** So many are fetched by one press: each waits for the chain. */
export const MOST = 8;
/** Least amount of a stranger's gift that is fetched, in wei of the token: anybody can send a wei to every published payee. */
export const LEAST = 10n ** 14n;
const LOOK_MS = 20_000;
const DEADLINE_S = 1800;
/** Of one payee, and no reason to leave the others. */
const PASSING = /^(claim\.|wallet\.|chain\.reverted$)/;

/** @type {{account: string | null, at: number, next: number, found: Map<string, Found>}} */
let seen = { account: null, at: -Infinity, next: 0, found: new Map() };

/**
 * Tokens at these payees, asked for in parts that the host takes. The network's node is asked, and nobody else.
 * @param {Place} place @returns {Promise<Found[]>}
 */
export async function find({ chain_id, payees }) {
  const found = [];
  for (let at = 0; at < payees.length; at += AT_ONCE) {
    const { holdings, ...where } = await native("holdings", { chain_id, account: state.account, payees: payees.slice(at, at + AT_ONCE) });
    found.push(...holdings.map((/** @type {any} */ one) => ({ chain_id, ...where, ...one })));
  }
  return found;
}

/** The payees of this wallet's sessions, the newest first, in parts of one question each. @returns {Promise<Place[]>} */
async function ours() {
  /** @type {Place[]} */
  const places = [];
  for (const { chain_id } of await known()) {
    const payees = [...new Set(state.sessions.filter((session) => session.chain_id === chain_id && session.number !== null).map(({ payee }) => payee))];
    for (let at = 0; at < payees.length; at += AT_ONCE) places.push({ chain_id, payees: payees.slice(at, at + AT_ONCE) });
  }
  return places;
}

/** @param {Place} place */
async function lookAt(place) {
  const found = await find(place);
  for (const payee of place.payees) seen.found.delete(`${place.chain_id}/${payee}`);
  for (const one of found) seen.found.set(`${one.chain_id}/${one.payee}`, one);
}

/**
 * Look at one part of the payees, and after the last one rest a while. What the node does not answer now is asked at the next look.
 * @param {{whole?: boolean}} [how] `whole`: all parts, now
 */
async function look({ whole = false } = {}) {
  if (seen.account !== state.account) seen = { account: state.account, at: -Infinity, next: 0, found: new Map() };
  const places = await ours();
  // Without a rest: the first payee is looked at as soon as there is one.
  if (places.length === 0) return;
  if (whole) {
    for (const place of places) await lookAt(place);
    seen.next = places.length;
  } else {
    if (performance.now() - seen.at < LOOK_MS) return;
    const place = places[seen.next];
    if (place) await lookAt(place);
    seen.next += 1;
  }
  if (seen.next >= places.length) Object.assign(seen, { at: performance.now(), next: 0 });
}

/** Findings that are worth fetching, the greatest first. @param {any[]} receipts of the host's summary */
function worth(receipts) {
  const owed = new Set(receipts.filter((/** @type {any} */ r) => r.at_payee).map(({ payee }) => payee));
  const mine = [...seen.found.values()].filter(({ payee, amount_wei }) => owed.has(payee) || BigInt(amount_wei) >= LEAST);
  return mine.sort((a, b) => (BigInt(a.amount_wei) < BigInt(b.amount_wei) ? 1 : -1));
}

/** Findings that the account's coins are enough for, in their order. @param {Found[]} found */
function affordable(found) {
  /** @type {Map<number, bigint>} */
  const coins = new Map();
  return found.filter(({ chain_id, coin_wei, each_wei }) => {
    const left = (coins.get(chain_id) ?? BigInt(coin_wei)) - BigInt(each_wei);
    if (left >= 0n) coins.set(chain_id, left);
    return left >= 0n;
  });
}

/**
 * For the screens: what lies at payees, and what fetching it at the next press costs the account at most, in the network's coin.
 * @param {any[]} receipts of the host's summary
 */
export async function lying(receipts) {
  await look().catch(() => undefined);
  const found = worth(receipts);
  const most = affordable(found.slice(0, MOST)).reduce((sum, { each_wei }) => sum + BigInt(each_wei), 0n);
  return { amount: found.reduce((sum, { amount_wei }) => sum + BigInt(amount_wei), 0n), most, found };
}

/**
 * Bring what lies at payees to the account in use.
 * @param {bigint} shown the most that the person was shown the fees to be: the account pays nothing beyond it
 * @returns {Promise<{transactions: string[], amount: bigint, failure: unknown}>} `failure`: of those that stay where they are
 */
export async function sweep(shown) {
  try {
    await look({ whole: true });
  } catch (error) {
    // A host of an older version looks at nothing.
    if (Problem.of(error).code !== "host.message.unknown") throw error;
    return { transactions: [], amount: 0n, failure: null };
  }
  const account = state.accounts.find(({ address }) => address === state.account);
  if (!account) throw new Problem("wallet.missing");
  const { receipts } = await native("summary", { account: state.account, payees: payees() });
  const found = worth(receipts);
  const payable = new Set(affordable(found));
  /** @type {string[]} */
  const transactions = [];
  const fees = { left: shown };
  /** @type {Set<string>} servers that have a permit and did not send what it is for */
  const doubted = new Set();
  let amount = 0n;
  let failure = null;
  for (const one of found) {
    if (transactions.length === MOST) break;
    // A fifth of `each_wei` is room for a base fee that rises after it was shown.
    const paid = payable.has(one) && (BigInt(one.each_wei) * 4n) / 5n <= fees.left;
    try {
      transactions.push(await (paid ? fetchOne(one, account.index, fees) : entrust(one, account.index, doubted)));
      amount += BigInt(one.amount_wei);
      seen.found.delete(`${one.chain_id}/${one.payee}`);
    } catch (error) {
      failure ??= error;
      if (!PASSING.test(Problem.of(error).code)) break;
    }
  }
  seen.at = -Infinity;
  return { transactions, amount, failure };
}

/** Whose word it takes: the payee's, by its session. @param {Found} one @param {number} index */
function wordOf({ chain_id, token, payee, amount_wei, nonce, now_s }, index) {
  const session = sessionOf(payee);
  if (!session || session.number === null) throw new Problem("claim.unknown");
  return { index, chain_id, token, station: session.station, number: session.number, payee, amount_wei, nonce, deadline: now_s + DEADLINE_S };
}

/**
 * The account fetches it, for what is left of the fees that were shown.
 * @param {Found} one @param {number} index @param {{left: bigint}} fees
 */
async function fetchOne(one, index, fees) {
  const { chain_id, token, allowed_wei, amount_wei } = one;
  const { to, permit, move } = await python("sweep.sign", wordOf(one, index));
  // The token has the permit already where an earlier try ended between the two.
  if (BigInt(allowed_wei) < BigInt(amount_wei)) fees.left -= (await confirm(chain_id, { index }, to, token, permit, { most: fees.left })).most;
  const { transaction, most } = await confirm(chain_id, { index }, to, token, move, { most: fees.left });
  fees.left -= most;
  return transaction;
}

/**
 * The relayer of a server that has paid this payee sends it. What the server would refuse it refuses before it has a permit.
 * @param {Found} one @param {number} index @param {Set<string>} doubted
 */
async function entrust(one, index, doubted) {
  const { server, relayer, now_s } = await native("relayer", { chain_id: one.chain_id, payee: one.payee, amount_wei: one.amount_wei });
  if (doubted.has(server)) throw new Problem("claim.busy");
  const { permit, sweep: order } = await python("sweep.sign", { ...wordOf({ ...one, now_s }, index), relayer, settlement: one.settlement });
  doubted.add(server);
  const { transaction } = await native("sweep", { server, sweep: order, permit });
  doubted.delete(server);
  return transaction;
}

/** All that lies at this wallet's payees now and is worth spending, the greatest first. @returns {Promise<Found[]>} */
export async function atPayees() {
  await look({ whole: true });
  const { receipts } = await native("summary", { account: state.account, payees: payees() });
  return worth(receipts);
}

/**
 * The relayer sends a part of what lies at a payee to whom the payee's order names.
 * @param {Found} one @param {{to: string, amount_wei: string, order_s: number}} what `order_s`: seconds in which the order is good
 * @returns {Promise<string>} the transaction, which has brought it there
 */
export async function relay(one, { to, amount_wei, order_s }) {
  const { server, relayer, now_s } = await native("relayer", { chain_id: one.chain_id, payee: one.payee, amount_wei });
  const { permit, sweep: order } = await python("sweep.sign", { ...wordOf({ ...one, now_s, amount_wei }, 0), index: undefined, to, deadline: now_s + order_s, relayer, settlement: one.settlement });
  const { transaction } = await native("sweep", { server, sweep: order, permit });
  seen.at = -Infinity;
  return transaction;
}
