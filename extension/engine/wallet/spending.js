/**
 * Sending from private addresses: what lies at payees goes straight to the recipient, without passing the account.
 *
 * Each address permits the relayer of a server that has paid it, and its signed order says for whom and how much. One after the other, as when they
 * are fetched (sweep.js): what a dishonest relayer can keep is the tokens of one address. Several of them that pay the same recipient are seen together.
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

/** Addresses whose tokens can be spent, the greatest first; those of one network. @param {number} chain_id @param {Found[]} found */
export const spendable = (chain_id, found) => found.filter((one) => one.chain_id === chain_id && !isOpen(one.payee));

/** @param {string} payee */
const isOpen = (payee) => state.entrusted.some((one) => one.payee === payee && one.until_ms > Date.now());

/**
 * Addresses that together hold an amount, as few as possible.
 * @param {number} chain_id @param {string} amount_wei
 * @returns {Promise<{parts: (Found & {part_wei: string})[], held_wei: string}>} Problem wallet.funds where they hold less
 */
export async function choose(chain_id, amount_wei) {
  const found = spendable(chain_id, await atPayees());
  const held = found.reduce((sum, one) => sum + BigInt(one.amount_wei), 0n);
  let left = BigInt(amount_wei);
  if (left > held) throw new Problem("wallet.funds", { balance_wei: held.toString() });
  // One address that is enough tells less than several; of those the smallest leaves the greatest for later.
  const alone = found.filter((one) => BigInt(one.amount_wei) >= left).at(-1);
  const parts = [];
  for (const one of alone ? [alone] : found) {
    if (left === 0n) break;
    const part = BigInt(one.amount_wei) < left ? BigInt(one.amount_wei) : left;
    parts.push({ ...one, part_wei: part.toString() });
    left -= part;
  }
  return { parts, held_wei: held.toString() };
}

/**
 * Send what was shown, address after address. What has arrived before one fails stands in the activity.
 * @param {(Found & {part_wei: string})[]} parts @param {string} to
 * @returns {Promise<{transaction: string}>} the last one
 */
export async function pay(parts, to) {
  let transaction = "";
  for (const one of parts) {
    const until_ms = Date.now() + OPEN_S * KEPT_MS;
    await set({ entrusted: [...state.entrusted.filter(({ payee, until_ms: until }) => payee !== one.payee && until > Date.now()), { payee: one.payee, until_ms }] });
    try {
      transaction = await relay(one, { to, amount_wei: one.part_wei, order_s: ORDER_S });
    } catch (error) {
      if (REFUSED.test(Problem.of(error).code)) await closed(one.payee);
      throw error;
    }
    await closed(one.payee);
    const time_s = Math.floor(Date.now() / 1000);
    /** @type {import("./state.js").Sent} */
    const sent = { transaction, chain_id: one.chain_id, account: state.account ?? "", to, amount_wei: one.part_wei, most_wei: "0", time_s, state: "confirmed", fee_wei: "0",
      reason: null, by: null, payee: one.payee, offers: [{ transaction, raw: "", how: "first", call: null }] };
    await set({ sent: [sent, ...state.sent] });
    now.changed();
  }
  return { transaction };
}

/** @param {string} payee */
const closed = (payee) => set({ entrusted: state.entrusted.filter((one) => one.payee !== payee) });
