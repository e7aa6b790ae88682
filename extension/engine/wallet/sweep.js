/**
 * Tokens that lie at this wallet's payees, one-time addresses without coins for gas: found by their balances, and
 * brought to the account in use.
 *
 * The payee permits all that it holds (EIP-2612) to the account, which fetches it and pays the fee. Where the account
 * has no coins, the permit names the
 * relayer of a server that has paid that payee, and an order signed by the payee says for whom. A relayer could keep
 * what it is permitted, whatever it
 * answers: so one payee's tokens are entrusted at a time, and nothing more once some did not arrive.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { confirm } from "./confirm.js";
import { knownNetworks } from "./networks.js";
import { state, walletOf } from "./state.js";

/**
 * @typedef {{payee: string, amount_wei: string, nonce: number, allowed_wei: string, chain_id: number, token: string,
 *   settlement: string, now_s: number,
 *   each_wei: string, coin_wei: string, station: string, number: number, name: string, owed_wei: string}} Found
 * `each_wei`: the most that fetching it costs the account, which has `coin_wei` of the network's coin; `owed_wei`: what
 * of it are rewards.
 */

/** So many payees stand in one question to the host. */
export const AT_ONCE = 256;
/** So many parts of the wallet's payees are looked at by one press, beside those that hold something. */
const PARTS = 4;
/** So many are fetched by one press: each waits for the chain. */
export const MOST = 8;
/**
 * Least amount of a stranger's gift that is fetched, in wei of the token: anybody can send a wei to every published
 * payee.
 */
export const LEAST = 10n ** 14n;
const HOLDINGS_MAX_AGE_MS = 20_000;
const DEADLINE_S = 1800;
/** Of one payee, and no reason to leave the others. */
const PASSING = /^(claim\.|wallet\.|chain\.reverted$)/;

/**
 * `next`: the network and the payee behind which the next part begins.
 * @type {{account: string | null, at: number, next: {network: number, after: string | null}, payees: number, found:
 *   Map<string, Found>}}
 */
let seen = { account: null, at: -Infinity, next: { network: 0, after: null }, payees: 0, found: new Map() };

/**
 * Tokens at these payees, asked for in parts that the host takes. The network's node is asked, and nobody else.
 * @param {{chain_id: number, payees: string[]}} place @returns {Promise<Found[]>}
 */
export async function find({ chain_id, payees }) {
  const found = [];
  for (let at = 0; at < payees.length; at += AT_ONCE) {
    found.push(...(await ask(chain_id, { payees: payees.slice(at, at + AT_ONCE) })).found);
  }
  return found;
}

/** @param {number} chain_id @param {{payees?: string[], after?: string | null}} which */
async function ask(chain_id, which) {
  const {
    holdings,
    next,
    asked = 0,
    ...where
  } = await native("holdings", { chain_id, account: state.account, wallet: walletOf(), ...which });
  return {
    next: next ?? null,
    asked,
    found: /** @type {Found[]} */ (holdings.map((/** @type {any} */ one) => ({ chain_id, ...where, ...one }))),
  };
}

/**
 * Look at the next part of the payees. Whether it was the last one.
 * @param {import("./networks.js").Network[]} networks
 */
async function lookOn(networks) {
  const { network, after } = seen.next;
  const chain_id = networks[network]?.chain_id;
  if (chain_id === undefined) {
    seen.next = { network: 0, after: null };
    return true;
  }
  const mine = seen;
  const { next, asked, found } = await ask(chain_id, { after });
  mine.payees += asked;
  // Payees come by their address: what was found in this part before stands between its ends.
  for (const [key, one] of mine.found)
    if (one.chain_id === chain_id && one.payee > (after ?? "") && (next === null || one.payee <= next))
      mine.found.delete(key);
  for (const one of found) mine.found.set(`${chain_id}/${one.payee}`, one);
  mine.next = next === null ? { network: network + 1, after: null } : { network, after: next };
  if (mine.next.network < networks.length) return false;
  mine.next = { network: 0, after: null };
  return true;
}

/** Look again at what is known to lie somewhere. */
async function lookAgain() {
  for (const chain_id of new Set([...seen.found.values()].map((one) => one.chain_id))) {
    const payees = [...seen.found.values()].filter((one) => one.chain_id === chain_id).map(({ payee }) => payee);
    const found = await find({ chain_id, payees });
    for (const payee of payees) seen.found.delete(`${chain_id}/${payee}`);
    for (const one of found) seen.found.set(`${chain_id}/${one.payee}`, one);
  }
}

/**
 * Look at one part of the payees, and after the last one rest a while. What the node does not answer now is asked at
 * the next look.
 * @param {{whole?: boolean}} [how] `whole`: what is known to lie somewhere, and several parts, now
 */
async function look({ whole = false } = {}) {
  if (seen.account !== state.account)
    seen = { account: state.account, at: -Infinity, next: { network: 0, after: null }, payees: 0, found: new Map() };
  if (!whole && performance.now() - seen.at < HOLDINGS_MAX_AGE_MS) return;
  const networks = await knownNetworks();
  if (whole) await lookAgain();
  let last = false;
  for (let part = 0; part < (whole ? PARTS : 1) && !last; part += 1) last = await lookOn(networks);
  // Without a rest while there is none: the first payee is looked at as soon as there is one.
  if (last) Object.assign(seen, { at: seen.payees ? performance.now() : -Infinity, payees: 0 });
}

/** Findings that are worth fetching, the greatest first. */
function worth() {
  const mine = [...seen.found.values()].filter(
    ({ owed_wei, amount_wei }) => BigInt(owed_wei) > 0n || BigInt(amount_wei) >= LEAST,
  );
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
 * For the screens: what lies at payees, and what fetching it at the next press costs the account at most, in the
 * network's coin.
 */
export async function lying() {
  await look().catch(() => undefined);
  const found = worth();
  const most = affordable(found.slice(0, MOST)).reduce((sum, { each_wei }) => sum + BigInt(each_wei), 0n);
  return { amount: found.reduce((sum, { amount_wei }) => sum + BigInt(amount_wei), 0n), most, found };
}

/**
 * Bring what lies at payees to the account in use.
 * @param {bigint} shown the most that the person was shown the fees to be: the account pays nothing beyond it
 * @returns {Promise<{transactions: string[], amount: bigint, failure: unknown}>} `failure`: of those that stay where
 *   they are
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
  const found = worth();
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

/** Whose word it takes: the payee's. @param {Found} one @param {number} index */
const wordOf = ({ chain_id, token, payee, amount_wei, nonce, now_s, station, number }, index) => ({
  index,
  chain_id,
  token,
  station,
  number,
  payee,
  amount_wei,
  nonce,
  deadline: now_s + DEADLINE_S,
});

/**
 * The account fetches it, for what is left of the fees that were shown.
 * @param {Found} one @param {number} index @param {{left: bigint}} fees
 */
async function fetchOne(one, index, fees) {
  const { chain_id, token, allowed_wei, amount_wei } = one;
  const { to, permit, move } = await python("sweep.sign", wordOf(one, index));
  // The token has the permit already where an earlier try ended between the two.
  if (BigInt(allowed_wei) < BigInt(amount_wei))
    fees.left -= (await confirm(chain_id, { index }, to, token, permit, { most: fees.left })).most;
  const { transaction, most } = await confirm(chain_id, { index }, to, token, move, { most: fees.left });
  fees.left -= most;
  return transaction;
}

/**
 * The relayer of a server that has paid this payee sends it. What the server would refuse it refuses before it has a
 * permit.
 * @param {Found} one @param {number} index @param {Set<string>} doubted
 */
async function entrust(one, index, doubted) {
  const { server, relayer, now_s } = await native("relayer", {
    chain_id: one.chain_id,
    payee: one.payee,
    amount_wei: one.amount_wei,
  });
  if (doubted.has(server)) throw new Problem("claim.busy");
  const { permit, sweep: order } = await python("sweep.sign", {
    ...wordOf({ ...one, now_s }, index),
    relayer,
    settlement: one.settlement,
  });
  doubted.add(server);
  const { transaction } = await native("sweep", { server, sweep: order, permit });
  doubted.delete(server);
  return transaction;
}

/** All that lies at this wallet's payees now and is worth spending, the greatest first. @returns {Promise<Found[]>} */
export async function atPayees() {
  await look({ whole: true });
  return worth();
}

/**
 * The relayer sends a part of what lies at a payee to whom the payee's order names.
 * @param {Found} one @param {{to: string, amount_wei: string, order_s: number}} what `order_s`: seconds in which the
 *   order is good
 * @returns {Promise<string>} the transaction, which has brought it there
 */
export async function relay(one, { to, amount_wei, order_s }) {
  const { server, relayer, now_s } = await native("relayer", { chain_id: one.chain_id, payee: one.payee, amount_wei });
  const { permit, sweep: order } = await python("sweep.sign", {
    ...wordOf({ ...one, now_s, amount_wei }, 0),
    index: undefined,
    to,
    deadline: now_s + order_s,
    relayer,
    settlement: one.settlement,
  });
  const { transaction } = await native("sweep", { server, sweep: order, permit });
  seen.at = -Infinity;
  return transaction;
}
