/**
 * Tokens at this wallet's payees, one-time addresses without coins for gas, found by their balances.
 *
 * Known holdings are cached; each update reads one more page of the wallet's payees.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { knownNetworks } from "./networks.js";
import { state, walletOf } from "./state.js";

/** @import { Holding as HostHolding, HoldingsResult } from "../../shared/protocol.d.ts" */
/**
 * Tokens at a payee of this wallet, with the state of its network: `each_wei`: highest fee of fetching them;
 * `coin_wei`: coins of the account.
 * @typedef {Required<HostHolding> & Omit<HoldingsResult, "holdings" | "next" | "asked"> & {chain_id: number}} Holding
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
export async function readHoldings({ chain_id, payees }) {
  const holdings = [];
  for (let at = 0; at < payees.length; at += PAYEE_BATCH) {
    holdings.push(...(await readPage(chain_id, { payees: payees.slice(at, at + PAYEE_BATCH) })).holdings);
  }
  return holdings;
}

/**
 * Reads the tokens at some payees, or of a page of the wallet's.
 * @param {number} chain_id
 * @param {{payees: string[]} | {after: string | null}} page
 * @throws {Problem} wallet.missing
 */
async function readPage(chain_id, page) {
  const { account } = state;
  if (account === null) throw new Problem("wallet.missing");
  const {
    holdings,
    next,
    asked = 0,
    ...where
  } = await native("holdings", { chain_id, account, wallet: walletOf(), ...page });
  return {
    next: next ?? null,
    asked,
    // The host returns all fields for payees of this wallet.
    holdings: holdings.map((item) => /** @type {Holding} */ ({ chain_id, ...where, ...item })),
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
    const holdings = await readHoldings({ chain_id, payees });
    for (const payee of payees) scan.holdings.delete(`${chain_id}/${payee}`);
    for (const holding of holdings) scan.holdings.set(`${chain_id}/${holding.payee}`, holding);
  }
}

/**
 * Updates the holdings by one page; after the last page they stay as they are for a while.
 * @param {{whole?: boolean}} [options] `whole`: read known holdings and several pages now
 */
export async function updateHoldings({ whole = false } = {}) {
  if (scan.account !== state.account)
    scan = { account: state.account, at: -Infinity, next: { network: 0, after: null }, payees: 0, holdings: new Map() };
  if (!whole && performance.now() - scan.at < HOLDINGS_MAX_AGE_MS) return;
  const networks = await knownNetworks();
  if (whole) await refresh();
  let last = false;
  for (let part = 0; part < (whole ? PAGES_PER_SWEEP : 1) && !last; part += 1) last = await readNextPage(networks);
  // Without payees the cache has no age: the first payee is read as soon as there is one.
  if (last) Object.assign(scan, { at: scan.payees ? performance.now() : -Infinity, payees: 0 });
}

/** Holdings that are worth fetching, the greatest first. */
export function worthwhile() {
  const holdings = [...scan.holdings.values()].filter(
    ({ owed_wei, amount_wei }) => BigInt(owed_wei) > 0n || BigInt(amount_wei) >= MIN_GIFT_WEI,
  );
  return holdings.sort((a, b) => (BigInt(a.amount_wei) < BigInt(b.amount_wei) ? 1 : -1));
}

/** Holdings that the account's coins suffice for, in their order. @param {Holding[]} holdings */
export function affordable(holdings) {
  /** @type {Map<number, bigint>} */
  const coins = new Map();
  return holdings.filter(({ chain_id, coin_wei, each_wei }) => {
    const left = (coins.get(chain_id) ?? BigInt(coin_wei)) - BigInt(each_wei);
    if (left >= 0n) coins.set(chain_id, left);
    return left >= 0n;
  });
}

/**
 * Status for the screens: the tokens at payees, and the highest fee of fetching them by one press, in wei of the coin.
 */
export async function payeeHoldings() {
  await updateHoldings().catch(() => undefined);
  const holdings = worthwhile();
  const most = affordable(holdings.slice(0, MAX_TRANSACTIONS)).reduce(
    (sum, { each_wei }) => sum + BigInt(each_wei),
    0n,
  );
  return { amount: holdings.reduce((sum, { amount_wei }) => sum + BigInt(amount_wei), 0n), most, holdings };
}

/** Present holdings that are worth spending, the greatest first. @returns {Promise<Holding[]>} */
export async function spendableHoldings() {
  await updateHoldings({ whole: true });
  return worthwhile();
}

/** Drops the tokens of a payee, which were sent. @param {Holding} holding */
export function dropHolding({ chain_id, payee }) {
  scan.holdings.delete(`${chain_id}/${payee}`);
}

/** Expires the cache, after a change on the chain. */
export function expireHoldings() {
  scan.at = -Infinity;
}
