/**
 * Sending: quoted and simulated, signed as it was shown, followed until the chain has it.
 *
 * Signed bytes stay valid for as long as no block has a transaction of that account with that number. So only such a
 * block ends a transfer; what a node
 * says against it, forgets or does not know is kept as its word at that moment, and the chain is asked again.
 */

import { Problem } from "../../shared/problem.js";
import { moment, since } from "../clock.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { nameOf } from "./accounts.js";
import { networkOf } from "./networks.js";
import { choose, pay, shows } from "./spending.js";
import { now, set, state } from "./state.js";

/** @typedef {import("./state.js").Sent} Sent */
/** @typedef {import("./state.js").Offer} Offer */

const QUOTE_MS = 120_000;
const LOOK_MS = 20_000;
const KEPT = 200;
/**
 * Percent of the old fee that is offered: nodes take another transaction with the same number for at least a tenth
 * more.
 */
const RAISED = 125n;

/** The one transfer that is on a screen. @type {{id: string, at: import("../clock.js").Moment, fields: any} | null} */
let shown = null;
/** @type {{account: string | null, chain_id: number, at: number, transfers: any[]}} */
let seen = { account: null, chain_id: 0, at: -Infinity, transfers: [] };

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = { "wallet.quote": quote, "wallet.replace": replace, "wallet.send": send };

/**
 * Check recipient and amount, run the transfer on the chain without sending it, and say what it would cost.
 * @param {{to: string, amount: string, from?: string}} message as typed; `from` "private": private addresses, not the
 *   account
 */
async function quote({ to, amount, from: source = "account" }) {
  shown = null;
  if (now.locked) throw new Problem("wallet.locked");
  const from = state.accounts.find(({ address }) => address === state.account);
  if (!from) throw new Problem("wallet.missing");
  const recipient = await python("recipient", { text: to });
  const { amount_wei } = await python("amount", { text: amount });
  const { chain_id, token } = await networkOf();
  // The token's own contract has no way to give them back.
  if (recipient.account === token) throw new Problem("wallet.recipient", { reason: "the token itself" });
  const about = {
    to: recipient.account,
    checksum: recipient.checksum,
    name: nameOf(recipient.account),
    // Money sent to an address for the first time is looked at more closely.
    first: !state.sent.some((one) => one.to === recipient.account),
    own: state.accounts.some(({ address }) => address === recipient.account),
    amount_wei,
    chain_id,
  };
  if (source === "private") {
    const { parts, held_wei } = await choose(chain_id, amount_wei, recipient.account);
    if (parts.some(({ payee }) => payee === recipient.account))
      throw new Problem("wallet.recipient", { reason: "one of the addresses itself" });
    const id = crypto.randomUUID();
    shown = { id, at: moment(), fields: { parts, to: recipient.account } };
    return {
      ...about,
      quote: id,
      from: null,
      left_wei: (BigInt(held_wei) - BigInt(amount_wei)).toString(),
      fee_wei: "0",
      most_wei: "0",
      addresses: parts.length,
      shows: shows(
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
  shown = { id, at: moment(), fields: { call, account: from.address, to: recipient.account, amount_wei, most_wei } };
  return {
    ...about,
    quote: id,
    from: from.address,
    left_wei: (BigInt(balance_wei) - BigInt(amount_wei)).toString(),
    fee_wei,
    most_wei,
    addresses: 0,
    shows: shows(chain_id, recipient.account, [from.address], about.own),
  };
}

/**
 * The same number again for a higher fee: the same call ("faster"), or nothing to the own account ("cancel"). Nothing
 * is signed yet.
 * @param {{transaction: string, how: string}} message the newest transaction of a transfer that is under way
 */
async function replace({ transaction, how }) {
  shown = null;
  if (now.locked) throw new Problem("wallet.locked");
  if (how !== "faster" && how !== "cancel") throw new Problem("message.schema", { field: "how" });
  const sent = state.sent.find((one) => one.state === "pending" && one.transaction === transaction);
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
  shown = { id, at: moment(), fields: { call, replaces: transaction, how: cancels ? "cancel" : "faster", most_wei } };
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

/** @param {string} old @param {string} market @returns {string} wei per gas */
function raised(old, market) {
  const more = (BigInt(old) * RAISED) / 100n + 1n;
  return (more > BigInt(market) ? more : BigInt(market)).toString();
}

/** Sign and send what was shown, and nothing else; once. @param {{quote: string}} message */
async function send({ quote: id }) {
  const found = shown;
  shown = null;
  if (!found || found.id !== id || since(found.at) > QUOTE_MS) throw new Problem("wallet.quote");
  const { call, replaces, how, parts, ...fields } = found.fields;
  if (parts) return pay(parts, fields.to);
  return replaces ? offerAgain(call, replaces, how, fields.most_wei) : dispatch(call, fields);
}

/**
 * The number of an account's next transaction: behind those of this wallet that no block has yet, which a node may have
 * lost.
 * @param {string} account @param {number} chain_id @param {number} told by the node
 */
export function nextNonce(account, chain_id, told) {
  return Math.max(told, ...waiting(account, chain_id).map(({ nonce }) => (nonce ?? -1) + 1));
}

/** @param {string} account @param {number} chain_id */
const waiting = (account, chain_id) =>
  state.sent.filter((one) => one.state === "pending" && one.account === account && one.chain_id === chain_id);

/**
 * Sign a call and hand it to the network; it stands in the activity from then on, whatever the node says.
 * @param {any} call of transaction.sign
 * @param {{account: string, to: string, amount_wei: string, most_wei: string, site?: string, value_wei?: string}}
 *   fields
 * @returns {Promise<{transaction: string}>}
 */
export async function dispatch(call, fields) {
  // Signed meanwhile under the same number: this one would take its place.
  if (waiting(fields.account, call.chain_id).some(({ nonce }) => nonce === call.nonce))
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
  const under_way = state.sent.filter((one) => one.state === "pending");
  // Kept before it is sent: whatever happens then, the wallet knows that it may be under way.
  await set({ sent: [sent, ...state.sent.filter((one, at) => at < KEPT - 1 || under_way.includes(one))] });
  return handOver(sent);
}

/**
 * Sign another transaction with the number of one that is under way.
 * @param {any} call of transaction.sign @param {string} replaces @param {"faster" | "cancel"} how @param {string}
 *   most_wei
 */
async function offerAgain(call, replaces, how, most_wei) {
  const { raw, transaction } = await python("transaction.sign", call);
  const sent = state.sent.find((one) => one.state === "pending" && one.transaction === replaces);
  if (!sent) throw new Problem("transfer.settled");
  const next = {
    ...sent,
    transaction,
    most_wei,
    reason: null,
    offers: [...offersOf(sent), { transaction, raw, how, call }],
  };
  await set({ sent: state.sent.map((one) => (one === sent ? next : one)) });
  return handOver(next);
}

/** @param {Sent} sent */
async function handOver(sent) {
  await hand(sent).catch(() => undefined);
  lookAgain();
  now.changed();
  return { transaction: sent.transaction };
}

/** Hand the newest offer to the network. What a node has against it ends nothing, and is shown. @param {Sent} sent */
async function hand(sent) {
  const { raw } = /** @type {Offer} */ (offersOf(sent).at(-1));
  let reason = null;
  try {
    await native("send", { chain_id: sent.chain_id, raw });
  } catch (error) {
    const { code, detail } = Problem.of(error);
    if (code !== "chain.reverted") throw error;
    reason = String(detail["reason"] ?? "");
  }
  if (reason !== sent.reason) await settle(sent, { reason });
}

/** Everything that was signed for a transfer, oldest first. @param {Sent} sent @returns {Offer[]} */
const offersOf = (sent) =>
  sent.offers ?? [{ transaction: sent.transaction, raw: sent.raw ?? "0x", how: "first", call: null }];

/** Something moved: the chain is asked at the next look. */
export function lookAgain() {
  seen.at = -Infinity;
}

/** @param {Sent} sent @param {Partial<Sent>} change */
async function settle(sent, change) {
  await set({
    sent: state.sent.map((one) =>
      one.transaction === sent.transaction && one.account === sent.account ? { ...one, ...change } : one,
    ),
  });
}

/** Ask the chain about what is under way; what it does not answer now is asked again at the next look. */
async function follow() {
  for (const sent of state.sent.filter((one) => one.state === "pending")) await look(sent).catch(() => undefined);
}

/** @param {Sent} sent */
async function look(sent) {
  const offers = offersOf(sent);
  const where = sent.nonce === undefined ? {} : { account: sent.account, nonce: sent.nonce };
  let seen = false;
  let by = null;
  for (const { transaction, how } of [...offers].reverse()) {
    const told = await native("transaction", { chain_id: sent.chain_id, transaction, ...where });
    if (told.state === "confirmed" || told.state === "failed") {
      const ended = how === "cancel" ? "cancelled" : told.state;
      await settle(sent, {
        transaction,
        state: ended,
        fee_wei: told.fee_wei,
        time_s: told.time_s,
        reason: null,
        offers: offers.map((one) => ({ ...one, raw: "", call: null })),
      });
      return lookAgain();
    }
    seen ||= told.state === "pending";
    if (told.state === "replaced") by = told.by;
  }
  // One of its own offers is in that block: its receipt says the rest at the next look.
  if (by !== null && !offers.some(({ transaction }) => transaction === by)) {
    await settle(sent, { state: "replaced", by, reason: null });
    return lookAgain();
  }
  if (!seen && by === null) await hand(sent);
  else if (seen && sent.reason !== null) await settle(sent, { reason: null });
}

/**
 * Transfers as lines of activity: those of this wallet from the moment they are signed, all others as the chain has
 * them.
 * @param {Set<string | null>} claims transactions that stand in the list as rewards
 */
export async function moved(claims) {
  await follow();
  const { chain_id } = await networkOf();
  const { account } = state;
  const stale = performance.now() - seen.at > LOOK_MS || seen.account !== account || seen.chain_id !== chain_id;
  if (stale && account) {
    const told = await native("transfers", { chain_id, account }).catch(() => null);
    if (told) seen = { account, chain_id, at: performance.now(), transfers: told.transfers };
  }
  const mine = state.sent.filter((sent) => sent.account === account && sent.chain_id === chain_id);
  const known = new Set(mine.flatMap((sent) => offersOf(sent).map(({ transaction }) => transaction)));
  const chain = seen.account === account && seen.chain_id === chain_id ? seen.transfers : [];
  return [
    ...mine.map((sent) => line({ ...sent, from: sent.account, block: null })),
    ...chain
      .filter(({ transaction, reward }) => !reward && !known.has(transaction) && !claims.has(transaction))
      .map((one) => line({ ...one, state: "confirmed" })),
  ];
}

/**
 * State and code in the activity by the end of a transfer.
 * @type {Readonly<Record<string, [string, string | null]>>}
 */
const ENDS = {
  confirmed: ["claimed", null],
  failed: ["refused", "chain.reverted"],
  replaced: ["refused", "transfer.replaced"],
  cancelled: ["refused", "transfer.cancelled"],
};

/** @param {any} transfer */
function line({
  time_s,
  transaction,
  from,
  to,
  amount_wei,
  block,
  state: standing,
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
  const [shownAs, code] = ENDS[standing] ?? ["pending", null];
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
    // Speeding up stays possible, cancelling while it was not asked before.
    how: standing === "pending" ? (last?.how ?? null) : null,
    replaceable: standing === "pending" && Boolean(last?.call),
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
