/**
 * Sends a call of this wallet as a transaction and waits for its confirmation.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { nextNonce } from "./transfers.js";

const POLL_TRANSACTION_MS = 400;
/** Longest time without a block that includes it, or without a block on top of that one. */
const CONFIRM_TIMEOUT_MS = 90_000;

/**
 * Simulates, signs and sends a transaction, and waits until it is confirmed.
 * @param {number} chain_id
 * @param {{index?: number, station?: string}} key that signs: an account's, or the payer's of a station
 * @param {string} from
 * @param {string} to
 * @param {string} data
 * @param {{value_wei?: string, most?: bigint}} [limits] coin to send with it; the highest fee, in wei of the coin
 * @returns {Promise<{transaction: string, most: bigint}>} `most`: its highest possible fee
 * @throws {Problem} wallet.fee, chain.reverted, transfer.replaced, transfer.unknown
 */
export async function confirm(chain_id, key, from, to, data, { value_wei = "0", most } = {}) {
  const {
    nonce: nodeNonce,
    gas,
    tip_wei,
    max_fee_wei,
  } = await native("simulate", { chain_id, account: from, to, data, value_wei });
  const fee = BigInt(gas) * BigInt(max_fee_wei);
  if (most !== undefined && fee > most)
    throw new Problem("wallet.fee", { most_wei: fee.toString(), shown_wei: most.toString() });
  const nonce = nextNonce(from, chain_id, nodeNonce);
  const { raw, transaction } = await python("transaction.sign", {
    ...key,
    chain_id,
    nonce,
    gas,
    tip_wei,
    max_fee_wei,
    to,
    data,
    value_wei,
  });
  let until = performance.now() + CONFIRM_TIMEOUT_MS;
  /** @type {{state: string, deep?: number}} */
  let status = { state: "unknown" };
  for (;;) {
    // The signed bytes stay valid after a node's error: they are sent again while no node has them.
    if (status.state === "unknown") await native("send", { chain_id, raw }).catch(() => undefined);
    const previous = status;
    status = await native("transaction", { chain_id, transaction, account: from, nonce }).catch(() => ({
      state: "silent",
    }));
    // Each block on top of it extends the timeout.
    if (status.deep && status.deep !== previous.deep) until = performance.now() + CONFIRM_TIMEOUT_MS;
    if (status.state === "confirmed") return { transaction, most: fee };
    if (status.state === "failed") throw new Problem("chain.reverted", { transaction });
    if (status.state === "replaced") throw new Problem("transfer.replaced", { transaction });
    if (performance.now() > until) throw new Problem("transfer.unknown", { transaction });
    await new Promise((resolve) => setTimeout(resolve, POLL_TRANSACTION_MS));
  }
}
