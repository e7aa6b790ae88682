/**
 * Sites: which may play, and what they may spend. The host's ledger decides; this asks and tells.
 */

import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { tellPayees } from "./sessions.js";
import { now, walletOf } from "./state.js";

/**
 * @typedef {{origin: string, state: "allowed" | "paused" | "revoked", day_wei: string, spent_wei: string, earned_wei:
 *   string, first_s: number, last_s: number}} Site
 */

/** Sites that were played on since the engine started. @type {Set<string>} */
const known = new Set();

/**
 * Music is about to play on a site: from now on it stands among the sites, where it can be paused or given a budget. It
 * allows nothing, and what was
 * paused or revoked stays so.
 * @param {string} origin
 */
export function met(origin) {
  if (known.has(origin)) return;
  known.add(origin);
  native("site", { origin }).catch(() => known.delete(origin));
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
    // Paused while it still may be: a play that ends without a word would keep the listener busy at the server.
    if (state === "paused" || state === "revoked") await now.halt(origin);
    const told = await native("site", { origin, state: state ?? null, day_wei });
    now.changed();
    return told;
  },
};
