/**
 * The wallet's sessions: what it signed for each station, and the payees it gave them.
 */

import { Problem } from "../../shared/problem.js";
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
 * @param {{device: string | null, station: {address: string, name: string} | null, chain_id: number, settlement: string, now_s: number}} info of the host: ``device`` is
 *   the one that it is at the song's server and station, and no other server or station ever sees it
 * @returns {Promise<Kept | null>}
 */
export async function sessionFor(info) {
  await load();
  if (info.device === undefined) throw new Problem("host.version");
  if (!info.station || info.device === null || state.vault === null || collectingAt(info.station) !== "yes") return null;
  const found = runningSession(info);
  const number = Math.floor(info.now_s / PAYEE_S);
  if (found && (now.locked || (found.number === number && found.expires_s - info.now_s > RENEW_BEFORE_S))) return found;
  if (now.locked) return null;
  const where = { station: info.station.address, device: info.device, chain_id: info.chain_id, settlement: info.settlement };
  const made = await python("session.sign", { ...where, now_s: info.now_s, days: SESSION_DAYS, rewards: true, number });
  const entry = { ...made, ...where, station_name: info.station.name };
  // Ended sessions stay: their payees may have earnings that are not collected yet.
  await set({ sessions: [entry, ...state.sessions] });
  return entry;
}

/** @param {{device: string | null, station: {address: string} | null, chain_id: number, now_s: number}} info */
export function runningSession(info) {
  return state.sessions.find((s) => s.station === info.station?.address && s.device === info.device && s.chain_id === info.chain_id && s.expires_s > info.now_s + 60) ?? null;
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
