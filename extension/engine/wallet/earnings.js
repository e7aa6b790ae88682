/**
 * Rewards: the summary, the activity, the breakdown of an amount, and collecting at once.
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
import { now, requireWallet, state, walletOf } from "./state.js";
import { payeeHoldings, sweep } from "./sweep.js";

/** Claims in one transaction. */
const CLAIMS_PER_TRANSACTION = 32;
/** Receipts in one page of a list. */
const PAGE = 100;
/** Largest page of the host. */
const MAX_PAGE = 256;

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

/** What the popup shows at first: balances, rewards and the newest activity. */
async function summary() {
  if (state.vault === null) throw new Problem("wallet.missing");
  const { chain_id } = await networkOf();
  const midnight = Math.floor(new Date().setHours(0, 0, 0, 0) / 1000);
  await tellPayees();
  search();
  const read = () => native("summary", { account: state.account, wallet: walletOf(), since_s: midnight, chain_id });
  const ledger = await read();
  const atPayees = await payeeHoldings();
  const before = leaving(chain_id).length;
  const transfers = await transferLines(new Set(ledger.receipts.map((/** @type {any} */ r) => r.transaction)));
  // A transfer has ended since the balance was read: the balance does not include it yet.
  if (leaving(chain_id).length !== before) ledger.balance_wei = (await read()).balance_wei;
  await claims.drop(ledger.receipts);
  claims.plan().catch(() => undefined);
  const account_wei = ledger.balance_wei === null ? null : spendable(ledger.balance_wei, chain_id);
  // Tokens at payees belong to the fan; the ledger counts those whose balance was not read yet.
  const unread = atPayees.holdings.reduce(
    (sum, { owed_wei }) => sum - BigInt(owed_wei ?? 0),
    BigInt(ledger.totals.at_payee_wei ?? 0),
  );
  const private_wei = inPrivate(chain_id, atPayees.holdings).reduce(
    (sum, { amount_wei }) => sum + BigInt(amount_wei),
    unread > 0n ? unread : 0n,
  );
  return {
    address: state.account,
    chain_id,
    // Null where the chain does not respond: unknown is not zero.
    spendable_wei: account_wei === null ? null : (BigInt(account_wei) + private_wei).toString(),
    account_wei,
    private_wei: private_wei.toString(),
    today_wei: ledger.today_wei,
    pending_wei: ledger.totals.pending_wei,
    claimable_wei: ledger.totals.claimable_wei ?? "0",
    claiming: claims.standing(),
    sweep_most_wei: atPayees.most.toString(),
    due_s: ledger.due_s ?? null,
    search: progress(),
    playing: now.playing(),
    activity: [...activity(ledger), ...atPayees.holdings.flatMap(giftLine), ...transfers].sort(
      (a, b) => b.time_s - a.time_s,
    ),
  };
}

/**
 * The next page of rewards, newest epoch first.
 * @param {{after?: {epoch: number, server: string, payee: string, chain_id?: number} | null}} message
 */
async function more({ after = null }) {
  const { receipts, next } = await native("earnings", { wallet: requireWallet(), after, limit: PAGE });
  return { activity: activity({ receipts, activity: [] }), next };
}

/** Pending transfers from the account in use. @param {number} chain_id */
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
 * The breakdown of one amount: the signed receipt, its plays and the transaction.
 * @param {{server: string, epoch: number, payee: string}} message
 */
async function origin({ server, epoch, payee }) {
  return native("origin", { server, epoch, payee, wallet: walletOf() });
}

/**
 * Rewards as lines of activity: amounts from receipts, times and songs from plays; refusals without an amount.
 * @param {{receipts: any[], activity: any[]}} ledger
 */
export function activity({ receipts, activity: plays }) {
  const byContent = new Map(plays.map((item) => [item.content, item]));
  const paid = receipts.map((r) => ({
    time_s: byContent.get(r.content)?.time_s ?? r.due_s ?? 0,
    title: r.title,
    artist: byContent.get(r.content)?.artist ?? "",
    content: r.content,
    station: r.station_name || r.station,
    domain: r.station,
    amount_wei: r.amount_wei,
    // A reward at a payee is paid: the payee is an address of the fan.
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
  const refused = plays
    .filter(({ state: s }) => s === "refused")
    .map((item) => ({ ...blank, ...item, state: "refused" }));
  return [...paid, ...refused].sort((a, b) => b.time_s - a.time_s);
}

/**
 * Tokens at a payee that are no rewards, as the line of a received transfer.
 * @param {import("./sweep.js").Holding} holding
 */
function giftLine({ payee, amount_wei, owed_wei, number, name }) {
  const rest = BigInt(amount_wei) - BigInt(owed_wei);
  // A payee that has sent a part has the line of that transfer.
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
 * Collects everything final and all tokens at payees at once, to the account in use. This links the payees publicly.
 * @param {{most_wei?: string}} message highest fee of fetching the tokens at payees that was shown to the person
 */
async function claim({ most_wei = "0" }) {
  if (now.locked) throw new Problem("wallet.locked");
  await claims.forget();
  await tellPayees();
  // Updates the host's ledger; claimable receipts come page by page.
  await native("summary", { account: state.account, wallet: walletOf() });
  const transactions = [];
  let amount = 0n;
  /** @type {unknown} */
  let failure = null;
  try {
    for await (const batch of batches()) {
      const done = await native("claim", { claims: batch });
      transactions.push(done.transaction);
      amount += BigInt(done.amount_wei ?? 0);
    }
  } catch (error) {
    failure = error;
  }
  // Tokens at payees are collected also where a server is unreachable.
  const swept = await sweep(BigInt(most_wei)).catch((error) => ({ transactions: [], amount: 0n, failure: error }));
  transactions.push(...swept.transactions);
  amount += swept.amount;
  dropTransferCache();
  now.changed();
  failure ??= swept.failure;
  if (failure) throw failure;
  return { transactions, amount_wei: amount.toString() };
}

/** Batches of signed claims of all claimable receipts, each for one server. */
async function* batches() {
  /** @type {any} */
  let after = null;
  do {
    const { receipts, next } = await native("earnings", {
      wallet: requireWallet(),
      state: "claimable",
      after,
      limit: MAX_PAGE,
    });
    /** @type {Map<string, any[]>} */
    const byServer = new Map();
    for (const receipt of receipts) byServer.set(receipt.server, [...(byServer.get(receipt.server) ?? []), receipt]);
    for (const all of byServer.values()) {
      for (let at = 0; at < all.length; at += CLAIMS_PER_TRANSACTION)
        yield await Promise.all(all.slice(at, at + CLAIMS_PER_TRANSACTION).map(signed));
    }
    after = next;
  } while (after);
}

/** Signs a claim of a receipt to the account in use. @param {any} receipt of the host */
async function signed({ chain_id, settlement, server, epoch, station_address: station, number, payee }) {
  return (
    await python("claim.sign", { chain_id, settlement, server, epoch, station, number, payee, to: state.account })
  ).claim;
}
