/**
 * Listening money: deposits in the escrow of the settlement contract, under the payer's key of a station, and their
 * withdrawal.
 */

import { Problem } from "../../shared/problem.js";
import { moment, since } from "../clock.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { confirm } from "./confirm.js";
import { networkOf } from "./networks.js";
import { dropTransferCache } from "./transfers.js";
import { reportPayees } from "./sessions.js";
import { now, state, walletOf } from "./state.js";

/** @import { Handlers, WalletOperations } from "../../shared/wallet_messages.d.ts" */
/** @import { ListeningEscrow } from "../../shared/wallet_sites.d.ts" */

const QUOTE_MS = 120_000;
/** Time for which a failure is shown. */
const FAILURE_MS = 20_000;
/** Coins of a payer's key, in fees of a transaction: request, withdrawal and transfer, with reserve. */
const WITHDRAWAL_FEES = 6n;

/**
 * The quote that is on a screen.
 * @type {{id: string, at: import("../clock.js").Moment, place: ListeningEscrow, amount_wei: string,
 *   calls: import("../core_operations.d.ts").EscrowCalls} | null}
 */
let shown = null;
/** Running actions by server and payer. @type {Map<string, string>} */
const busy = new Map();

/** Operations of the wallet's screens. @satisfies {Partial<Handlers<WalletOperations>>} */
export const OPS = {
  "wallet.listening": list,
  "wallet.listening.quote": quote,
  "wallet.listening.put": put,
  "wallet.listening.take": take,
};

/** Key of an escrow. @param {{server: string, payer: string}} place */
const key = ({ server, payer }) => `${server}/${payer}`;

/** The escrows of this wallet. */
async function list() {
  const wallet = walletOf();
  if (wallet === null) return { places: [] };
  await reportPayees();
  const { places } = await native("escrow", { wallet });
  return {
    places: places.map((place) => ({ ...place, under_way: busy.get(key(place)) ?? null })),
  };
}

/**
 * An escrow of the open wallet.
 * @param {{server: string, payer: string}} wanted
 * @returns {Promise<ListeningEscrow>}
 * @throws {Problem} message.schema, wallet.locked
 */
async function find(wanted) {
  const { places } = await list();
  const match = places.find((place) => key(place) === key(wanted));
  if (!match) throw new Problem("message.schema", { field: "payer" });
  if (now.locked) throw new Problem("wallet.locked");
  return match;
}

/** Call data for an amount. @param {ListeningEscrow} place @param {string} to @param {string} amount_wei */
const callsOf = ({ settlement, server, payer }, to, amount_wei) =>
  python("escrow.calls", { settlement, server, payer, to, amount_wei });

/** The account in use. @throws {Problem} wallet.missing */
function account() {
  const match = state.accounts.find(({ address }) => address === state.account);
  if (!match) throw new Problem("wallet.missing");
  return match;
}

/**
 * Quotes a deposit; nothing is signed.
 * @param {{server: string, payer: string, amount: string}} message
 */
async function quote({ server, payer, amount }) {
  shown = null;
  const place = await find({ server, payer });
  const from = account();
  const { amount_wei } = await python("amount", { text: amount });
  const { chain_id } = await networkOf();
  if (chain_id !== place.chain_id) throw new Problem("chain.mismatch", { chain_id: place.chain_id });
  const { balance_wei } = await native("summary", { account: from.address, chain_id });
  if (balance_wei === null) throw new Problem("chain.unreachable");
  if (BigInt(amount_wei) > BigInt(balance_wei)) throw new Problem("wallet.funds", { balance_wei });
  const calls = await callsOf(place, from.address, amount_wei);
  const cost = await native("simulate", { chain_id, account: from.address, to: place.token, data: calls.approve });
  // The approval, and the deposit, which can be simulated only after the approval.
  const most = BigInt(cost.most_wei) * 3n;
  if (BigInt(cost.coin_wei) < most)
    throw new Problem("wallet.fee", { most_wei: most.toString(), coin_wei: cost.coin_wei });
  const id = crypto.randomUUID();
  shown = { id, at: moment(), place, amount_wei, calls };
  return {
    quote: id,
    amount_wei,
    domain: place.domain,
    left_wei: (BigInt(balance_wei) - BigInt(amount_wei)).toString(),
    most_wei: most.toString(),
    delay_s: place.delay_s,
  };
}

/**
 * Deposits what was shown, once: an approval of exactly that amount, then the deposit, each simulated.
 * @param {{quote: string}} message
 */
async function put({ quote: id }) {
  const quoted = shown;
  shown = null;
  if (!quoted || quoted.id !== id || since(quoted.at) > QUOTE_MS) throw new Problem("wallet.quote");
  const { place, calls } = quoted;
  const { index, address } = account();
  begin(place, "put", async () => {
    await confirm(place.chain_id, { index }, address, place.token, calls.approve);
    await confirm(place.chain_id, { index }, address, place.settlement, calls.deposit);
  });
  return {};
}

/**
 * Requests the withdrawal of everything; after the delay, withdraws it to the account. Tokens that an interrupted
 * withdrawal has left at the payer's key are sent to the account.
 * @param {{server: string, payer: string}} message
 */
async function take(message) {
  const place = await find(message);
  const { index, address } = account();
  const isRequested = BigInt(place.requested_wei) > 0n;
  const hasHeld = BigInt(place.held_wei) > 0n;
  if (isRequested && !hasHeld && place.now_s < place.ready_s)
    throw new Problem("claim.pending", { ready_s: place.ready_s });
  if (!isRequested && !hasHeld && BigInt(place.left_wei) === 0n) throw new Problem("listener.escrow.short");
  const requested = isRequested ? place.requested_wei : place.left_wei;
  const amount = BigInt(requested) < BigInt(place.escrow_wei) ? requested : place.escrow_wei;
  const calls = await callsOf(place, address, amount);
  const { chain_id, settlement, payer } = place;
  if (hasHeld) return (begin(place, "home", () => sendToAccount(message, address)), {});
  begin(place, isRequested ? "withdraw" : "request", async () => {
    const cost = await native("simulate", {
      chain_id,
      account: payer,
      to: settlement,
      data: isRequested ? calls.withdraw : calls.request,
    });
    const needed = BigInt(cost.most_wei) * WITHDRAWAL_FEES;
    // A payer's key without coins gets the highest fees from the account.
    if (BigInt(cost.coin_wei) < BigInt(cost.most_wei) * 2n)
      await confirm(chain_id, { index }, address, payer, "0x", { value_wei: needed.toString() });
    await confirm(
      chain_id,
      { station: place.station },
      payer,
      settlement,
      isRequested ? calls.withdraw : calls.request,
    );
    if (isRequested) await sendToAccount(message, address);
  });
  return {};
}

/**
 * Sends all tokens of the payer's key to the account: less than requested where statements were posted since.
 * @param {{server: string, payer: string}} message @param {string} address
 */
async function sendToAccount(message, address) {
  const place = await find(message);
  const { chain_id, payer, token } = place;
  const { transfer } = await callsOf(place, address, place.held_wei);
  const cost = await native("simulate", { chain_id, account: payer, to: token, data: transfer });
  if (BigInt(cost.coin_wei) < BigInt(cost.most_wei))
    await confirm(chain_id, { index: account().index }, address, payer, "0x", {
      value_wei: (BigInt(cost.most_wei) * 2n).toString(),
    });
  await confirm(chain_id, { station: place.station }, payer, token, transfer);
}

/**
 * Runs an action in the background, one for each escrow.
 * @param {ListeningEscrow} place
 * @param {string} action
 * @param {() => Promise<void>} work
 */
function begin(place, action, work) {
  if (busy.has(key(place))) throw new Problem("claim.busy");
  busy.set(key(place), action);
  now.changed();
  void work()
    .catch((error) => {
      busy.set(key(place), `failed: ${Problem.of(error).code}`);
    })
    .then(() => {
      if (!busy.get(key(place))?.startsWith("failed")) busy.delete(key(place));
      else setTimeout(() => busy.delete(key(place)), FAILURE_MS);
      dropTransferCache();
      now.changed();
    });
}
