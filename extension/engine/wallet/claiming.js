/**
 * Collecting in private: every reward is paid to the payee that earned it, an address of this wallet and of nothing
 * else, by a claim of its own.
 *
 * A claim is signed as soon as there is a receipt and the wallet is open, for the epochs after that too, in which the
 * payee may earn under a locked
 * wallet. It names a moment after its epoch is final that is drawn for it once, and is handed to the relayer while the
 * epoch still runs: no press, no
 * unlocking and no computer that is off is seen in the times at which claims are paid. The relayer sends it among those
 * of others. What is kept here
 * says no more than the sessions do, and whoever gets hold of a claim can only have it paid to its payee.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { knownNetworks } from "./networks.js";
import { load, now, set, state, walletOf } from "./state.js";

/**
 * @typedef {{wallet: string | null, chain_id?: number, server: string, epoch: number, payee: string, amount_wei:
 *   string, claim: any, due_ms: number, spread_ms: number, after_ms: number, at_ms: number, code: string | null}}
 *   Planned
 * `due_ms`: when its epoch is final; `after_ms`: when it is to be paid; `at_ms`: when it is handed over, or asked about
 * again; `code`: what it was
 * refused for, for good.
 * @typedef {{wallet: string | null, chain_id?: number, server: string, epoch: number, payee: string, claim: any,
 *   until_ms: number}} Ahead
 * A claim of an epoch in which nothing was earned yet; `until_ms`: when it is forgotten.
 */

/** Claims are spread over so many epochs. */
const EPOCHS = 6;
/** Signed ahead for so many epochs, the life of a session: a wallet that locks itself keeps the payee that it has. */
const AHEAD = 168;
/** What is earned is handed over within this time. */
const HAND_MS = 60_000;
/** Claims that wait at a time; the next ones are taken as they are sent. */
export const MOST = 1000;
/** Claims that are signed in one go: each takes the core some milliseconds. */
const AT_ONCE = 32;
/** Receipts in one answer of the host. */
const PAGE = 256;
/**
 * So late a claim was missed because nothing ran: it is drawn anew, so that not all of them are sent as the browser
 * starts.
 */
const LATE_MS = 120_000;
const SOONEST_MS = 1_000;
const LATEST_MS = 60_000;
/** Refusals that no later attempt changes. */
const ENDED = new Set(["claim.signature", "claim.small"]);
/** After so many spreads a claim that still fails is given up. */
const GIVE_UP = 60;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let busy = false;
let planning = false;

/** @param {{chain_id?: number, server: string, epoch: number, payee: string}} one */
const key = ({ chain_id, server, epoch, payee }) => `${chain_id}/${server}/${epoch}/${payee}`;
/** Even over [0, `most_ms`). @param {number} most_ms */
const draw = (most_ms) => Math.floor((Number(crypto.getRandomValues(new Uint32Array(1))[0]) / 2 ** 32) * most_ms);
const ownClaims = () => state.claiming.filter(({ wallet }) => wallet === walletOf());

/** Receipts that are not paid yet: of those that are not final the newest, and all others. */
async function* unpaid() {
  const { receipts } = await native("earnings", { wallet: walletOf(), state: "open", after: null, limit: PAGE });
  for (const receipt of receipts) if (receipt.state === "pending") yield receipt;
  /** @type {any} */
  let after = null;
  do {
    const page = await native("earnings", { wallet: walletOf(), state: "claimable", after, limit: PAGE });
    yield* page.receipts;
    after = page.next;
  } while (after);
}

/**
 * Sign a claim for what was earned, each to its own payee, and draw when it is paid. One run at a time; a locked wallet
 * has what it signed ahead.
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

async function sign() {
  const lengths = new Map((await knownNetworks()).map(({ chain_id, epoch_s }) => [chain_id, epoch_s]));
  const waiting = new Set(state.claiming.map(key));
  const wallet = walletOf();
  /** @type {Planned[]} */
  const made = [];
  const ahead = new Map(
    state.ahead.filter(({ until_ms, payee }) => until_ms > Date.now() && serves(payee)).map((one) => [key(one), one]),
  );
  let left = AT_ONCE;
  for await (const receipt of unpaid()) {
    if (state.claiming.length + made.length >= MOST || made.length >= AT_ONCE) break;
    const { chain_id, server, epoch, payee, amount_wei, due_s } = receipt;
    const length_s = lengths.get(chain_id) ?? 3600;
    if (!waiting.has(key(receipt))) {
      const claim = ahead.get(key(receipt))?.claim ?? (now.locked ? null : await signed(receipt, epoch));
      if (claim === null) continue;
      const spread_ms = EPOCHS * length_s * 1000;
      const at = Date.now();
      // One that was final long ago, before a restore or a long lock, is drawn from now on.
      const due_ms = Math.max((due_s ?? 0) * 1000, at);
      const after_ms = due_ms + draw(spread_ms);
      // Many at once would tell the relayer that they belong together; those that are earned now it sees as they are
      // earned.
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
        at_ms: due_ms > at ? at + draw(HAND_MS) : after_ms,
        code: null,
      });
    }
    ahead.delete(key(receipt));
    for (
      let next = epoch + 1;
      receipt.state === "pending" && !now.locked && serves(payee) && next <= epoch + AHEAD;
      next += 1
    ) {
      const one = { wallet, chain_id, server, epoch: next, payee };
      if (ahead.has(key(one)) || waiting.has(key(one))) continue;
      // The rest is signed as more is earned.
      if (left === 0) break;
      left -= 1;
      ahead.set(key(one), {
        ...one,
        claim: await signed(receipt, next),
        until_ms: Date.now() + (next - epoch + 2) * length_s * 1000,
      });
    }
  }
  if (wallet !== walletOf()) return;
  if (made.length) await set({ claiming: [...state.claiming, ...made] });
  if (ahead.size !== state.ahead.length || made.length) await set({ ahead: [...ahead.values()] });
}

/** Whether more is earned at a payee: of the sessions at a station the newest serves. @param {string} payee */
function serves(payee) {
  const session = state.sessions.find((one) => one.payee === payee);
  return (
    session !== undefined &&
    session.expires_s * 1000 > Date.now() &&
    session === state.sessions.find(({ station, device }) => station === session.station && device === session.device)
  );
}

/** A receipt's claim for an epoch, to its payee. @param {any} receipt @param {number} epoch */
async function signed({ chain_id, settlement, server, station_address: station, number, payee }, epoch) {
  return (await python("claim.sign", { chain_id, settlement, server, epoch, station, number, payee, to: payee })).claim;
}

/**
 * What is being collected: until when all that is final now is sent at the latest, and why some of it was refused for
 * good.
 */
export function standing() {
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

/** Forget the plans of this wallet: what was not sent is collected in another way. */
export const forget = () => set({ claiming: state.claiming.filter(({ wallet }) => wallet !== walletOf()) });

/** Forget what the host says is paid. @param {any[]} receipts */
export async function drop(receipts) {
  const paid = new Set(receipts.filter((receipt) => receipt.state === "claimed" || receipt.at_payee).map(key));
  if (state.claiming.some((one) => paid.has(key(one))))
    await set({ claiming: state.claiming.filter((one) => !paid.has(key(one))) });
}

/** Go on with what is planned: at the start, and after each change. */
export function resume() {
  clearTimeout(timer);
  const next = state.claiming
    .filter(({ code }) => code === null)
    .reduce((least, { at_ms }) => Math.min(least, at_ms), Infinity);
  if (next !== Infinity)
    timer = setTimeout(() => void step(), Math.min(Math.max(next - Date.now(), SOONEST_MS), LATEST_MS));
}

/** Send the one that is due first, if any is. */
export async function step() {
  if (busy) return;
  busy = true;
  try {
    await load();
    const at = Date.now();
    // Missed while nothing ran, or drawn by a clock that was wrong.
    if (state.claiming.some((one) => astray(one, at)))
      await set({ claiming: state.claiming.map((one) => (astray(one, at) ? redrawn(one, at) : one)) });
    const due = state.claiming
      .filter(({ code, at_ms }) => code === null && at_ms <= at)
      .sort((a, b) => a.at_ms - b.at_ms)[0];
    if (due) await send(due);
  } finally {
    busy = false;
    resume();
  }
}

/** @param {Planned} one @param {number} at */
const astray = ({ code, at_ms, spread_ms }, at) =>
  code === null && (at_ms < at - LATE_MS || at_ms > at + 3 * spread_ms);

/**
 * What has a moment ahead of it keeps it; the relayer has it a little later.
 * @param {Planned} one
 * @param {number} at
 */
function redrawn(one, at) {
  const isInTime = one.after_ms > at && one.after_ms <= at + 3 * one.spread_ms;
  const at_ms = at + draw(isInTime ? HAND_MS : one.spread_ms / EPOCHS);
  return {
    ...one,
    due_ms: Math.min(one.due_ms, isInTime ? one.due_ms : at),
    at_ms,
    after_ms: isInTime ? one.after_ms : at_ms,
  };
}

/** @param {Planned} one */
async function send(one) {
  const later = draw(one.spread_ms / EPOCHS);
  /** @type {Partial<Planned> | null} */
  let change = { at_ms: Date.now() + later };
  try {
    const { transaction, due_s } = await native("claim", {
      claims: [one.claim],
      mixed: true,
      after_s: Math.floor((one.after_ms ?? one.at_ms) / 1000),
    });
    change = transaction ? null : { at_ms: Math.min(due_s * 1000, Date.now() + 2 * one.spread_ms) + later };
  } catch (error) {
    const { code } = Problem.of(error);
    if (code === "claim.done") change = null;
    else if (ENDED.has(code) || Date.now() > one.due_ms + GIVE_UP * one.spread_ms) change = { code };
  }
  await set({
    claiming: state.claiming.flatMap((other) =>
      key(other) !== key(one) ? [other] : change === null ? [] : [{ ...other, ...change }],
    ),
  });
  if (change === null) now.changed();
}
