/**
 * The wallet's sessions: what it signed for each station, and the payees it gave them.
 */

import { python } from "../python.js";
import { collectingAt } from "./collecting.js";
import { load, now, set, state } from "./state.js";

/** @typedef {import("./state.js").Kept} Kept */

const SESSION_DAYS = 7;
const RENEW_BEFORE_S = 3600;
/** An open wallet gives every hour, an epoch of the usual length, another payee: what it collects there says nothing of the hour before. */
const PAYEE_S = 3600;

/**
 * The session for a station: the stored one, or a new one where the wallet is open. Null: listen without reward.
 * @param {{station: {address: string, name: string} | null, chain_id: number, settlement: string, now_s: number}} info
 * @param {string} device
 * @returns {Promise<Kept | null>}
 */
export async function sessionFor(info, device) {
  await load();
  if (!info.station || state.vault === null || collectingAt(info.station) !== "yes") return null;
  const found = runningSession(info, device);
  const number = Math.floor(info.now_s / PAYEE_S);
  if (found && (now.locked || (found.number === number && found.expires_s - info.now_s > RENEW_BEFORE_S))) return found;
  if (now.locked) return null;
  const where = { station: info.station.address, device, chain_id: info.chain_id, settlement: info.settlement };
  const made = await python("session.sign", { ...where, now_s: info.now_s, days: SESSION_DAYS, rewards: true, number });
  const entry = { ...made, ...where, station_name: info.station.name };
  // Ended sessions stay: their payees may have earnings that are not collected yet.
  await set({ sessions: [entry, ...state.sessions] });
  return entry;
}

/**
 * @param {{station: {address: string} | null, chain_id: number, now_s: number}} info
 * @param {string} device
 */
export function runningSession(info, device) {
  return state.sessions.find((s) => s.station === info.station?.address && s.device === device && s.chain_id === info.chain_id && s.expires_s > info.now_s + 60) ?? null;
}

/** A session that the host would not take is not offered again. @param {Kept} session */
export async function spoil(session) {
  for (const kept of state.sessions) if (kept.id === session.id) kept.expires_s = 0;
  await set({ sessions: state.sessions });
}

/** Every payee this wallet ever gave to a session. */
export const payees = () => [...new Set(state.sessions.map(({ payee }) => payee))];

/** @param {string} payee */
export const sessionOf = (payee) => state.sessions.find((session) => session.payee === payee);
