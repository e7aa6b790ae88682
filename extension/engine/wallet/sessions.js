/**
 * The wallet's sessions: what it signed for each station, and the payees it gave them.
 *
 * They belong to the words, by the address of their first account: other words see none of them, and the same words
 * find them again. The host
 * remembers every payee; here is only what still serves, and what the host has not been told yet.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { collectingAt } from "./collecting.js";
import { load, now, set, state, walletOf } from "./state.js";

/** @typedef {import("./state.js").Kept} Kept */

const SESSION_DAYS = 7;
const RENEW_BEFORE_S = 3600;
/**
 * An open wallet gives every hour, an epoch of the usual length, another payee: what it collects there says nothing of
 * the hour before.
 */
const PAYEE_S = 3600;
/** So many payees the host takes in one message. */
const AT_ONCE = 512;

/**
 * The session for a station: the stored one, or a new one where the wallet is open. Null: listen without reward.
 * @param {{device: string | null, station: {address: string, name: string} | null, chain_id: number, settlement:
 *   string, now_s: number}} info of the host: ``device`` is
 *   the one that it is at the song's server and station, and no other server or station ever sees it
 * @returns {Promise<Kept | null>}
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
  const found = runningSession(info);
  const number = Math.floor(info.now_s / PAYEE_S);
  if (found && (now.locked || (found.number === number && found.expires_s - info.now_s > RENEW_BEFORE_S))) return found;
  if (now.locked) return null;
  const where = {
    station: info.station.address,
    device: info.device,
    chain_id: info.chain_id,
    settlement: info.settlement,
  };
  const made = await python("session.sign", { ...where, now_s: info.now_s, days: SESSION_DAYS, rewards: true, number });
  const entry = { ...made, ...where, station_name: info.station.name, wallet, told: false };
  // The wallet was replaced meanwhile.
  if (walletOf() !== wallet) return null;
  // Each network has a time of its own: one from tomorrow ends no session of another.
  const time = (/** @type {Kept} */ { chain_id }) => (chain_id === info.chain_id ? info.now_s : Date.now() / 1000);
  // The same hour signed again is the same session.
  const serving = state.sessions.filter((kept) => kept.id !== entry.id && (!kept.told || kept.expires_s > time(kept)));
  await set({ sessions: [entry, ...serving] });
  await tellPayees().catch(() => undefined);
  return entry;
}

/** @param {{device: string | null, station: {address: string} | null, chain_id: number, now_s: number}} info */
export function runningSession(info) {
  const wallet = walletOf();
  return (
    state.sessions.find(
      (s) =>
        s.wallet === wallet &&
        s.station === info.station?.address &&
        s.device === info.device &&
        s.chain_id === info.chain_id &&
        s.expires_s > info.now_s + 60,
    ) ?? null
  );
}

/** A session that the host would not take is not offered again. @param {Kept} session */
export async function spoil(session) {
  for (const kept of state.sessions) if (kept.id === session.id) kept.expires_s = 0;
  await set({ sessions: state.sessions });
}

/** @type {Promise<void> | null} */
let telling = null;

/** Tell the host of payees that it does not know; what it does not take now is told again. */
export function tellPayees() {
  telling ??= tell().finally(() => {
    telling = null;
  });
  return telling;
}

async function tell() {
  for (;;) {
    const { wallet } = state.sessions.find((session) => !session.told) ?? {};
    if (!wallet) return;
    const part = state.sessions.filter((session) => !session.told && session.wallet === wallet).slice(0, AT_ONCE);
    const paid = part.filter(({ number }) => number !== null);
    const payees = paid.map(({ payee, station, number, chain_id, settlement, station_name }) => ({
      payee,
      station,
      number,
      chain_id,
      settlement,
      name: station_name.slice(0, 256),
    }));
    if (payees.length) await native("payees", { wallet, payees });
    for (const session of part) session.told = true;
    await set({ sessions: state.sessions });
  }
}
