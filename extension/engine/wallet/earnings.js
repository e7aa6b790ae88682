/**
 * What was earned, where every part of it came from, and collecting it.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../python.js";
import { payees, sessionOf } from "./sessions.js";
import { now, state } from "./state.js";

const DAY_S = 86_400;

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  "wallet.summary": summary,
  async "wallet.playing"() {
    return now.playing();
  },
  "wallet.claim": claim,
};

async function summary() {
  if (state.vault === null) throw new Problem("wallet.missing");
  const told = await native("summary", { account: state.account, payees: payees() });
  const today = Math.floor(Date.now() / 1000 / DAY_S) * DAY_S;
  const due = told.receipts.filter((/** @type {any} */ r) => r.state === "pending" && r.due_s).map((/** @type {any} */ r) => r.due_s);
  const of = (/** @type {string} */ which) => sumOf(told.receipts.filter((/** @type {any} */ r) => r.state === which));
  return {
    address: state.account,
    spendable_wei: told.balance_wei ?? "0",
    today_wei: sumOf(told.activity.filter((/** @type {any} */ a) => a.time_s >= today && a.state !== "refused")),
    pending_wei: of("pending"),
    claimable_wei: of("claimable"),
    due_s: due.length ? Math.max(...due) : null,
    playing: now.playing(),
    activity: activity(told),
  };
}

/** @param {{amount_wei: string}[]} items */
const sumOf = (items) => items.reduce((total, { amount_wei }) => total + BigInt(amount_wei), 0n).toString();

/**
 * Receipts are what is paid; plays and refusals say when and what. A play that has no receipt yet is pending.
 * @param {{receipts: any[], activity: any[]}} told
 */
export function activity({ receipts, activity: heard }) {
  const byContent = new Map(heard.map((item) => [item.content, item]));
  const paid = receipts.map((r) => ({
    time_s: byContent.get(r.content)?.time_s ?? r.due_s ?? 0,
    title: r.title,
    artist: byContent.get(r.content)?.artist ?? "",
    content: r.content,
    station: sessionOf(r.payee)?.station_name ?? r.station,
    domain: r.station,
    amount_wei: r.amount_wei,
    state: r.state,
    code: null,
    server: r.server,
    epoch: r.epoch,
    payee: r.payee,
    plays: null,
    seconds: null,
    due_s: r.due_s,
    transaction: r.transaction,
  }));
  const blank = { domain: null, server: null, epoch: null, payee: null, plays: null, seconds: null, due_s: null, transaction: null };
  const refused = heard.filter(({ state: s }) => s === "refused").map((item) => ({ ...blank, ...item, state: "refused" }));
  return [...paid, ...refused].sort((a, b) => b.time_s - a.time_s);
}

/** Collect everything that is final, to the account in use. */
async function claim() {
  if (now.locked) throw new Problem("wallet.locked");
  const { receipts } = await native("summary", { account: state.account, payees: payees() });
  /** @type {Map<string, any[]>} */
  const byServer = new Map();
  for (const receipt of receipts.filter((/** @type {any} */ r) => r.state === "claimable")) {
    const session = sessionOf(receipt.payee);
    if (!session || session.number === null) continue;
    const { claim: signed } = await python("claim.sign", {
      chain_id: session.chain_id,
      settlement: session.settlement,
      server: receipt.server,
      epoch: receipt.epoch,
      station: session.station,
      number: session.number,
      payee: receipt.payee,
      to: state.account,
    });
    byServer.set(receipt.server, [...(byServer.get(receipt.server) ?? []), signed]);
  }
  const transactions = [];
  let amount = 0n;
  for (const claims of byServer.values()) {
    const done = await native("claim", { claims });
    transactions.push(done.transaction);
    amount += BigInt(done.amount_wei);
  }
  now.changed();
  return { transactions, amount_wei: amount.toString() };
}
