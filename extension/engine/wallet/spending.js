/**
 * Sending from private addresses: tokens at payees go straight to the recipient, without passing the account.
 *
 * Each address signs a permit for the relayer of a server that has paid it, and an order with recipient and amount; one
 * after the other, as in sweep.js, so that a dishonest relayer can keep the tokens of one address at most. Addresses
 * that pay the same recipient are publicly linked.
 */

import { Problem } from "../../shared/problem.js";
import { now, set, state } from "./state.js";
import { spendableHoldings } from "./holdings.js";
import { relay } from "./sweep.js";

/** @typedef {import("./holdings.js").Holding} Holding */

/** Time for which tokens under an order are not spent again, longer than the validity of the order. */
const ENTRUSTED_S = 900;
/** Validity of an order, seconds. */
export const ORDER_S = 600;
/** Codes of refusals before anything was sent. */
const REFUSED = /^(claim\.|wallet\.)/;

/**
 * Holdings of one network that can be spent, the greatest first.
 * @param {number} chain_id
 * @param {Holding[]} holdings
 */
export const spendable = (chain_id, holdings) =>
  holdings.filter((holding) => holding.chain_id === chain_id && !isEntrusted(holding.payee));

/** True if an order of a payee may still be executed. @param {string} payee */
const isEntrusted = (payee) =>
  state.entrusted.some((holding) => holding.payee === payee && holding.until_ms > Date.now());

/**
 * Chooses addresses that together hold an amount, as few and with as little new linkage as possible: one that has paid
 * this recipient before, else a single one, else several of one station, which can link them already.
 * @param {number} chain_id @param {string} amount_wei @param {string} to
 * @returns {Promise<{parts: (Holding & {part_wei: string})[], held_wei: string}>}
 * @throws {Problem} wallet.funds where they hold less
 */
export async function choose(chain_id, amount_wei, to) {
  const holdings = spendable(chain_id, await spendableHoldings());
  const wanted = BigInt(amount_wei);
  const held = sum(holdings);
  if (wanted > held) throw new Problem("wallet.funds", { balance_wei: held.toString() });
  const before = new Set(paidBy(to, chain_id));
  const enough = holdings.filter((holding) => BigInt(holding.amount_wei) >= wanted);
  // The smallest one that suffices leaves the greater ones for later.
  const alone = enough.find(({ payee }) => before.has(payee)) ?? enough.at(-1);
  const stations = [...new Set(holdings.map(({ station }) => station))]
    .map((at) => holdings.filter(({ station }) => station === at))
    .filter((group) => sum(group) >= wanted);
  const ways = (alone ? [[alone]] : stations.length ? stations : [holdings]).map((group) => take(group, wanted));
  return { parts: ways.sort((a, b) => a.length - b.length)[0] ?? [], held_wei: held.toString() };
}

/** Sum of amounts, wei. @param {Holding[]} holdings */
const sum = (holdings) => holdings.reduce((all, { amount_wei }) => all + BigInt(amount_wei), 0n);

/** Splits an amount over the first holdings. @param {Holding[]} holdings @param {bigint} left */
function take(holdings, left) {
  const parts = [];
  for (const holding of holdings) {
    if (left === 0n) break;
    const part = BigInt(holding.amount_wei) < left ? BigInt(holding.amount_wei) : left;
    parts.push({ ...holding, part_wei: part.toString() });
    left -= part;
  }
  return parts;
}

/**
 * Addresses of this wallet, accounts and private ones, that have sent something to a recipient.
 * @param {string} to
 * @param {number} chain_id
 */
const paidBy = (to, chain_id) =>
  state.sent
    .filter(
      (sent) =>
        sent.to === to && sent.chain_id === chain_id && !["failed", "cancelled", "replaced"].includes(sent.state),
    )
    .map(({ payee, account }) => payee ?? account);

/**
 * Linkage that a payment reveals publicly. "own": a private address belongs to the account; "again": it belongs to the
 * person of another address that has paid this recipient; null: none.
 * @param {number} chain_id
 * @param {string} to
 * @param {string[]} from addresses that it is sent from
 * @param {boolean} own an account of this wallet gets it
 * @returns {"own" | "again" | null}
 */
export function linkageOf(chain_id, to, from, own) {
  if (own) return from.some((address) => state.accounts.every((account) => account.address !== address)) ? "own" : null;
  return paidBy(to, chain_id).some((address) => !from.includes(address)) && hasPrivate(to, chain_id, from)
    ? "again"
    : null;
}

/**
 * True if a private address is among those that have paid a recipient or are about to.
 * @param {string} to
 * @param {number} chain_id
 * @param {string[]} from
 */
const hasPrivate = (to, chain_id, from) =>
  [...from, ...paidBy(to, chain_id)].some((address) => state.accounts.every((account) => account.address !== address));

/**
 * Sends what was shown, one address after the other. Parts that arrived before a failure are in the activity.
 * @param {(Holding & {part_wei: string})[]} parts @param {string} to
 * @returns {Promise<{transaction: string}>} the last one
 */
export async function pay(parts, to) {
  let transaction = "";
  for (const holding of parts) {
    const until_ms = Date.now() + ENTRUSTED_S * 1000;
    await set({
      entrusted: [
        ...state.entrusted.filter(({ payee, until_ms: until }) => payee !== holding.payee && until > Date.now()),
        { payee: holding.payee, until_ms },
      ],
    });
    try {
      transaction = await relay(holding, { to, amount_wei: holding.part_wei, order_s: ORDER_S });
    } catch (error) {
      if (REFUSED.test(Problem.of(error).code)) await release(holding.payee);
      throw error;
    }
    await release(holding.payee);
    const time_s = Math.floor(Date.now() / 1000);
    /** @type {import("./state.js").Sent} */
    const sent = {
      transaction,
      chain_id: holding.chain_id,
      account: state.account ?? "",
      to,
      amount_wei: holding.part_wei,
      most_wei: "0",
      time_s,
      state: "confirmed",
      fee_wei: "0",
      reason: null,
      by: null,
      payee: holding.payee,
      offers: [{ transaction, raw: "", how: "first", call: null }],
    };
    await set({ sent: [sent, ...state.sent] });
    now.changed();
  }
  return { transaction };
}

/** Ends the time for which the tokens of a payee are not spent. @param {string} payee */
const release = (payee) => set({ entrusted: state.entrusted.filter((holding) => holding.payee !== payee) });
