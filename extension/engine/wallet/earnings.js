/**
 * What was earned, where every part of it came from, and collecting it.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../python.js";
import { networkOf } from "./networks.js";
import { lookAgain, moved } from "./send.js";
import { payees, sessionOf } from "./sessions.js";
import { now, state } from "./state.js";

/** So many claims fit in one transaction. */
const AT_ONCE = 32;

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  "wallet.summary": summary,
  async "wallet.playing"() {
    return now.playing();
  },
  "wallet.origin": origin,
  "wallet.claim": claim,
};

async function summary() {
  if (state.vault === null) throw new Problem("wallet.missing");
  const { chain_id } = await networkOf();
  const midnight = Math.floor(new Date().setHours(0, 0, 0, 0) / 1000);
  const read = () => native("summary", { account: state.account, payees: payees(), since_s: midnight, chain_id });
  const told = await read();
  const due = told.receipts.filter((/** @type {any} */ r) => r.state === "pending" && r.due_s).map((/** @type {any} */ r) => r.due_s);
  const before = leaving(chain_id).length;
  const transfers = await moved(new Set(told.receipts.map((/** @type {any} */ r) => r.transaction)));
  // A transfer has ended since the balance was read: it is in neither of the two now.
  if (leaving(chain_id).length !== before) told.balance_wei = (await read()).balance_wei;
  return {
    address: state.account,
    chain_id,
    // Null where the chain does not answer: an amount that is not known is not zero.
    spendable_wei: told.balance_wei === null ? null : spendable(told.balance_wei, chain_id),
    today_wei: told.today_wei,
    pending_wei: told.totals.pending_wei,
    claimable_wei: told.totals.claimable_wei,
    due_s: due.length ? Math.max(...due) : null,
    playing: now.playing(),
    activity: [...activity(told), ...transfers].sort((a, b) => b.time_s - a.time_s),
  };
}

/** Transfers under way from the account in use. @param {number} chain_id */
const leaving = (chain_id) => state.sent.filter((sent) => sent.state === "pending" && sent.account === state.account && sent.chain_id === chain_id && sent.to !== state.account);

/** Balance less the amounts of pending transfers, in wei. @param {string} balance_wei @param {number} chain_id */
function spendable(balance_wei, chain_id) {
  const left = leaving(chain_id).reduce((sum, { amount_wei }) => sum - BigInt(amount_wei), BigInt(balance_wei));
  return (left > 0n ? left : 0n).toString();
}

/**
 * Everything that proves one amount: the signed receipt, every play in it, the transaction.
 * @param {{server: string, epoch: number, payee: string}} message
 */
async function origin({ server, epoch, payee }) {
  const told = await native("origin", { server, epoch, payee });
  const session = sessionOf(payee);
  return { ...told, session: session?.id ?? null, station_address: session?.station ?? null };
}

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
  const batches = [...byServer.values()].flatMap((all) => Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_, i) => all.slice(i * AT_ONCE, (i + 1) * AT_ONCE)));
  for (const claims of batches) {
    const done = await native("claim", { claims });
    transactions.push(done.transaction);
    amount += BigInt(done.amount_wei);
  }
  lookAgain();
  now.changed();
  return { transactions, amount_wei: amount.toString() };
}
