/**
 * Permissions and budgets of sites, which the host's ledger stores and enforces.
 */

import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { reportPayees } from "./sessions.js";
import { now, walletOf } from "./state.js";

/** @import { Handlers, WalletOperations } from "../../shared/wallet_messages.d.ts" */

/** Sites that were reported to the host since the engine started. @type {Set<string>} */
const reported = new Set();

/**
 * Adds a site with a play to the list of sites, where it can be paused or given a budget. This permits nothing, and a
 * site that was paused or revoked stays so.
 * @param {string} origin
 */
export function reportSite(origin) {
  if (reported.has(origin)) return;
  reported.add(origin);
  native("site", { origin }).catch(() => reported.delete(origin));
}

/** Operations of the wallet's screens. @satisfies {Partial<Handlers<WalletOperations>>} */
export const OPS = {
  async "wallet.sites"() {
    await reportPayees();
    return native("sites", { wallet: walletOf() });
  },
  async "wallet.site"({ origin, state, budget }) {
    const day_wei =
      budget === undefined || budget === null
        ? null
        : (await python("amount", { text: budget, zero: true })).amount_wei;
    // Paused before the site is refused: after a play without an end the server counts the listener as busy.
    if (state === "paused" || state === "revoked") await now.pauseSite(origin);
    const response = await native("site", { origin, state: state ?? null, day_wei });
    now.changed();
    return response;
  },
};
