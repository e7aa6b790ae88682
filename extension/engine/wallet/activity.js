/**
 * Lines of the activity: rewards, refusals, and tokens at payees that are no rewards.
 */

import { state } from "./state.js";

/** @import { ActivityEntry, ReceiptEntry } from "../../shared/protocol.d.ts" */
/** @import { ActivityItem } from "../../shared/wallet_earnings.d.ts" */

/** Fields of a reward that a line without one leaves empty. */
const NO_REWARD = {
  domain: null,
  server: null,
  epoch: null,
  payee: null,
  plays: null,
  seconds: null,
  due_s: null,
  transaction: null,
};

/**
 * Rewards as lines of activity: amounts from receipts, times and songs from plays; refusals without an amount.
 * @param {{receipts: ReceiptEntry[], activity: ActivityEntry[]}} ledger
 * @returns {ActivityItem[]}
 */
export function rewardLines({ receipts, activity: plays }) {
  const byContent = new Map(plays.map((item) => [item.content, item]));
  const paid = receipts.map((r) => ({
    time_s: byContent.get(r.content)?.time_s ?? r.due_s ?? 0,
    title: r.title,
    artist: byContent.get(r.content)?.artist ?? "",
    content: r.content,
    station: r.station_name || r.station,
    domain: r.station,
    amount_wei: r.amount_wei,
    // The payee is an address of the fan: a reward there is paid.
    state: r.at_payee ? "claimed" : r.state,
    code: null,
    server: r.server,
    epoch: r.epoch,
    payee: r.payee,
    plays: null,
    seconds: null,
    due_s: r.due_s,
    transaction: r.transaction,
    at_payee: Boolean(r.at_payee),
  }));
  const refused = plays
    .filter(({ state: s }) => s === "refused")
    .map((item) => ({ ...NO_REWARD, ...item, state: /** @type {const} */ ("refused") }));
  return [...paid, ...refused].sort((a, b) => b.time_s - a.time_s);
}

/**
 * Tokens at a payee that are no rewards, as the line of a received transfer.
 * @param {import("./holdings.js").Holding} holding
 * @returns {ActivityItem[]} empty for a payee without such tokens
 */
export function giftLine({ payee, amount_wei, owed_wei, number, name }) {
  const rest = BigInt(amount_wei) - BigInt(owed_wei);
  // A payee that has sent a part is in the line of that transfer.
  if (rest <= 0n || state.sent.some((sent) => sent.payee === payee)) return [];
  const about = { time_s: number * 3600, title: "", artist: "", content: payee, station: name || null };
  return [
    {
      ...NO_REWARD,
      ...about,
      block: null,
      fee_wei: null,
      most_wei: null,
      kind: "received",
      other: payee,
      name: name || null,
      reason: null,
      site: null,
      value_wei: null,
      by: null,
      how: null,
      replaceable: false,
      amount_wei: rest.toString(),
      state: "claimed",
      at_payee: true,
      code: null,
    },
  ];
}
