/**
 * Sites: which may play, and what they may spend. The host's ledger stores and decides it.
 */

import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { tellPayees } from "./sessions.js";
import { now, walletOf } from "./state.js";

/**
 * @typedef {{origin: string, state: "allowed" | "paused" | "revoked", day_wei: string, spent_wei: string, earned_wei:
 *   string, first_s: number, last_s: number}} Site
 */

/** Sites that were reported to the host since the engine started. @type {Set<string>} */
const reported = new Set();

/**
 * Adds a site on which music is about to play to the list of sites, where it can be paused or given a budget. This
 * permits nothing, and a site that was paused or revoked stays so.
 * @param {string} origin
 */
export function met(origin) {
  if (reported.has(origin)) return;
  reported.add(origin);
  native("site", { origin }).catch(() => reported.delete(origin));
}

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  async "wallet.sites"() {
    await tellPayees();
    return native("sites", { wallet: walletOf() });
  },
  async "wallet.site"({ origin, state, budget }) {
    const day_wei =
      budget === undefined || budget === null
        ? null
        : (await python("amount", { text: budget, zero: true })).amount_wei;
    // Paused while the site may still act: after a play without an end the server counts the listener as busy.
    if (state === "paused" || state === "revoked") await now.halt(origin);
    const response = await native("site", { origin, state: state ?? null, day_wei });
    now.changed();
    return response;
  },
};
