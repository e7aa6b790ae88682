/**
 * Collecting in private: every reward is paid to the payee that earned it, an address of this wallet and of nothing else, by a claim of its own.
 *
 * A claim is signed when it is asked for and sent later, at a moment that is drawn for it once: a locked wallet and a restart of the browser change
 * nothing. The relayer holds it for a while and sends it among those of others. What is kept here says no more than the sessions do, and whoever
 * gets hold of a claim can only have it paid to its payee.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../python.js";
import { known } from "./networks.js";
import { payees, sessionOf } from "./sessions.js";
import { load, now, set, state, walletOf } from "./state.js";

/**
 * @typedef {{wallet: string | null, server: string, epoch: number, payee: string, amount_wei: string, claim: any, spread_ms: number, at_ms: number, code: string | null}} Planned
 * `at_ms`: when it is sent, or asked about again; `code`: what it was refused for, for good.
 */

/** Claims of one press are spread over so many epochs. */
const EPOCHS = 6;
/** Claims that wait at a time; a further press takes the next ones. */
export const MOST = 1000;
/** So late a claim was missed because nothing ran: it is drawn anew, so that not all of them are sent as the browser starts. */
const LATE_MS = 120_000;
const SOONEST_MS = 1_000;
const LATEST_MS = 60_000;
/** Refusals that no later attempt changes. */
const ENDED = new Set(["claim.unknown", "claim.signature", "claim.small"]);

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let busy = false;

/** @param {{server: string, epoch: number, payee: string}} one */
const key = ({ server, epoch, payee }) => `${server}/${epoch}/${payee}`;
/** Even over [0, `most_ms`). @param {number} most_ms */
const draw = (most_ms) => Math.floor((/** @type {number} */ (crypto.getRandomValues(new Uint32Array(1))[0]) / 2 ** 32) * most_ms);
const mine = () => state.claiming.filter(({ wallet }) => wallet === walletOf());

/** Receipts that are final and not paid yet. */
export async function* claimable() {
  const { receipts } = await native("summary", { account: state.account, payees: payees() });
  for (const receipt of receipts.filter((/** @type {any} */ one) => one.state === "claimable" && !one.at_payee)) {
    const session = sessionOf(receipt.payee);
    if (!session || session.number === null) continue;
    yield { ...receipt, chain_id: session.chain_id, settlement: session.settlement, station_address: session.station, number: session.number };
  }
}

/**
 * Sign a claim for everything that can be collected, each to its own payee, and draw when it is sent.
 * @returns {Promise<{planned: number, amount_wei: string, until_s: number | null}>} all that waits now
 */
export async function plan() {
  const lengths = new Map((await known()).map(({ chain_id, epoch_s }) => [chain_id, epoch_s]));
  const waiting = new Map(state.claiming.filter(({ code }) => code === null).map((one) => [key(one), one]));
  const wallet = walletOf();
  for await (const receipt of claimable()) {
    if (waiting.size >= MOST) break;
    if (waiting.has(key(receipt))) continue;
    const { chain_id, settlement, server, epoch, station_address: station, number, payee, amount_wei } = receipt;
    const { claim } = await python("claim.sign", { chain_id, settlement, server, epoch, station, number, payee, to: payee });
    const spread_ms = EPOCHS * (lengths.get(chain_id) ?? 3600) * 1000;
    waiting.set(key(receipt), { wallet, server, epoch, payee, amount_wei, claim, spread_ms, at_ms: Date.now() + draw(spread_ms), code: null });
  }
  await set({ claiming: [...waiting.values()] });
  resume();
  const { count: planned, amount_wei, until_s } = standing();
  return { planned, amount_wei, until_s };
}

/** What is being collected: how much, until when at the latest, and why some of it was refused for good. */
export function standing() {
  const waiting = mine().filter(({ code }) => code === null);
  return {
    count: waiting.length,
    amount_wei: waiting.reduce((sum, { amount_wei }) => sum + BigInt(amount_wei), 0n).toString(),
    until_s: waiting.length ? Math.ceil(Math.max(...waiting.map(({ at_ms }) => at_ms)) / 1000) : null,
    code: mine().find(({ code }) => code !== null)?.code ?? null,
  };
}

/** Forget the plans of this wallet: what was not sent is collected in another way. */
export const forget = () => set({ claiming: state.claiming.filter(({ wallet }) => wallet !== walletOf()) });

/** Forget what the host says is paid. @param {any[]} receipts */
export async function drop(receipts) {
  const paid = new Set(receipts.filter((receipt) => receipt.state === "claimed" || receipt.at_payee).map(key));
  if (state.claiming.some((one) => paid.has(key(one)))) await set({ claiming: state.claiming.filter((one) => !paid.has(key(one))) });
}

/** Go on with what is planned: called at the start, and after each change. */
export function resume() {
  clearTimeout(timer);
  const next = state.claiming.filter(({ code }) => code === null).reduce((least, { at_ms }) => Math.min(least, at_ms), Infinity);
  if (next !== Infinity) timer = setTimeout(() => void step(), Math.min(Math.max(next - Date.now(), SOONEST_MS), LATEST_MS));
}

/** Send the one that is due first, if any is. */
export async function step() {
  if (busy) return;
  busy = true;
  try {
    await load();
    const at = Date.now();
    // Missed while nothing ran, or drawn by a clock that was wrong.
    if (state.claiming.some((one) => astray(one, at))) await set({ claiming: state.claiming.map((one) => (astray(one, at) ? { ...one, at_ms: at + draw(one.spread_ms / EPOCHS) } : one)) });
    const due = state.claiming.filter(({ code, at_ms }) => code === null && at_ms <= at).sort((a, b) => a.at_ms - b.at_ms)[0];
    if (due) await send(due);
  } finally {
    busy = false;
    resume();
  }
}

/** @param {Planned} one @param {number} at */
const astray = ({ code, at_ms, spread_ms }, at) => code === null && (at_ms < at - LATE_MS || at_ms > at + 2 * spread_ms);

/** @param {Planned} one */
async function send(one) {
  const later = draw(one.spread_ms / EPOCHS);
  /** @type {Partial<Planned> | null} */
  let change = { at_ms: Date.now() + later };
  try {
    const { transaction, due_s } = await native("claim", { claims: [one.claim], mixed: true });
    change = transaction ? null : { at_ms: Math.min(due_s * 1000, Date.now() + one.spread_ms) + later };
  } catch (error) {
    const { code } = Problem.of(error);
    if (code === "claim.done") change = null;
    else if (ENDED.has(code)) change = { code };
  }
  await set({ claiming: state.claiming.flatMap((other) => (key(other) !== key(one) ? [other] : change === null ? [] : [{ ...other, ...change }])) });
  if (change === null) now.changed();
}
