/**
 * What was earned, where every part of it came from, and collecting it.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import * as claims from "./claiming.js";
import { networkOf } from "./networks.js";
import { dropTransferCache, transferLines } from "./transfers.js";
import { progress, search } from "./search.js";
import { tellPayees } from "./sessions.js";
import { spendable as inPrivate } from "./spending.js";
import { now, state, walletOf } from "./state.js";
import { lying, sweep } from "./sweep.js";

/** So many claims fit in one transaction. */
const AT_ONCE = 32;
/** Receipts in one page of a list. */
const PAGE = 100;
/** Of the host: the most that it gives at a time. */
const MOST = 256;

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  "wallet.summary": summary,
  "wallet.activity": more,
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
  await tellPayees();
  search();
  const read = () => native("summary", { account: state.account, wallet: walletOf(), since_s: midnight, chain_id });
  const ledger = await read();
  const left = await lying();
  const before = leaving(chain_id).length;
  const transfers = await transferLines(new Set(ledger.receipts.map((/** @type {any} */ r) => r.transaction)));
  // A transfer has ended since the balance was read: it is in neither of the two now.
  if (leaving(chain_id).length !== before) ledger.balance_wei = (await read()).balance_wei;
  await claims.drop(ledger.receipts);
  claims.plan().catch(() => undefined);
  const account_wei = ledger.balance_wei === null ? null : spendable(ledger.balance_wei, chain_id);
  // What lies at payees is the fan's money as much as what is in the account; the ledger knows of it before each was
  // looked at.
  const unseen = left.found.reduce(
    (sum, { owed_wei }) => sum - BigInt(owed_wei ?? 0),
    BigInt(ledger.totals.at_payee_wei ?? 0),
  );
  const hidden = inPrivate(chain_id, left.found).reduce(
    (sum, { amount_wei }) => sum + BigInt(amount_wei),
    unseen > 0n ? unseen : 0n,
  );
  return {
    address: state.account,
    chain_id,
    // Null where the chain does not answer: an amount that is not known is not zero.
    spendable_wei: account_wei === null ? null : (BigInt(account_wei) + hidden).toString(),
    account_wei,
    private_wei: hidden.toString(),
    today_wei: ledger.today_wei,
    pending_wei: ledger.totals.pending_wei,
    claimable_wei: ledger.totals.claimable_wei ?? "0",
    claiming: claims.standing(),
    sweep_most_wei: left.most.toString(),
    due_s: ledger.due_s ?? null,
    search: progress(),
    playing: now.playing(),
    activity: [...activity(ledger), ...left.found.flatMap(beside), ...transfers].sort((a, b) => b.time_s - a.time_s),
  };
}

/**
 * A page of all rewards behind those of the page before, newest epoch first.
 * @param {{after?: {epoch: number, server: string, payee: string, chain_id?: number} | null}} message
 */
async function more({ after = null }) {
  const { receipts, next } = await native("earnings", { wallet: walletOf(), after, limit: PAGE });
  return { activity: activity({ receipts, activity: [] }), next };
}

/** Transfers under way from the account in use. @param {number} chain_id */
const leaving = (chain_id) =>
  state.sent.filter(
    (sent) =>
      sent.state === "pending" &&
      sent.account === state.account &&
      sent.chain_id === chain_id &&
      sent.to !== state.account,
  );

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
  return native("origin", { server, epoch, payee, wallet: walletOf() });
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
    station: r.station_name || r.station,
    domain: r.station,
    amount_wei: r.amount_wei,
    // Paid to a payee is paid to the fan.
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
  const blank = {
    domain: null,
    server: null,
    epoch: null,
    payee: null,
    plays: null,
    seconds: null,
    due_s: null,
    transaction: null,
  };
  const refused = heard
    .filter(({ state: s }) => s === "refused")
    .map((item) => ({ ...blank, ...item, state: "refused" }));
  return [...paid, ...refused].sort((a, b) => b.time_s - a.time_s);
}

/**
 * Tokens at a payee beside the rewards that were paid there: a line like that of a transfer, which it becomes when it
 * is collected.
 * @param {import("./sweep.js").Found} found
 */
function beside({ payee, amount_wei, owed_wei, number, name }) {
  const rest = BigInt(amount_wei) - BigInt(owed_wei);
  // What is left where a part was sent away has its line already.
  if (rest <= 0n || state.sent.some((sent) => sent.payee === payee)) return [];
  const blank = {
    domain: null,
    server: null,
    epoch: null,
    payee: null,
    plays: null,
    seconds: null,
    due_s: null,
    transaction: null,
    block: null,
    fee_wei: null,
    most_wei: null,
  };
  const about = { time_s: number * 3600, title: "", artist: "", content: payee, station: name || null };
  return [
    {
      ...blank,
      ...about,
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

/**
 * Collect at once, to the account in use, everything that is final and all that lies at payees: it ties them together
 * for everybody.
 * @param {{most_wei?: string}} message the most that the person was shown the fees of fetching what lies at payees to
 *   be
 */
async function claim({ most_wei = "0" }) {
  if (now.locked) throw new Problem("wallet.locked");
  await claims.forget();
  await tellPayees();
  // Where everything stands now; what can be collected comes page by page.
  await native("summary", { account: state.account, wallet: walletOf() });
  const transactions = [];
  let amount = 0n;
  /** @type {unknown} */
  let failure = null;
  try {
    for await (const batch of batches()) {
      const done = await native("claim", { claims: batch });
      transactions.push(done.transaction);
      amount += BigInt(done.amount_wei);
    }
  } catch (error) {
    failure = error;
  }
  // Tokens at payees do not wait for a server that is away.
  const swept = await sweep(BigInt(most_wei)).catch((error) => ({ transactions: [], amount: 0n, failure: error }));
  transactions.push(...swept.transactions);
  amount += swept.amount;
  dropTransferCache();
  now.changed();
  failure ??= swept.failure;
  if (failure) throw failure;
  return { transactions, amount_wei: amount.toString() };
}

/** Signed claims of everything that is final, those of one server for each transaction. */
async function* batches() {
  /** @type {any} */
  let after = null;
  do {
    const { receipts, next } = await native("earnings", { wallet: walletOf(), state: "claimable", after, limit: MOST });
    /** @type {Map<string, any[]>} */
    const byServer = new Map();
    for (const receipt of receipts) byServer.set(receipt.server, [...(byServer.get(receipt.server) ?? []), receipt]);
    for (const all of byServer.values()) {
      for (let at = 0; at < all.length; at += AT_ONCE) yield await Promise.all(all.slice(at, at + AT_ONCE).map(signed));
    }
    after = next;
  } while (after);
}

/** @param {any} receipt of the host's */
async function signed({ chain_id, settlement, server, epoch, station_address: station, number, payee }) {
  return (
    await python("claim.sign", { chain_id, settlement, server, epoch, station, number, payee, to: state.account })
  ).claim;
}
