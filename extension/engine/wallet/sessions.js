/**
 * The wallet's sessions: signed statements for a station, each with a payee for its rewards.
 *
 * Sessions belong to recovery words, by the address of their first account. The host stores every payee; stored here
 * are the valid sessions, and those whose payee the host does not have yet.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { collectingAt } from "./collecting.js";
import { load, now, set, state, walletOf } from "./state.js";

/** @typedef {import("./state.js").StoredSession} StoredSession */

const SESSION_DAYS = 7;
const RENEW_BEFORE_S = 3600;
/**
 * An open wallet changes its payee each hour, the usual length of an epoch, so that the claims of two hours cannot be
 * linked.
 */
const PAYEE_S = 3600;
/** Payees in one message to the host. */
const PAYEE_BATCH = 512;

/**
 * The session for a station: the stored one, or a new one where the wallet is open.
 * @param {{device: string | null, station: {address: string, name: string} | null, chain_id: number, settlement:
 *   string, now_s: number}} info of the host; `device` is derived for the song's server and station
 * @returns {Promise<StoredSession | null>} null: play without rewards
 */
export async function sessionFor(info) {
  await load();
  if (info.device === undefined) throw new Problem("host.version");
  const wallet = walletOf();
  if (
    !info.station ||
    info.device === null ||
    state.vault === null ||
    wallet === null ||
    collectingAt(info.station) !== "yes"
  )
    return null;
  const running = runningSession(info);
  const number = Math.floor(info.now_s / PAYEE_S);
  if (running && (now.locked || (running.number === number && running.expires_s - info.now_s > RENEW_BEFORE_S)))
    return running;
  if (now.locked) return null;
  const where = {
    station: info.station.address,
    device: info.device,
    chain_id: info.chain_id,
    settlement: info.settlement,
  };
  const made = await python("session.sign", { ...where, now_s: info.now_s, days: SESSION_DAYS, rewards: true, number });
  const entry = { ...made, ...where, station_name: info.station.name, wallet, told: false };
  // The wallet was replaced in the meantime.
  if (walletOf() !== wallet) return null;
  // By the clock of its own network: a clock that is ahead must not expire the sessions of another network.
  const time = (/** @type {StoredSession} */ { chain_id }) =>
    chain_id === info.chain_id ? info.now_s : Date.now() / 1000;
  // Signed again for the same hour it has the same id.
  const serving = state.sessions.filter(
    (session) => session.id !== entry.id && (!session.told || session.expires_s > time(session)),
  );
  await set({ sessions: [entry, ...serving] });
  await reportPayees().catch(() => undefined);
  return entry;
}

/**
 * The valid session for a station, if there is one.
 * @param {{device: string | null, station: {address: string} | null, chain_id: number, now_s: number}} info
 */
export function runningSession(info) {
  const wallet = walletOf();
  return (
    state.sessions.find(
      (session) =>
        session.wallet === wallet &&
        session.station === info.station?.address &&
        session.device === info.device &&
        session.chain_id === info.chain_id &&
        session.expires_s > info.now_s + 60,
    ) ?? null
  );
}

/** Expires a session that the host has rejected. @param {StoredSession} session */
export async function expireSession(session) {
  for (const other of state.sessions) if (other.id === session.id) other.expires_s = 0;
  await set({ sessions: state.sessions });
}

/** The running report. @type {Promise<void> | null} */
let reporting = null;

/** Sends the host the payees that it does not have; a failure is retried at the next call. */
export function reportPayees() {
  reporting ??= sendPayees().finally(() => {
    reporting = null;
  });
  return reporting;
}

async function sendPayees() {
  for (;;) {
    const { wallet } = state.sessions.find((session) => !session.told) ?? {};
    if (!wallet) return;
    const batch = state.sessions.filter((session) => !session.told && session.wallet === wallet).slice(0, PAYEE_BATCH);
    const payees = batch.flatMap(({ payee, station, number, chain_id, settlement, station_name }) =>
      number === null ? [] : [{ payee, station, number, chain_id, settlement, name: station_name.slice(0, 256) }],
    );
    if (payees.length) await native("payees", { wallet, payees });
    for (const session of batch) session.told = true;
    await set({ sessions: state.sessions });
  }
}
