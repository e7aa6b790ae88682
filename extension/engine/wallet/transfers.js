/**
 * Transfers that this wallet has signed, followed until a block has their nonce.
 *
 * Signed bytes stay valid until a block has a transaction of that account with that nonce, so only such a block ends a
 * transfer. A node's refusal, or that it does not have the transaction, is stored as the present status.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { nameOf } from "./accounts.js";
import { networkOf } from "./networks.js";
import { now, set, state } from "./state.js";

/** @import { Transfer } from "../../shared/protocol.d.ts" */
/** @import { UnsignedTransaction } from "../core_operations.d.ts" */
/** @import { ActivityItem } from "../../shared/wallet_earnings.d.ts" */
/** @typedef {import("./state.js").Sent} Sent */
/** @typedef {import("./state.js").Offer} Offer */

const TRANSFERS_MAX_AGE_MS = 20_000;
const MAX_STORED = 200;

/**
 * Transfers that the chain has, of one account on one network.
 * @type {{account: string | null, chain_id: number, at: number, transfers: Transfer[]}}
 */
let cache = { account: null, chain_id: 0, at: -Infinity, transfers: [] };

/**
 * Nonce of an account's next transaction: after those of pending transfers, which the node may not have.
 * @param {string} account @param {number} chain_id @param {number} nodeNonce as the node reports it
 */
export function nextNonce(account, chain_id, nodeNonce) {
  return Math.max(nodeNonce, ...pendingOf(account, chain_id).map(({ nonce }) => (nonce ?? -1) + 1));
}

/** Pending transfers of an account. @param {string} account @param {number} chain_id */
const pendingOf = (account, chain_id) =>
  state.sent.filter((item) => item.state === "pending" && item.account === account && item.chain_id === chain_id);

/**
 * Signs a call and sends it. The transfer is in the activity from then on, whatever the node responds.
 * @param {UnsignedTransaction} call
 * @param {{account: string, to: string, amount_wei: string, most_wei: string, site?: string, value_wei?: string}}
 *   fields
 * @returns {Promise<{transaction: string}>}
 */
export async function dispatch(call, fields) {
  // Another transaction was signed with this nonce in the meantime: this one would replace it.
  if (pendingOf(fields.account, call.chain_id).some(({ nonce }) => nonce === call.nonce))
    throw new Problem("wallet.quote");
  const { raw, transaction } = await python("transaction.sign", call);
  /** @type {Sent} */
  const sent = {
    ...fields,
    transaction,
    chain_id: call.chain_id,
    nonce: call.nonce,
    time_s: Math.floor(Date.now() / 1000),
    state: "pending",
    fee_wei: null,
    reason: null,
    by: null,
    offers: [{ transaction, raw, how: "first", call }],
  };
  const pending = state.sent.filter((item) => item.state === "pending");
  // Stored before it is sent: after any failure it may be pending.
  await set({ sent: [sent, ...state.sent.filter((item, at) => at < MAX_STORED - 1 || pending.includes(item))] });
  return handOver(sent);
}

/**
 * Signs another transaction with the nonce of a pending transfer.
 * @param {UnsignedTransaction} call
 * @param {string} replaces newest transaction of the transfer
 * @param {import("../../shared/wallet_transfers.d.ts").ReplacementKind} how
 * @param {string} most_wei highest fee
 * @throws {Problem} transfer.settled
 */
export async function replaceCall(call, replaces, how, most_wei) {
  const { raw, transaction } = await python("transaction.sign", call);
  const sent = state.sent.find((item) => item.state === "pending" && item.transaction === replaces);
  if (!sent) throw new Problem("transfer.settled");
  const next = {
    ...sent,
    transaction,
    most_wei,
    reason: null,
    offers: [...offersOf(sent), { transaction, raw, how, call }],
  };
  await set({ sent: state.sent.map((item) => (item === sent ? next : item)) });
  return handOver(next);
}

/** Sends a transfer and updates the screens. @param {Sent} sent */
async function handOver(sent) {
  await broadcast(sent).catch(() => undefined);
  dropTransferCache();
  now.changed();
  return { transaction: sent.transaction };
}

/** Sends the newest signed transaction. A node's refusal is stored and shown, and ends nothing. @param {Sent} sent */
async function broadcast(sent) {
  const { raw } = /** @type {Offer} */ (offersOf(sent).at(-1));
  let reason = null;
  try {
    await native("send", { chain_id: sent.chain_id, raw });
  } catch (error) {
    const { code, detail } = Problem.of(error);
    if (code !== "chain.reverted") throw error;
    reason = String(detail["reason"] ?? "");
  }
  if (reason !== sent.reason) await update(sent, { reason });
}

/** All signed transactions of a transfer, oldest first. @param {Sent} sent @returns {Offer[]} */
const offersOf = (sent) =>
  sent.offers ?? [{ transaction: sent.transaction, raw: sent.raw ?? "0x", how: "first", call: null }];

/** Drops the cached list of transfers, after a change on the chain. */
export function dropTransferCache() {
  cache.at = -Infinity;
}

/** Stores a change of a transfer. @param {Sent} sent @param {Partial<Sent>} change */
async function update(sent, change) {
  await set({
    sent: state.sent.map((item) =>
      item.transaction === sent.transaction && item.account === sent.account ? { ...item, ...change } : item,
    ),
  });
}

/** Updates pending transfers from the chain; a failure is retried at the next call. */
async function updatePending() {
  for (const sent of state.sent.filter((item) => item.state === "pending"))
    await updateOne(sent).catch(() => undefined);
}

/** Updates one pending transfer from the chain. @param {Sent} sent */
async function updateOne(sent) {
  const offers = offersOf(sent);
  const where = sent.nonce === undefined ? {} : { account: sent.account, nonce: sent.nonce };
  let isPending = false;
  let by = null;
  for (const { transaction, how } of [...offers].reverse()) {
    const status = await native("transaction", { chain_id: sent.chain_id, transaction, ...where });
    if (status.state === "confirmed" || status.state === "failed") {
      const ended = how === "cancel" ? "cancelled" : status.state;
      await update(sent, {
        transaction,
        state: ended,
        fee_wei: status.fee_wei,
        ...(status.time_s === null ? {} : { time_s: status.time_s }),
        reason: null,
        offers: offers.map((item) => ({ ...item, raw: "", call: null })),
      });
      return dropTransferCache();
    }
    isPending ||= status.state === "pending";
    if (status.state === "replaced") by = status.by;
  }
  // Where a block has one of its own transactions, the next update reads its receipt.
  if (by !== null && !offers.some(({ transaction }) => transaction === by)) {
    await update(sent, { state: "replaced", by, reason: null });
    return dropTransferCache();
  }
  if (!isPending && by === null) await broadcast(sent);
  else if (isPending && sent.reason !== null) await update(sent, { reason: null });
}

/**
 * Transfers as lines of activity: those of this wallet from their signature on, all others from the chain.
 * @param {Set<string | null>} claims transactions that are listed as rewards
 */
export async function transferLines(claims) {
  await updatePending();
  const { chain_id } = await networkOf();
  const { account } = state;
  const stale =
    performance.now() - cache.at > TRANSFERS_MAX_AGE_MS || cache.account !== account || cache.chain_id !== chain_id;
  if (stale && account) {
    const response = await native("transfers", { chain_id, account }).catch(() => null);
    if (response) cache = { account, chain_id, at: performance.now(), transfers: response.transfers };
  }
  const own = state.sent.filter((sent) => sent.account === account && sent.chain_id === chain_id);
  const listed = new Set(own.flatMap((sent) => offersOf(sent).map(({ transaction }) => transaction)));
  const chain = cache.account === account && cache.chain_id === chain_id ? cache.transfers : [];
  return [
    ...own.map((sent) => line({ ...sent, from: sent.account, block: null })),
    ...chain
      .filter(({ transaction, reward }) => !reward && !listed.has(transaction) && !claims.has(transaction))
      .map((transfer) => line({ ...transfer, state: "confirmed" })),
  ];
}

/**
 * State and code in the activity by the end of a transfer.
 * @type {Readonly<Record<string, [ActivityItem["state"], string | null]>>}
 */
const ENDS = {
  confirmed: ["claimed", null],
  failed: ["refused", "chain.reverted"],
  replaced: ["refused", "transfer.replaced"],
  cancelled: ["refused", "transfer.cancelled"],
};

/**
 * A transfer as a line of activity.
 * @param {Pick<Sent, "time_s" | "transaction" | "to" | "amount_wei" | "state" | "site" | "value_wei" | "by" | "offers">
 *   & {from: string, block: number | null, fee_wei?: string | null, most_wei?: string | null, reason?: string | null}}
 *   transfer
 * @returns {ActivityItem}
 */
function line({
  time_s,
  transaction,
  from,
  to,
  amount_wei,
  block,
  state: status,
  fee_wei = null,
  most_wei = null,
  reason = null,
  site = null,
  value_wei = null,
  by = null,
  offers = [],
}) {
  const out = from === state.account;
  const other = out ? to : from;
  const [shownAs, code] = ENDS[status] ?? ["pending", null];
  const last = offers.at(-1);
  return {
    time_s,
    transaction,
    amount_wei,
    block,
    fee_wei,
    most_wei,
    reason,
    other,
    site,
    value_wei,
    by,
    // A pending transfer can be sped up again, and cancelled once.
    how: status === "pending" ? (last?.how ?? null) : null,
    replaceable: status === "pending" && Boolean(last?.call),
    kind: out ? "sent" : "received",
    name: nameOf(other),
    state: shownAs,
    code,
    content: other,
    title: "",
    artist: "",
    station: null,
    domain: null,
    server: null,
    epoch: null,
    payee: null,
    plays: null,
    seconds: null,
    due_s: null,
  };
}
