/**
 * Brings the tokens at this wallet's payees to the account in use.
 *
 * The payee signs a permit (EIP-2612) for all its tokens to the account, which fetches them and pays the fee. Where the
 * account has no coins, the permit is for the relayer of a server that has paid that payee, and the payee signs an
 * order with the recipient. A relayer could keep the tokens, so those of one payee are entrusted at a time, and none
 * after some did not arrive.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { confirm } from "./confirm.js";
import { MAX_TRANSACTIONS, affordable, dropHolding, expireHoldings, updateHoldings, worthwhile } from "./holdings.js";
import { state } from "./state.js";

/** @import { SweepCalls, SweepFields, SweepOrder } from "../core_operations.d.ts" */
/** @typedef {import("./holdings.js").Holding} Holding */

const DEADLINE_S = 1800;
/** Failures of one payee that do not stop the others. */
const SINGLE_FAILURE = /^(claim\.|wallet\.|chain\.reverted$)/;

/**
 * Brings the tokens at payees to the account in use.
 * @param {bigint} shown highest fee that was shown to the person: the account pays no more
 * @returns {Promise<{transactions: string[], amount: bigint, failure: unknown}>} `failure`: the first error
 */
export async function sweep(shown) {
  try {
    await updateHoldings({ whole: true });
  } catch (error) {
    // A host of an older version has no such operation.
    if (Problem.of(error).code !== "host.message.unknown") throw error;
    return { transactions: [], amount: 0n, failure: null };
  }
  const account = state.accounts.find(({ address }) => address === state.account);
  if (!account) throw new Problem("wallet.missing");
  const holdings = worthwhile();
  const payable = new Set(affordable(holdings));
  /** @type {string[]} */
  const transactions = [];
  const fees = { left: shown };
  /** Servers that have a permit and have not sent its tokens. @type {Set<string>} */
  const defaulted = new Set();
  let amount = 0n;
  let failure = null;
  for (const holding of holdings) {
    if (transactions.length === MAX_TRANSACTIONS) break;
    // A fifth of `each_wei` is reserve for a rising base fee.
    const paid = payable.has(holding) && (BigInt(holding.each_wei) * 4n) / 5n <= fees.left;
    try {
      transactions.push(
        await (paid ? sendByAccount(holding, account.index, fees) : sendByRelayer(holding, account.index, defaulted)),
      );
      amount += BigInt(holding.amount_wei);
      dropHolding(holding);
    } catch (error) {
      failure ??= error;
      if (!SINGLE_FAILURE.test(Problem.of(error).code)) break;
    }
  }
  expireHoldings();
  return { transactions, amount, failure };
}

/** Fields that the payee signs. @param {Holding} holding @param {number} index @returns {SweepFields} */
const permitOf = ({ chain_id, token, payee, amount_wei, nonce, now_s, station, number }, index) => ({
  index,
  chain_id,
  token,
  station,
  number,
  payee,
  amount_wei,
  nonce,
  deadline: now_s + DEADLINE_S,
});

/** Signs permit and order for a relayer. @param {SweepFields} fields */
const signOrder = async (fields) => /** @type {SweepOrder} */ (await python("sweep.sign", fields));

/**
 * The account fetches the tokens, for what is left of the fees that were shown.
 * @param {Holding} holding @param {number} index @param {{left: bigint}} fees
 */
async function sendByAccount(holding, index, fees) {
  const { chain_id, token, allowed_wei, amount_wei } = holding;
  const { to, permit, move } = /** @type {SweepCalls} */ (await python("sweep.sign", permitOf(holding, index)));
  // The token has the permit already where an earlier attempt ended between the two.
  if (BigInt(allowed_wei) < BigInt(amount_wei))
    fees.left -= (await confirm(chain_id, { index }, to, token, permit, { most: fees.left })).most;
  const { transaction, most } = await confirm(chain_id, { index }, to, token, move, { most: fees.left });
  fees.left -= most;
  return transaction;
}

/**
 * The relayer of a server that has paid this payee sends the tokens. A server that refuses does so before it gets the
 * permit.
 * @param {Holding} holding @param {number} index @param {Set<string>} defaulted
 */
async function sendByRelayer(holding, index, defaulted) {
  const { server, relayer, now_s } = await native("relayer", {
    chain_id: holding.chain_id,
    payee: holding.payee,
    amount_wei: holding.amount_wei,
  });
  if (defaulted.has(server)) throw new Problem("claim.busy");
  const { permit, sweep: order } = await signOrder({
    ...permitOf({ ...holding, now_s }, index),
    relayer,
    settlement: holding.settlement,
  });
  defaulted.add(server);
  const { transaction } = await native("sweep", { server, sweep: order, permit });
  defaulted.delete(server);
  return transaction;
}

/**
 * The relayer sends a part of the tokens at a payee to the recipient of the payee's order.
 * @param {Holding} holding
 * @param {{to: string, amount_wei: string, order_s: number}} order `order_s`: its validity
 * @returns {Promise<string>} the confirmed transaction
 */
export async function relay(holding, { to, amount_wei, order_s }) {
  const { server, relayer, now_s } = await native("relayer", {
    chain_id: holding.chain_id,
    payee: holding.payee,
    amount_wei,
  });
  const { permit, sweep: order } = await signOrder({
    ...permitOf({ ...holding, now_s, amount_wei }, 0),
    index: undefined,
    to,
    deadline: now_s + order_s,
    relayer,
    settlement: holding.settlement,
  });
  const { transaction } = await native("sweep", { server, sweep: order, permit });
  expireHoldings();
  return transaction;
}
