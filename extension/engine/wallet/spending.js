/**
 * Sending from private addresses: what lies at payees goes straight to the recipient, without passing the account.
 *
 * Each address permits the relayer of a server that has paid it, and its signed order says for whom and how much. One
 * after the other, as when they
 * are fetched (sweep.js): what a dishonest relayer can keep is the tokens of one address. Several of them that pay the
 * same recipient are seen together.
 */

import { Problem } from "../../shared/problem.js";
import { now, set, state } from "./state.js";
import { atPayees, relay } from "./sweep.js";

/** @typedef {import("./sweep.js").Found} Found */

const KEPT_MS = 1000;
/** What was handed over and not seen to arrive is not spent again before its order has run out, and a while longer. */
const OPEN_S = 900;
/** Seconds in which an order is good. */
export const ORDER_S = 600;
/** A refusal before anything was sent. */
const REFUSED = /^(claim\.|wallet\.)/;

/**
 * Addresses whose tokens can be spent, the greatest first; those of one network.
 * @param {number} chain_id
 * @param {Found[]} found
 */
export const spendable = (chain_id, found) => found.filter((one) => one.chain_id === chain_id && !isOpen(one.payee));

/** @param {string} payee */
const isOpen = (payee) => state.entrusted.some((one) => one.payee === payee && one.until_ms > Date.now());

/**
 * Addresses that together hold an amount, as few as possible, and so that they tell as little as possible: one that has
 * paid this recipient already, else
 * one alone, else several of one station, which knows that they are one listener's.
 * @param {number} chain_id @param {string} amount_wei @param {string} to
 * @returns {Promise<{parts: (Found & {part_wei: string})[], held_wei: string}>} Problem wallet.funds where they hold
 *   less
 */
export async function choose(chain_id, amount_wei, to) {
  const found = spendable(chain_id, await atPayees());
  const wanted = BigInt(amount_wei);
  const held = sum(found);
  if (wanted > held) throw new Problem("wallet.funds", { balance_wei: held.toString() });
  const before = new Set(paidBy(to, chain_id));
  const enough = found.filter((one) => BigInt(one.amount_wei) >= wanted);
  // Of those that are enough the smallest leaves the greatest for later.
  const alone = enough.find(({ payee }) => before.has(payee)) ?? enough.at(-1);
  const stations = [...new Set(found.map(({ station }) => station))]
    .map((at) => found.filter(({ station }) => station === at))
    .filter((some) => sum(some) >= wanted);
  const ways = (alone ? [[alone]] : stations.length ? stations : [found]).map((some) => take(some, wanted));
  return { parts: ways.sort((a, b) => a.length - b.length)[0] ?? [], held_wei: held.toString() };
}

/** @param {Found[]} found */
const sum = (found) => found.reduce((all, { amount_wei }) => all + BigInt(amount_wei), 0n);

/** An amount out of the first of some addresses. @param {Found[]} found @param {bigint} left */
function take(found, left) {
  const parts = [];
  for (const one of found) {
    if (left === 0n) break;
    const part = BigInt(one.amount_wei) < left ? BigInt(one.amount_wei) : left;
    parts.push({ ...one, part_wei: part.toString() });
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
      (one) => one.to === to && one.chain_id === chain_id && !["failed", "cancelled", "replaced"].includes(one.state),
    )
    .map(({ payee, account }) => payee ?? account);

/**
 * What the chain shows of a payment beside itself: "own": that an address is the account's, "again": that it is one
 * person's with another one that has
 * paid this recipient. Null: nothing.
 * @param {number} chain_id @param {string} to @param {string[]} from addresses that it is sent from @param {boolean}
 *   own whether an account of this wallet gets it
 * @returns {"own" | "again" | null}
 */
export function shows(chain_id, to, from, own) {
  if (own) return from.some((address) => state.accounts.every((one) => one.address !== address)) ? "own" : null;
  return paidBy(to, chain_id).some((address) => !from.includes(address)) && hidden(to, chain_id, from) ? "again" : null;
}

/**
 * Whether a private address is among those that have paid a recipient or are about to.
 * @param {string} to
 * @param {number} chain_id
 * @param {string[]} from
 */
const hidden = (to, chain_id, from) =>
  [...from, ...paidBy(to, chain_id)].some((address) => state.accounts.every((one) => one.address !== address));

/**
 * Send what was shown, address after address. What has arrived before one fails stands in the activity.
 * @param {(Found & {part_wei: string})[]} parts @param {string} to
 * @returns {Promise<{transaction: string}>} the last one
 */
export async function pay(parts, to) {
  let transaction = "";
  for (const one of parts) {
    const until_ms = Date.now() + OPEN_S * KEPT_MS;
    await set({
      entrusted: [
        ...state.entrusted.filter(({ payee, until_ms: until }) => payee !== one.payee && until > Date.now()),
        { payee: one.payee, until_ms },
      ],
    });
    try {
      transaction = await relay(one, { to, amount_wei: one.part_wei, order_s: ORDER_S });
    } catch (error) {
      if (REFUSED.test(Problem.of(error).code)) await closed(one.payee);
      throw error;
    }
    await closed(one.payee);
    const time_s = Math.floor(Date.now() / 1000);
    /** @type {import("./state.js").Sent} */
    const sent = {
      transaction,
      chain_id: one.chain_id,
      account: state.account ?? "",
      to,
      amount_wei: one.part_wei,
      most_wei: "0",
      time_s,
      state: "confirmed",
      fee_wei: "0",
      reason: null,
      by: null,
      payee: one.payee,
      offers: [{ transaction, raw: "", how: "first", call: null }],
    };
    await set({ sent: [sent, ...state.sent] });
    now.changed();
  }
  return { transaction };
}

/** @param {string} payee */
const closed = (payee) => set({ entrusted: state.entrusted.filter((one) => one.payee !== payee) });
