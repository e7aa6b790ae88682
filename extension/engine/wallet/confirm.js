/**
 * A call of this wallet's as a transaction: simulated, signed, sent, and waited for.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { nextNonce } from "./transfers.js";

const POLL_TRANSACTION_MS = 400;
/** Longest silence: without a block that has it, or without a block on top of that one. */
const CONFIRM_TIMEOUT_MS = 90_000;

/**
 * Simulate, sign, send, and wait until the chain has it.
 * @param {number} chain_id @param {{index?: number, station?: string}} who @param {string} from @param {string} to
 *   @param {string} data
 * @param {{value_wei?: string, most?: bigint}} [limits] coin that goes with it; the most that its fee may be, in wei of
 *   the coin
 * @returns {Promise<{transaction: string, most: bigint}>} `most`: what its fee was at most
 */
export async function confirm(chain_id, who, from, to, data, { value_wei = "0", most } = {}) {
  const {
    nonce: told_nonce,
    gas,
    tip_wei,
    max_fee_wei,
  } = await native("simulate", { chain_id, account: from, to, data, value_wei });
  const offered = BigInt(gas) * BigInt(max_fee_wei);
  if (most !== undefined && offered > most)
    throw new Problem("wallet.fee", { most_wei: offered.toString(), shown_wei: most.toString() });
  const nonce = nextNonce(from, chain_id, told_nonce);
  const { raw, transaction } = await python("transaction.sign", {
    ...who,
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
  let told = { state: "unknown" };
  for (;;) {
    // A node's refusal or silence ends nothing: the signed bytes stay valid, and are offered again while no node has
    // them.
    if (told.state === "unknown") await native("send", { chain_id, raw }).catch(() => undefined);
    const before = told;
    told = await native("transaction", { chain_id, transaction, account: from, nonce }).catch(() => ({
      state: "silent",
    }));
    // Every block on top of it is a step: twelve slow ones take longer than any patience.
    if (told.deep && told.deep !== before.deep) until = performance.now() + CONFIRM_TIMEOUT_MS;
    if (told.state === "confirmed") return { transaction, most: offered };
    if (told.state === "failed") throw new Problem("chain.reverted", { transaction });
    if (told.state === "replaced") throw new Problem("transfer.replaced", { transaction });
    if (performance.now() > until) throw new Problem("transfer.unknown", { transaction });
    await new Promise((resolve) => setTimeout(resolve, POLL_TRANSACTION_MS));
  }
}
