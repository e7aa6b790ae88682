/**
 * Private collection: every reward is paid to the payee that earned it, a one-time address of this wallet, by a claim
 * of its own.
 *
 * A claim is signed as soon as there is a receipt and the wallet is open, also for following epochs in which the payee
 * may earn while the wallet is locked. Each claim gets a random time after the end of its epoch and is sent to the
 * relayer during the epoch, so that the time of payment does not depend on when the wallet is open or the computer
 * runs. The relayer sends it among those of others. A stored claim reveals no more than a session, and pays nobody but
 * its payee.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { knownNetworks } from "./networks.js";
import { load, now, requireWallet, set, state, walletOf } from "./state.js";

/** @import { ReceiptEntry, ReceiptKey, Signed } from "../../shared/protocol.d.ts" */
/**
 * A signed claim of a receipt. `due_ms`: when its epoch is final; `after_ms`: when it is to be paid; `at_ms`: when it
 * is sent to the relayer or queried next; `code`: a permanent refusal.
 * @typedef {{wallet: string | null, chain_id?: number, server: string, epoch: number, payee: string,
 *   amount_wei: string, claim: Signed<"Claim">, due_ms: number, spread_ms: number, after_ms: number, at_ms: number,
 *   code: string | null}} Planned
 */
/**
 * A claim that is signed for an epoch without a receipt so far. `until_ms`: when it is dropped.
 * @typedef {{wallet: string | null, chain_id?: number, server: string, epoch: number, payee: string, claim:
 *   Signed<"Claim">, until_ms: number}} Ahead
 */

/** Number of epochs over which payments are spread. */
const SPREAD_EPOCHS = 6;
/** Number of epochs that are signed ahead, the life of a session: a locked wallet keeps its payee. */
const AHEAD_EPOCHS = 168;
/** Time within which the claim of a new receipt is sent to the relayer. */
const HAND_OVER_MS = 60_000;
/** Most planned claims. */
export const MAX_PLANNED = 1000;
/** Claims that are signed in one run: each takes some milliseconds of the core. */
const SIGN_BATCH = 32;
/** Receipts in one response of the host. */
const PAGE = 256;
/**
 * Delay above which the time of a claim was missed while the engine did not run: it gets a new one, so that not all are
 * sent at the start of the browser.
 */
const MISSED_MS = 120_000;
const MIN_TIMER_MS = 1_000;
const MAX_TIMER_MS = 60_000;
/** Permanent refusals. */
const PERMANENT = new Set(["claim.signature", "claim.small"]);
/** Number of spreads after which a failing claim is dropped. */
const GIVE_UP_SPREADS = 60;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let busy = false;
let planning = false;

/** Key of a claim. @param {{chain_id?: number, server: string, epoch: number, payee: string}} claim */
const key = ({ chain_id, server, epoch, payee }) => `${chain_id}/${server}/${epoch}/${payee}`;
/** A random duration, uniform in [0, `max_ms`). @param {number} max_ms */
const draw = (max_ms) => Math.floor((Number(crypto.getRandomValues(new Uint32Array(1))[0]) / 2 ** 32) * max_ms);
const ownClaims = () => state.claiming.filter(({ wallet }) => wallet === walletOf());

/** Unpaid receipts: one page of pending ones, and all claimable ones. */
async function* unpaid() {
  const { receipts } = await native("earnings", { wallet: requireWallet(), state: "open", after: null, limit: PAGE });
  for (const receipt of receipts) if (receipt.state === "pending") yield receipt;
  /** @type {ReceiptKey | null} */
  let after = null;
  do {
    /** @type {import("../../shared/protocol.d.ts").EarningsResult} */
    const page = await native("earnings", { wallet: requireWallet(), state: "claimable", after, limit: PAGE });
    yield* page.receipts;
    after = page.next;
  } while (after);
}

/**
 * Signs a claim for each unpaid receipt and draws its time of payment. One run at a time; a locked wallet uses the
 * claims that it signed ahead.
 */
export async function plan() {
  if (planning || walletOf() === null || (now.locked && !state.ahead.length)) return;
  planning = true;
  try {
    await sign();
  } finally {
    planning = false;
  }
  resume();
}

/** Signs the claims of new receipts, and of the epochs ahead. */
async function sign() {
  const lengths = new Map((await knownNetworks()).map(({ chain_id, epoch_s }) => [chain_id, epoch_s]));
  const waiting = new Set(state.claiming.map(key));
  const wallet = walletOf();
  /** @type {Planned[]} */
  const made = [];
  const ahead = new Map(
    state.ahead
      .filter(({ until_ms, payee }) => until_ms > Date.now() && isEarning(payee))
      .map((claim) => [key(claim), claim]),
  );
  let left = SIGN_BATCH;
  for await (const receipt of unpaid()) {
    if (state.claiming.length + made.length >= MAX_PLANNED || made.length >= SIGN_BATCH) break;
    const { chain_id, server, epoch, payee, amount_wei, due_s } = receipt;
    const length_s = lengths.get(chain_id) ?? 3600;
    if (!waiting.has(key(receipt))) {
      const claim = ahead.get(key(receipt))?.claim ?? (now.locked ? null : await signed(receipt, epoch));
      if (claim === null) continue;
      const spread_ms = SPREAD_EPOCHS * length_s * 1000;
      const at = Date.now();
      // A claim of an epoch that was final long ago, after a restore or a long lock, is spread from now on.
      const due_ms = Math.max((due_s ?? 0) * 1000, at);
      const after_ms = due_ms + draw(spread_ms);
      // Claims sent together would show the relayer that they are of one listener; those of new receipts are sent soon.
      made.push({
        wallet,
        chain_id,
        server,
        epoch,
        payee,
        amount_wei,
        claim,
        due_ms,
        spread_ms,
        after_ms,
        at_ms: due_ms > at ? at + draw(HAND_OVER_MS) : after_ms,
        code: null,
      });
    }
    ahead.delete(key(receipt));
    for (
      let next = epoch + 1;
      receipt.state === "pending" && !now.locked && isEarning(payee) && next <= epoch + AHEAD_EPOCHS;
      next += 1
    ) {
      const claim = { wallet, chain_id, server, epoch: next, payee };
      if (ahead.has(key(claim)) || waiting.has(key(claim))) continue;
      // The others are signed in later runs.
      if (left === 0) break;
      left -= 1;
      ahead.set(key(claim), {
        ...claim,
        claim: await signed(receipt, next),
        until_ms: Date.now() + (next - epoch + 2) * length_s * 1000,
      });
    }
  }
  if (wallet !== walletOf()) return;
  if (made.length) await set({ claiming: [...state.claiming, ...made] });
  if (ahead.size !== state.ahead.length || made.length) await set({ ahead: [...ahead.values()] });
}

/** True if a payee may earn further: only the newest session at a station is used. @param {string} payee */
function isEarning(payee) {
  const session = state.sessions.find((claim) => claim.payee === payee);
  return (
    session !== undefined &&
    session.expires_s * 1000 > Date.now() &&
    session === state.sessions.find(({ station, device }) => station === session.station && device === session.device)
  );
}

/** Signs a receipt's claim for an epoch, to its payee. @param {ReceiptEntry} receipt @param {number} epoch */
async function signed({ chain_id, settlement, server, station_address: station, number, payee }, epoch) {
  return (await python("claim.sign", { chain_id, settlement, server, epoch, station, number, payee, to: payee })).claim;
}

/**
 * Status for the screens: the number of final claims, when the last of them is sent, and a permanent refusal.
 * @returns {import("../../shared/wallet_earnings.d.ts").ClaimStatus}
 */
export function status() {
  const at = Date.now();
  const final = ownClaims().filter(({ code, due_ms }) => code === null && due_ms <= at);
  return {
    count: final.length,
    until_s: final.length
      ? Math.ceil(Math.max(...final.map(({ after_ms, at_ms }) => Math.max(after_ms, at_ms))) / 1000)
      : null,
    code: ownClaims().find(({ code }) => code !== null)?.code ?? null,
  };
}

/** Drops the planned claims of this wallet, which are collected at once. */
export const dropPlanned = () => set({ claiming: state.claiming.filter(({ wallet }) => wallet !== walletOf()) });

/** Drops the claims of receipts that are paid. @param {ReceiptEntry[]} receipts */
export async function dropPaid(receipts) {
  const paid = new Set(receipts.filter((receipt) => receipt.state === "claimed" || receipt.at_payee).map(key));
  if (state.claiming.some((claim) => paid.has(key(claim))))
    await set({ claiming: state.claiming.filter((claim) => !paid.has(key(claim))) });
}

/** Sets the timer for the next planned claim. */
export function resume() {
  clearTimeout(timer);
  const next = state.claiming
    .filter(({ code }) => code === null)
    .reduce((least, { at_ms }) => Math.min(least, at_ms), Infinity);
  if (next !== Infinity)
    timer = setTimeout(() => void step(), Math.min(Math.max(next - Date.now(), MIN_TIMER_MS), MAX_TIMER_MS));
}

/** Sends the first claim that is due. */
export async function step() {
  if (busy) return;
  busy = true;
  try {
    await load();
    const at = Date.now();
    // Missed while the engine did not run, or drawn under a wrong clock.
    if (state.claiming.some((claim) => isMistimed(claim, at)))
      await set({ claiming: state.claiming.map((claim) => (isMistimed(claim, at) ? redrawn(claim, at) : claim)) });
    const due = state.claiming
      .filter(({ code, at_ms }) => code === null && at_ms <= at)
      .sort((a, b) => a.at_ms - b.at_ms)[0];
    if (due) await send(due);
  } finally {
    busy = false;
    resume();
  }
}

/** True if the time of a claim is missed or too far ahead. @param {Planned} claim @param {number} at */
const isMistimed = ({ code, at_ms, spread_ms }, at) =>
  code === null && (at_ms < at - MISSED_MS || at_ms > at + 3 * spread_ms);

/**
 * Draws a new time. A time of payment in the future is kept: only the time of sending changes.
 * @param {Planned} claim
 * @param {number} at
 */
function redrawn(claim, at) {
  const isInTime = claim.after_ms > at && claim.after_ms <= at + 3 * claim.spread_ms;
  const at_ms = at + draw(isInTime ? HAND_OVER_MS : claim.spread_ms / SPREAD_EPOCHS);
  return {
    ...claim,
    due_ms: Math.min(claim.due_ms, isInTime ? claim.due_ms : at),
    at_ms,
    after_ms: isInTime ? claim.after_ms : at_ms,
  };
}

/** Sends a claim to the relayer, or queries it. @param {Planned} claim */
async function send(claim) {
  const later = draw(claim.spread_ms / SPREAD_EPOCHS);
  /** @type {Partial<Planned> | null} */
  let change = { at_ms: Date.now() + later };
  try {
    const { transaction, due_s = Infinity } = await native("claim", {
      claims: [claim.claim],
      mixed: true,
      after_s: Math.floor((claim.after_ms ?? claim.at_ms) / 1000),
    });
    change = transaction ? null : { at_ms: Math.min(due_s * 1000, Date.now() + 2 * claim.spread_ms) + later };
  } catch (error) {
    const { code } = Problem.of(error);
    if (code === "claim.done") change = null;
    else if (PERMANENT.has(code) || Date.now() > claim.due_ms + GIVE_UP_SPREADS * claim.spread_ms) change = { code };
  }
  await set({
    claiming: state.claiming.flatMap((other) =>
      key(other) !== key(claim) ? [other] : change === null ? [] : [{ ...other, ...change }],
    ),
  });
  if (change === null) now.changed();
}
