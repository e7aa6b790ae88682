/**
 * Listening money: put in, looked at, taken back. It lies in the settlement contract, under the key that the wallet
 * shows to one station.
 */

import { Problem } from "../../shared/problem.js";
import { moment, since } from "../clock.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { confirm } from "./confirm.js";
import { networkOf } from "./networks.js";
import { dropTransferCache } from "./transfers.js";
import { tellPayees } from "./sessions.js";
import { now, state, walletOf } from "./state.js";

/**
 * @typedef {{server: string, payer: string, station: string, domain: string, chain_id: number, settlement: string,
 * token: string, escrow_wei: string, left_wei: string,
 * pending_wei: string, spent_wei: string, requested_wei: string, held_wei: string, ready_s: number, now_s: number,
 * delay_s: number, under_way?: string | null}} Place
 */

const QUOTE_MS = 120_000;
const SHOWN_MS = 20_000;
/** Transactions that a key needs coins for: asking back, withdrawing, sending on. */
const WITHDRAWING = 6n;

/** @type {{id: string, at: import("../clock.js").Moment, place: Place, amount_wei: string, calls: any} | null} */
let shown = null;
/** @type {Map<string, string>} what is under way, by server and payer */
const busy = new Map();

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  "wallet.listening": list,
  "wallet.listening.quote": quote,
  "wallet.listening.put": put,
  "wallet.listening.take": take,
};

/** @param {{server: string, payer: string}} place */
const key = ({ server, payer }) => `${server}/${payer}`;

async function list() {
  const wallet = walletOf();
  if (wallet === null) return { places: [] };
  await tellPayees();
  const { places } = await native("escrow", { wallet });
  return {
    places: places.map((/** @type {Place} */ place) => ({ ...place, under_way: busy.get(key(place)) ?? null })),
  };
}

/** @param {{server: string, payer: string}} wanted @returns {Promise<Place>} */
async function find(wanted) {
  const { places } = await list();
  const match = places.find((/** @type {Place} */ place) => key(place) === key(wanted));
  if (!match) throw new Problem("message.schema", { field: "payer" });
  if (now.locked) throw new Problem("wallet.locked");
  return match;
}

/** @param {Place} place @param {string} to @param {string} amount_wei */
const callsOf = ({ settlement, server, payer }, to, amount_wei) =>
  python("escrow.calls", { settlement, server, payer, to, amount_wei });

function account() {
  const match = state.accounts.find(({ address }) => address === state.account);
  if (!match) throw new Problem("wallet.missing");
  return match;
}

/**
 * What putting an amount in would do and cost; nothing is signed.
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
  // The leave and the deposit after it, which can be simulated only once the leave is there.
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
 * Put in what was shown, once: leave for exactly that amount, then the deposit, each simulated.
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
 * Ask everything back; or, once the delay is over, withdraw it to the account. What an earlier withdrawal left with the
 * payer's key, because something
 * came between its two steps, is sent home too.
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
  const wanted = isRequested ? place.requested_wei : place.left_wei;
  const amount = BigInt(wanted) < BigInt(place.escrow_wei) ? wanted : place.escrow_wei;
  const calls = await callsOf(place, address, amount);
  const { chain_id, settlement, payer } = place;
  if (hasHeld) return (begin(place, "home", () => sendHome(message, address)), {});
  begin(place, isRequested ? "withdraw" : "request", async () => {
    const cost = await native("simulate", {
      chain_id,
      account: payer,
      to: settlement,
      data: isRequested ? calls.withdraw : calls.request,
    });
    const needed = BigInt(cost.most_wei) * WITHDRAWING;
    // The key has no coin of its own: the account gives it what the fees may be.
    if (BigInt(cost.coin_wei) < BigInt(cost.most_wei) * 2n)
      await confirm(chain_id, { index }, address, payer, "0x", { value_wei: needed.toString() });
    await confirm(
      chain_id,
      { station: place.station },
      payer,
      settlement,
      isRequested ? calls.withdraw : calls.request,
    );
    if (isRequested) await sendHome(message, address);
  });
  return {};
}

/**
 * Everything that the payer's key holds goes to the account: posts may have left less than was asked back.
 * @param {{server: string, payer: string}} message @param {string} address
 */
async function sendHome(message, address) {
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

/** @param {Place} place @param {string} what @param {() => Promise<void>} work */
function begin(place, what, work) {
  if (busy.has(key(place))) throw new Problem("claim.busy");
  busy.set(key(place), what);
  now.changed();
  void work()
    .catch((error) => {
      busy.set(key(place), `failed: ${Problem.of(error).code}`);
    })
    .then(() => {
      if (!busy.get(key(place))?.startsWith("failed")) busy.delete(key(place));
      else setTimeout(() => busy.delete(key(place)), SHOWN_MS);
      dropTransferCache();
      now.changed();
    });
}
