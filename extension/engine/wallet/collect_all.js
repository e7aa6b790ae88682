/**
 * Collects all rewards at once to the account in use, which links the payees publicly.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { dropPlanned } from "./claiming.js";
import { reportPayees } from "./sessions.js";
import { now, requireWallet, state, walletOf } from "./state.js";
import { sweep } from "./sweep.js";
import { dropTransferCache } from "./transfers.js";

/** @import { EarningsResult, ReceiptEntry, ReceiptKey, Signed } from "../../shared/protocol.d.ts" */

/** @typedef {import("../../shared/wallet_messages.d.ts").WalletOperations["wallet.claim"]} ClaimOperation */

/** Claims in one transaction. */
const CLAIMS_PER_TRANSACTION = 32;
/** Receipts in one response of the host. */
const PAGE = 256;

/**
 * Collects all final rewards and all tokens at payees.
 * @param {ClaimOperation["request"]} message
 * @returns {Promise<ClaimOperation["result"]>}
 * @throws {Problem} wallet.locked, and the first error after all that could be collected
 */
export async function collectAll({ most_wei = "0" }) {
  if (now.locked) throw new Problem("wallet.locked");
  await dropPlanned();
  await reportPayees();
  // Updates the host's ledger; claimable receipts come page by page.
  await native("summary", { account: state.account, wallet: walletOf() });
  /** @type {(string | null)[]} */
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

/** Signed claims of all claimable receipts, in batches for one server. @returns {AsyncGenerator<Signed<"Claim">[]>} */
async function* batches() {
  /** @type {ReceiptKey | null} */
  let after = null;
  do {
    /** @type {EarningsResult} */
    const { receipts, next } = await native("earnings", {
      wallet: requireWallet(),
      state: "claimable",
      after,
      limit: PAGE,
    });
    /** @type {Map<string, ReceiptEntry[]>} */
    const byServer = new Map();
    for (const receipt of receipts) byServer.set(receipt.server, [...(byServer.get(receipt.server) ?? []), receipt]);
    for (const all of byServer.values()) {
      for (let at = 0; at < all.length; at += CLAIMS_PER_TRANSACTION)
        yield await Promise.all(all.slice(at, at + CLAIMS_PER_TRANSACTION).map(signed));
    }
    after = next;
  } while (after);
}

/** Signs a claim of a receipt to the account in use. @param {ReceiptEntry} receipt */
async function signed({ chain_id, settlement, server, epoch, station_address: station, number, payee }) {
  return (
    await python("claim.sign", { chain_id, settlement, server, epoch, station, number, payee, to: state.account })
  ).claim;
}
