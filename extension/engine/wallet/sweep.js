/**
 * Tokens at this wallet's payees, one-time addresses without coins for gas: found by their balances, and brought to
 * the account in use.
 *
 * The payee signs a permit (EIP-2612) for all its tokens to the account, which fetches them and pays the fee. Where the
 * account has no coins, the permit names the relayer of a server that has paid that payee, and the payee signs an order
 * for whom the tokens are. A relayer could keep what it is permitted, so the tokens of one payee are entrusted at a
 * time, and no more after some did not arrive.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { confirm } from "./confirm.js";
import { knownNetworks } from "./networks.js";
import { state, walletOf } from "./state.js";

/**
 * Tokens at a payee. `each_wei`: highest fee of fetching them; `coin_wei`: coins of the account; `owed_wei`: the part
 * that is rewards.
 * @typedef {{payee: string, amount_wei: string, nonce: number, allowed_wei: string, chain_id: number, token: string,
 *   settlement: string, now_s: number, each_wei: string, coin_wei: string, station: string, number: number,
 *   name: string, owed_wei: string}} Holding
 */

/** Payees in one request to the host. */
export const PAYEE_BATCH = 256;
/** Pages of the wallet's payees that one press reads, besides those with known holdings. */
const PAGES_PER_SWEEP = 4;
/** Payees that one press fetches: each waits for the chain. */
export const MAX_TRANSACTIONS = 8;
/** Least amount without rewards that is fetched, in wei: anybody can send a wei to every published payee. */
export const MIN_GIFT_WEI = 10n ** 14n;
const HOLDINGS_MAX_AGE_MS = 20_000;
const DEADLINE_S = 1800;
/** Failures of one payee that do not stop the others. */
const SINGLE_FAILURE = /^(claim\.|wallet\.|chain\.reverted$)/;

/**
 * Known holdings of one account. `next`: the network, and the payee after which the next page begins.
 * @type {{account: string | null, at: number, next: {network: number, after: string | null}, payees: number, holdings:
 *   Map<string, Holding>}}
 */
let scan = { account: null, at: -Infinity, next: { network: 0, after: null }, payees: 0, holdings: new Map() };

/**
 * Reads the tokens at some payees from the network's node, in batches.
 * @param {{chain_id: number, payees: string[]}} place @returns {Promise<Holding[]>}
 */
export async function find({ chain_id, payees }) {
  const holdings = [];
  for (let at = 0; at < payees.length; at += PAYEE_BATCH) {
    holdings.push(...(await readPage(chain_id, { payees: payees.slice(at, at + PAYEE_BATCH) })).holdings);
  }
  return holdings;
}

/** Reads one page. @param {number} chain_id @param {{payees?: string[], after?: string | null}} which */
async function readPage(chain_id, which) {
  const { account } = state;
  if (account === null) throw new Problem("wallet.missing");
  const {
    holdings,
    next,
    asked = 0,
    ...where
  } = await native("holdings", { chain_id, account, wallet: walletOf(), ...which });
  return {
    next: next ?? null,
    asked,
    holdings: /** @type {Holding[]} */ (holdings.map((/** @type {any} */ item) => ({ chain_id, ...where, ...item }))),
  };
}

/**
 * Reads the next page of the payees.
 * @param {import("./networks.js").Network[]} networks
 * @returns {Promise<boolean>} whether it was the last one
 */
async function readNextPage(networks) {
  const { network, after } = scan.next;
  const chain_id = networks[network]?.chain_id;
  if (chain_id === undefined) {
    scan.next = { network: 0, after: null };
    return true;
  }
  const own = scan;
  const { next, asked, holdings } = await readPage(chain_id, { after });
  own.payees += asked;
  // Payees come in the order of their addresses: earlier holdings of this page are between its ends.
  for (const [key, holding] of own.holdings)
    if (holding.chain_id === chain_id && holding.payee > (after ?? "") && (next === null || holding.payee <= next))
      own.holdings.delete(key);
  for (const holding of holdings) own.holdings.set(`${chain_id}/${holding.payee}`, holding);
  own.next = next === null ? { network: network + 1, after: null } : { network, after: next };
  if (own.next.network < networks.length) return false;
  own.next = { network: 0, after: null };
  return true;
}

/** Reads known holdings again. */
async function refresh() {
  for (const chain_id of new Set([...scan.holdings.values()].map((holding) => holding.chain_id))) {
    const payees = [...scan.holdings.values()]
      .filter((holding) => holding.chain_id === chain_id)
      .map(({ payee }) => payee);
    const holdings = await find({ chain_id, payees });
    for (const payee of payees) scan.holdings.delete(`${chain_id}/${payee}`);
    for (const holding of holdings) scan.holdings.set(`${chain_id}/${holding.payee}`, holding);
  }
}

/**
 * Updates the holdings by one page; after the last page they stay as they are for a while.
 * @param {{whole?: boolean}} [options] `whole`: read known holdings and several pages now
 */
async function update({ whole = false } = {}) {
  if (scan.account !== state.account)
    scan = { account: state.account, at: -Infinity, next: { network: 0, after: null }, payees: 0, holdings: new Map() };
  if (!whole && performance.now() - scan.at < HOLDINGS_MAX_AGE_MS) return;
  const networks = await knownNetworks();
  if (whole) await refresh();
  let last = false;
  for (let part = 0; part < (whole ? PAGES_PER_SWEEP : 1) && !last; part += 1) last = await readNextPage(networks);
  // Without payees there is no pause: the first one is read as soon as there is one.
  if (last) Object.assign(scan, { at: scan.payees ? performance.now() : -Infinity, payees: 0 });
}

/** Holdings that are worth fetching, the greatest first. */
function worthwhile() {
  const holdings = [...scan.holdings.values()].filter(
    ({ owed_wei, amount_wei }) => BigInt(owed_wei) > 0n || BigInt(amount_wei) >= MIN_GIFT_WEI,
  );
  return holdings.sort((a, b) => (BigInt(a.amount_wei) < BigInt(b.amount_wei) ? 1 : -1));
}

/** Holdings that the account's coins suffice for, in their order. @param {Holding[]} holdings */
function affordable(holdings) {
  /** @type {Map<number, bigint>} */
  const coins = new Map();
  return holdings.filter(({ chain_id, coin_wei, each_wei }) => {
    const left = (coins.get(chain_id) ?? BigInt(coin_wei)) - BigInt(each_wei);
    if (left >= 0n) coins.set(chain_id, left);
    return left >= 0n;
  });
}

/** For the screens: the tokens at payees, and the highest fee of fetching them by one press, in wei of the coin. */
export async function payeeHoldings() {
  await update().catch(() => undefined);
  const holdings = worthwhile();
  const most = affordable(holdings.slice(0, MAX_TRANSACTIONS)).reduce(
    (sum, { each_wei }) => sum + BigInt(each_wei),
    0n,
  );
  return { amount: holdings.reduce((sum, { amount_wei }) => sum + BigInt(amount_wei), 0n), most, holdings };
}

/**
 * Brings the tokens at payees to the account in use.
 * @param {bigint} shown highest fee that was shown to the person: the account pays no more
 * @returns {Promise<{transactions: string[], amount: bigint, failure: unknown}>} `failure`: of
 *   those that stay where they are
 */
export async function sweep(shown) {
  try {
    await update({ whole: true });
  } catch (error) {
    // A host of an older version has no such operation.
    if (Problem.of(error).code !== "host.message.unknown") throw error;
    return { transactions: [], amount: 0n, failure: null };
  }
  const account = state.accounts.find(({ address }) => address === state.account);
  if (!account) throw new Problem("wallet.missing");
  const holdings = worthwhile();
  const payable = new Set(affordable(holdings));
  /** @type {string[]} */
  const transactions = [];
  const fees = { left: shown };
  /** Servers that have a permit and have not sent its tokens. @type {Set<string>} */
  const defaulted = new Set();
  let amount = 0n;
  let failure = null;
  for (const holding of holdings) {
    if (transactions.length === MAX_TRANSACTIONS) break;
    // A fifth of `each_wei` is reserve for a rising base fee.
    const paid = payable.has(holding) && (BigInt(holding.each_wei) * 4n) / 5n <= fees.left;
    try {
      transactions.push(
        await (paid ? fetchOne(holding, account.index, fees) : entrust(holding, account.index, defaulted)),
      );
      amount += BigInt(holding.amount_wei);
      scan.holdings.delete(`${holding.chain_id}/${holding.payee}`);
    } catch (error) {
      failure ??= error;
      if (!SINGLE_FAILURE.test(Problem.of(error).code)) break;
    }
  }
  scan.at = -Infinity;
  return { transactions, amount, failure };
}

/** Fields that the payee signs. @param {Holding} holding @param {number} index */
const permitOf = ({ chain_id, token, payee, amount_wei, nonce, now_s, station, number }, index) => ({
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
 * The account fetches the tokens, for what is left of the fees that were shown.
 * @param {Holding} holding @param {number} index @param {{left: bigint}} fees
 */
async function fetchOne(holding, index, fees) {
  const { chain_id, token, allowed_wei, amount_wei } = holding;
  const { to, permit, move } = await python("sweep.sign", permitOf(holding, index));
  // The token has the permit already where an earlier try ended between the two.
  if (BigInt(allowed_wei) < BigInt(amount_wei))
    fees.left -= (await confirm(chain_id, { index }, to, token, permit, { most: fees.left })).most;
  const { transaction, most } = await confirm(chain_id, { index }, to, token, move, { most: fees.left });
  fees.left -= most;
  return transaction;
}

/**
 * The relayer of a server that has paid this payee sends the tokens. A server that would refuse does so before it gets
 * a permit.
 * @param {Holding} holding @param {number} index @param {Set<string>} defaulted
 */
async function entrust(holding, index, defaulted) {
  const { server, relayer, now_s } = await native("relayer", {
    chain_id: holding.chain_id,
    payee: holding.payee,
    amount_wei: holding.amount_wei,
  });
  if (defaulted.has(server)) throw new Problem("claim.busy");
  const { permit, sweep: order } = await python("sweep.sign", {
    ...permitOf({ ...holding, now_s }, index),
    relayer,
    settlement: holding.settlement,
  });
  defaulted.add(server);
  const { transaction } = await native("sweep", { server, sweep: order, permit });
  defaulted.delete(server);
  return transaction;
}

/** Present holdings that are worth spending, the greatest first. @returns {Promise<Holding[]>} */
export async function spendableHoldings() {
  await update({ whole: true });
  return worthwhile();
}

/**
 * The relayer sends a part of the tokens at a payee to the recipient of the payee's order.
 * @param {Holding} holding @param {{to: string, amount_wei: string, order_s: number}} what `order_s`: validity of
 *   the order
 * @returns {Promise<string>} the confirmed transaction
 */
export async function relay(holding, { to, amount_wei, order_s }) {
  const { server, relayer, now_s } = await native("relayer", {
    chain_id: holding.chain_id,
    payee: holding.payee,
    amount_wei,
  });
  const { permit, sweep: order } = await python("sweep.sign", {
    ...permitOf({ ...holding, now_s, amount_wei }, 0),
    index: undefined,
    to,
    deadline: now_s + order_s,
    relayer,
    settlement: holding.settlement,
  });
  const { transaction } = await native("sweep", { server, sweep: order, permit });
  scan.at = -Infinity;
  return transaction;
}
