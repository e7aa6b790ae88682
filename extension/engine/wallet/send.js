/**
 * Sending tokens: a quote is simulated and shown, then signed exactly as it was shown.
 */

import { Problem } from "../../shared/problem.js";
import { moment, since } from "../clock.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { nameOf } from "./accounts.js";
import { networkOf } from "./networks.js";
import { choose, linkageOf, pay } from "./spending.js";
import { now, state } from "./state.js";
import { dispatch, nextNonce, replaceCall } from "./transfers.js";

const QUOTE_MS = 120_000;
/** Percent of the old fee that a replacement offers: nodes accept at least a tenth more. */
const REPLACEMENT_PERCENT = 125n;

/** @import { Handlers, WalletOperations } from "../../shared/wallet_messages.d.ts" */
/** @import { ReplacementKind } from "../../shared/wallet_transfers.d.ts" */
/** @import { UnsignedTransaction } from "../core_operations.d.ts" */
/**
 * A transfer from private addresses.
 * @typedef {{kind: "private", parts: (Holding & {part_wei: string})[], to: string}} PrivateTransfer
 */
/**
 * A transfer from the account.
 * @typedef {{kind: "account", call: UnsignedTransaction, account: string, to: string, amount_wei: string, most_wei:
 *   string}} AccountTransfer
 */
/**
 * A replacement of a pending transfer.
 * @typedef {{kind: "replacement", call: UnsignedTransaction, replaces: string, how: ReplacementKind, most_wei:
 *   string}} Replacement
 */
/** @typedef {import("./holdings.js").Holding} Holding */

/**
 * The quote that is on a screen.
 * @type {{id: string, at: import("../clock.js").Moment, fields: PrivateTransfer | AccountTransfer | Replacement} |
 *   null}
 */
let shown = null;

/** Operations of the wallet's screens. @satisfies {Partial<Handlers<WalletOperations>>} */
export const OPS = { "wallet.quote": quote, "wallet.replace": replace, "wallet.send": send };

/**
 * Checks recipient and amount, simulates the transfer and returns what it would cost.
 * @param {WalletOperations["wallet.quote"]["request"]} message
 * @returns {Promise<WalletOperations["wallet.quote"]["result"]>}
 */
async function quote({ to, amount, from: source = "account" }) {
  shown = null;
  if (now.locked) throw new Problem("wallet.locked");
  const from = state.accounts.find(({ address }) => address === state.account);
  if (!from) throw new Problem("wallet.missing");
  const recipient = await python("recipient", { text: to });
  const { amount_wei } = await python("amount", { text: amount });
  const { chain_id, token } = await networkOf();
  // The token's contract cannot give them back.
  if (recipient.account === token) throw new Problem("wallet.recipient", { reason: "the token itself" });
  const about = {
    to: recipient.account,
    checksum: recipient.checksum,
    name: nameOf(recipient.account),
    // The screen warns of a first transfer to an address.
    first: !state.sent.some((transfer) => transfer.to === recipient.account),
    own: state.accounts.some(({ address }) => address === recipient.account),
    amount_wei,
    chain_id,
  };
  if (source === "private") {
    const { parts, held_wei } = await choose(chain_id, amount_wei, recipient.account);
    if (parts.some(({ payee }) => payee === recipient.account))
      throw new Problem("wallet.recipient", { reason: "one of the addresses itself" });
    const id = crypto.randomUUID();
    shown = { id, at: moment(), fields: { kind: "private", parts, to: recipient.account } };
    return {
      ...about,
      quote: id,
      from: null,
      left_wei: (BigInt(held_wei) - BigInt(amount_wei)).toString(),
      fee_wei: "0",
      most_wei: "0",
      addresses: parts.length,
      shows: linkageOf(
        chain_id,
        recipient.account,
        parts.map(({ payee }) => payee),
        about.own,
      ),
    };
  }
  const { balance_wei } = await native("summary", { account: from.address, chain_id });
  if (balance_wei === null) throw new Problem("chain.unreachable");
  if (BigInt(amount_wei) > BigInt(balance_wei)) throw new Problem("wallet.funds", { balance_wei });
  const { data } = await python("transfer", { to: recipient.account, amount_wei });
  const cost = await native("simulate", { chain_id, account: from.address, to: token, data });
  if (BigInt(cost.coin_wei) < BigInt(cost.most_wei))
    throw new Problem("wallet.fee", { most_wei: cost.most_wei, coin_wei: cost.coin_wei });
  const { gas, tip_wei, max_fee_wei, fee_wei, most_wei } = cost;
  const id = crypto.randomUUID();
  const call = {
    index: from.index,
    chain_id,
    nonce: nextNonce(from.address, chain_id, cost.nonce),
    gas,
    tip_wei,
    max_fee_wei,
    to: token,
    data,
  };
  const account = from.address;
  shown = {
    id,
    at: moment(),
    fields: { kind: "account", call, account, to: recipient.account, amount_wei, most_wei },
  };
  return {
    ...about,
    quote: id,
    from: from.address,
    left_wei: (BigInt(balance_wei) - BigInt(amount_wei)).toString(),
    fee_wei,
    most_wei,
    addresses: 0,
    shows: linkageOf(chain_id, recipient.account, [from.address], about.own),
  };
}

/**
 * Quotes a replacement with the same nonce and a higher fee: the same call ("faster"), or an empty call to the own
 * account ("cancel"). Nothing is signed yet.
 * @param {WalletOperations["wallet.replace"]["request"]} message
 * @returns {Promise<WalletOperations["wallet.replace"]["result"]>}
 */
async function replace({ transaction, how }) {
  shown = null;
  if (now.locked) throw new Problem("wallet.locked");
  if (how !== "faster" && how !== "cancel") throw new Problem("message.schema", { field: "how" });
  const sent = state.sent.find((transfer) => transfer.state === "pending" && transfer.transaction === transaction);
  const last = sent?.offers?.at(-1);
  if (!sent || !last?.call) throw new Problem("transfer.settled");
  const { chain_id, account } = sent;
  const cost = await native("simulate", { chain_id, account, to: account, data: "0x" });
  const fees = {
    tip_wei: raised(last.call.tip_wei, cost.tip_wei),
    max_fee_wei: raised(last.call.max_fee_wei, cost.max_fee_wei),
  };
  const cancels = how === "cancel" || last.how === "cancel";
  const call =
    how === "cancel"
      ? { ...last.call, ...fees, to: account, data: "0x", value_wei: "0", gas: cost.gas }
      : { ...last.call, ...fees };
  const most_wei = (BigInt(call.gas) * BigInt(fees.max_fee_wei)).toString();
  if (BigInt(cost.coin_wei) < BigInt(most_wei) + BigInt(call.value_wei ?? "0"))
    throw new Problem("wallet.fee", { most_wei, coin_wei: cost.coin_wei });
  const id = crypto.randomUUID();
  shown = {
    id,
    at: moment(),
    fields: { kind: "replacement", call, replaces: transaction, how: cancels ? "cancel" : "faster", most_wei },
  };
  return {
    quote: id,
    how,
    cancels,
    to: sent.to,
    name: nameOf(sent.to),
    amount_wei: sent.amount_wei,
    before_wei: sent.most_wei,
    most_wei,
    chain_id,
  };
}

/** Fee of a replacement. @param {string} old @param {string} market @returns {string} wei per gas */
function raised(old, market) {
  const least = (BigInt(old) * REPLACEMENT_PERCENT) / 100n + 1n;
  return (least > BigInt(market) ? least : BigInt(market)).toString();
}

/** Signs and sends the quote that was shown, once. @param {{quote: string}} message */
async function send({ quote: id }) {
  const quoted = shown;
  shown = null;
  if (!quoted || quoted.id !== id || since(quoted.at) > QUOTE_MS) throw new Problem("wallet.quote");
  const { fields } = quoted;
  if (fields.kind === "private") return pay(fields.parts, fields.to);
  if (fields.kind === "replacement") return replaceCall(fields.call, fields.replaces, fields.how, fields.most_wei);
  const { call, account, to, amount_wei, most_wei } = fields;
  return dispatch(call, { account, to, amount_wei, most_wei });
}
