/**
 * Sending: quoted and simulated, signed as it was shown, followed until the chain has it.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../python.js";
import { nameOf } from "./accounts.js";
import { networkOf } from "./networks.js";
import { now, set, state } from "./state.js";

/** @typedef {import("./state.js").Sent} Sent */

const QUOTE_MS = 120_000;
const LOOK_MS = 20_000;
const KEPT = 200;

/** The one transfer that is on a screen. @type {{id: string, at: number, fields: any} | null} */
let shown = null;
/** @type {{account: string | null, chain_id: number, at: number, transfers: any[]}} */
let seen = { account: null, chain_id: 0, at: -Infinity, transfers: [] };

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = { "wallet.quote": quote, "wallet.send": send };

/**
 * Check recipient and amount, run the transfer on the chain without sending it, and say what it would cost.
 * @param {{to: string, amount: string}} message as typed
 */
async function quote({ to, amount }) {
  shown = null;
  if (now.locked) throw new Problem("wallet.locked");
  const from = state.accounts.find(({ address }) => address === state.account);
  if (!from) throw new Problem("wallet.missing");
  const recipient = await python("recipient", { text: to });
  const { amount_wei } = await python("amount", { text: amount });
  const { chain_id, token } = await networkOf();
  // The token's own contract has no way to give them back.
  if (recipient.account === token) throw new Problem("wallet.recipient", { reason: "the token itself" });
  const { balance_wei } = await native("summary", { account: from.address, payees: [], chain_id });
  if (balance_wei === null) throw new Problem("chain.unreachable");
  if (BigInt(amount_wei) > BigInt(balance_wei)) throw new Problem("wallet.funds", { balance_wei });
  const { data } = await python("transfer", { to: recipient.account, amount_wei });
  const cost = await native("simulate", { chain_id, account: from.address, to: token, data });
  if (BigInt(cost.coin_wei) < BigInt(cost.most_wei)) throw new Problem("wallet.fee", { most_wei: cost.most_wei, coin_wei: cost.coin_wei });
  const { nonce, gas, tip_wei, max_fee_wei, fee_wei, most_wei } = cost;
  const id = crypto.randomUUID();
  const call = { index: from.index, chain_id, nonce, gas, tip_wei, max_fee_wei, to: token, data };
  shown = { id, at: performance.now(), fields: { call, account: from.address, to: recipient.account, amount_wei, most_wei } };
  return {
    quote: id,
    from: from.address,
    to: recipient.account,
    checksum: recipient.checksum,
    name: nameOf(recipient.account),
    // Money sent to an address for the first time is looked at more closely.
    first: !state.sent.some((one) => one.to === recipient.account),
    own: state.accounts.some(({ address }) => address === recipient.account),
    amount_wei,
    left_wei: (BigInt(balance_wei) - BigInt(amount_wei)).toString(),
    fee_wei,
    most_wei,
    chain_id,
  };
}

/** Sign and send what was shown, and nothing else; once. @param {{quote: string}} message */
async function send({ quote: id }) {
  const found = shown;
  shown = null;
  if (!found || found.id !== id || performance.now() - found.at > QUOTE_MS) throw new Problem("wallet.quote");
  const { call, ...fields } = found.fields;
  return dispatch(call, fields);
}

/**
 * Sign a call and hand it to the network; it stands in the activity from then on.
 * @param {any} call of transaction.sign
 * @param {{account: string, to: string, amount_wei: string, most_wei: string, site?: string, value_wei?: string}} fields
 * @returns {Promise<{transaction: string}>}
 */
export async function dispatch(call, fields) {
  const { raw, transaction } = await python("transaction.sign", call);
  /** @type {Sent} */
  const sent = { ...fields, transaction, raw, chain_id: call.chain_id, time_s: Math.floor(Date.now() / 1000), state: "pending", fee_wei: null, reason: null };
  // Kept before it is sent: whatever happens then, the wallet knows that it may be under way.
  await set({ sent: [sent, ...state.sent].slice(0, KEPT) });
  try {
    await native("send", { chain_id: call.chain_id, raw });
  } catch (error) {
    const problem = Problem.of(error);
    // Nobody knows whether it arrived: it stays pending, and is offered again.
    if (problem.code !== "chain.reverted") return { transaction };
    await settle(sent, { state: "failed", reason: String(problem.detail["reason"] ?? "") });
    throw problem;
  } finally {
    lookAgain();
    now.changed();
  }
  return { transaction };
}

/** Something moved: the chain is asked at the next look. */
export function lookAgain() {
  seen.at = -Infinity;
}

/** @param {Sent} sent @param {Partial<Sent>} change */
async function settle(sent, change) {
  await set({ sent: state.sent.map((one) => (one.transaction === sent.transaction ? { ...one, ...change } : one)) });
}

/** Ask the chain about what is under way. */
async function follow() {
  for (const sent of state.sent.filter((one) => one.state === "pending")) {
    try {
      const told = await native("transaction", { chain_id: sent.chain_id, transaction: sent.transaction });
      if (told.state === "unknown") await native("send", { chain_id: sent.chain_id, raw: sent.raw });
      else if (told.state !== "pending") {
        await settle(sent, { state: told.state, fee_wei: told.fee_wei, time_s: told.time_s, reason: told.state === "failed" ? "" : null });
        lookAgain();
      }
    } catch (error) {
      const { code, detail } = Problem.of(error);
      // The node refuses it for good: its number was used by another transaction, or the coins for the fee are gone.
      if (code === "chain.reverted") await settle(sent, { state: "failed", reason: String(detail["reason"] ?? "") });
    }
  }
}

/**
 * Transfers as lines of activity: those of this wallet from the moment they are signed, all others as the chain has them.
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
  const known = new Set(mine.map(({ transaction }) => transaction));
  const chain = seen.account === account && seen.chain_id === chain_id ? seen.transfers : [];
  return [
    ...mine.map((sent) => line({ ...sent, from: sent.account, block: null })),
    ...chain.filter(({ transaction }) => !known.has(transaction) && !claims.has(transaction)).map((one) => line({ ...one, state: "confirmed" })),
  ];
}

/** @param {any} transfer */
function line({ time_s, transaction, from, to, amount_wei, block, state: standing, fee_wei = null, most_wei = null, reason = null, site = null, value_wei = null }) {
  const out = from === state.account;
  const other = out ? to : from;
  return {
    time_s, transaction, amount_wei, block, fee_wei, most_wei, reason, other, site, value_wei,
    kind: out ? "sent" : "received",
    name: nameOf(other),
    state: standing === "confirmed" ? "claimed" : standing === "failed" ? "refused" : "pending",
    code: standing === "failed" ? "chain.reverted" : null,
    content: other, title: "", artist: "", station: null, domain: null, server: null, epoch: null, payee: null, plays: null, seconds: null, due_s: null,
  };
}
