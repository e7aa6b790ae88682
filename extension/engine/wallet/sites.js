/**
 * Sites: which may play, and what they may spend. The host's ledger decides; this asks and tells.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../python.js";
import { tellPayees } from "./sessions.js";
import { now, walletOf } from "./state.js";

/** @typedef {{origin: string, state: "allowed" | "paused" | "revoked", day_wei: string, spent_wei: string, earned_wei: string, first_s: number, last_s: number}} Site */

/** Sites that a person has played on since the engine started. @type {Set<string>} */
const met = new Set();
/** Sites whose pages may start music, as the host said last; a pause since then is the host's to enforce. @type {Set<string>} */
const open = new Set();

/**
 * A person pressed play in the player's own frame, under the terms: the site's first play is consent to listen there, and to spend nothing.
 * It leaves before the play does, so the host knows it first. What was paused or revoked stays so.
 * @param {string} origin
 */
export function consent(origin) {
  if (met.has(origin)) return;
  met.add(origin);
  native("site", { origin }).catch(() => met.delete(origin));
}

/**
 * Whether a page's own script may start music: only where a person has before. Rejects with site.consent or site.paused.
 * @param {string} origin
 */
export async function mayStart(origin) {
  if (open.has(origin)) return;
  const { sites } = await native("sites");
  const found = /** @type {Site[]} */ (sites).find((site) => site.origin === origin);
  if (found?.state !== "allowed") throw new Problem(found?.state === "paused" ? "site.paused" : "site.consent", { origin });
  open.add(origin);
}

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  async "wallet.sites"() {
    await tellPayees();
    return native("sites", { wallet: walletOf() });
  },
  async "wallet.site"({ origin, state, budget }) {
    const day_wei = budget === undefined || budget === null ? null : (await python("amount", { text: budget, zero: true })).amount_wei;
    open.delete(origin);
    // Paused while it still may be: a play that ends without a word would keep the listener busy at the server.
    if (state === "paused" || state === "revoked") await now.halt(origin);
    const told = await native("site", { origin, state: state ?? null, day_wei });
    now.changed();
    return told;
  },
};
