/**
 * Rewards on the wallet's screens: the summary, pages of the activity, and the breakdown of an amount.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { giftLine, rewardLines } from "./activity.js";
import * as claims from "./claiming.js";
import { collectAll } from "./collect_all.js";
import { payeeHoldings } from "./holdings.js";
import { networkOf } from "./networks.js";
import { transferLines } from "./transfers.js";
import { progress, search } from "./search.js";
import { reportPayees } from "./sessions.js";
import { spendable as spendableInPrivate } from "./spending.js";
import { now, requireWallet, state, walletOf } from "./state.js";

/** @import { Handlers, WalletOperations } from "../../shared/wallet_messages.d.ts" */

/** Receipts in one page of a list. */
const PAGE = 100;

/** Operations of the wallet's screens. @satisfies {Partial<Handlers<WalletOperations>>} */
export const OPS = {
  "wallet.summary": summary,
  "wallet.activity": nextPage,
  async "wallet.playing"() {
    return now.playing();
  },
  "wallet.origin": origin,
  "wallet.claim": collectAll,
};

/** Balances, rewards and the newest activity. @returns {Promise<WalletOperations["wallet.summary"]["result"]>} */
async function summary() {
  if (state.vault === null) throw new Problem("wallet.missing");
  const { chain_id } = await networkOf();
  const midnight = Math.floor(new Date().setHours(0, 0, 0, 0) / 1000);
  await reportPayees();
  search();
  const read = () => native("summary", { account: state.account, wallet: walletOf(), since_s: midnight, chain_id });
  const ledger = await read();
  const atPayees = await payeeHoldings();
  const before = leaving(chain_id).length;
  const transfers = await transferLines(new Set(ledger.receipts.map(({ transaction }) => transaction)));
  // A transfer has ended since the balance was read: the balance does not include it yet.
  if (leaving(chain_id).length !== before) ledger.balance_wei = (await read()).balance_wei;
  await claims.dropPaid(ledger.receipts);
  claims.plan().catch(() => undefined);
  const account_wei = ledger.balance_wei === null ? null : spendable(ledger.balance_wei, chain_id);
  // Tokens at payees belong to the fan; those whose balance was not read yet are counted by the ledger.
  const unread = atPayees.holdings.reduce(
    (sum, { owed_wei }) => sum - BigInt(owed_wei ?? 0),
    BigInt(ledger.totals.at_payee_wei ?? 0),
  );
  const private_wei = spendableInPrivate(chain_id, atPayees.holdings).reduce(
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
    claiming: claims.status(),
    sweep_most_wei: atPayees.most.toString(),
    due_s: ledger.due_s ?? null,
    search: progress(),
    playing: now.playing(),
    activity: [...rewardLines(ledger), ...atPayees.holdings.flatMap(giftLine), ...transfers].sort(
      (a, b) => b.time_s - a.time_s,
    ),
  };
}

/**
 * The next page of rewards, newest epoch first.
 * @param {WalletOperations["wallet.activity"]["request"]} message
 */
async function nextPage({ after }) {
  const { receipts, next } = await native("earnings", { wallet: requireWallet(), after: after ?? null, limit: PAGE });
  return { activity: rewardLines({ receipts, activity: [] }), next };
}

/** Pending transfers from the account in use to others. @param {number} chain_id */
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
 * @param {WalletOperations["wallet.origin"]["request"]} message
 */
async function origin({ server, epoch, payee }) {
  return native("origin", { server, epoch, payee, wallet: walletOf() });
}
