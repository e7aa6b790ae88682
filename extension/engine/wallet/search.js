/**
 * The search for earlier rewards: on every network of the host, in the background while the wallet is open.
 *
 * The host reads what servers have published and says which stations and days it could be about; the core derives the
 * payees of these, and the
 * host matches them. The host keeps how far it has come: a search that ends with the wallet's lock or the browser goes
 * on where it was.
 */

import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { known } from "./networks.js";
import { now, set, state, walletOf } from "./state.js";

/**
 * @typedef {{listed: number, left: number, away: {server: string, url: string | null, epochs: number, code: string}[]}}
 *   Progress
 */

/** A wallet that was looked through is looked at again for new epochs. */
const AGAIN_MS = 3600_000;
/** Servers that were away are asked again: the host lets them rest for ten minutes. */
const AWAY_MS = 630_000;
/** After a failure: of a node or of the host. */
const RETRY_MS = 30_000;
/** Words are new for so long: later they may have earned elsewhere. */
const FRESH_MS = 3600_000;

/** @type {{wallet: string | null, running: boolean, next: number, networks: Map<number, Progress>}} */
let seen = { wallet: null, running: false, next: -Infinity, networks: new Map() };

/**
 * Go on with the search, where one is due.
 * @param {{opened?: boolean}} [how] `opened`: the wallet was opened just now, so it is due
 */
export function search({ opened = false } = {}) {
  const wallet = walletOf();
  if (seen.wallet !== wallet) seen = { wallet, running: false, next: -Infinity, networks: new Map() };
  const mine = seen;
  if (opened) mine.next = -Infinity;
  if (wallet === null || now.locked || mine.running || performance.now() < mine.next) return;
  mine.running = true;
  void run(wallet, mine)
    .then(
      (whole) => (!whole ? 0 : progress().away.length ? AWAY_MS : AGAIN_MS),
      () => RETRY_MS,
    )
    .then((wait) => {
      Object.assign(mine, { running: false, next: performance.now() + wait });
      now.changed();
    });
}

/**
 * Whether the words were made here just now, so that there is nothing to look for before them.
 * @param {string} wallet
 */
const isFresh = (wallet) => state.fresh?.wallet === wallet && Math.abs(Date.now() - state.fresh.at_ms) < FRESH_MS;

/**
 * For the screens: epochs to look at and those that are left, in all networks; and servers whose epochs could not be
 * had.
 */
export function progress() {
  const all = seen.wallet === walletOf() ? [...seen.networks.values()] : [];
  const sum = (/** @type {"listed" | "left"} */ name) => all.reduce((total, one) => total + one[name], 0);
  return {
    running: seen.running && seen.wallet === walletOf(),
    listed: sum("listed"),
    left: sum("left"),
    away: all.flatMap(({ away }) => away),
  };
}

/** Whether all networks were looked through. @param {string} wallet @param {typeof seen} mine */
async function run(wallet, mine) {
  const open = () => !now.locked && walletOf() === wallet;
  /** @type {unknown} */
  let failure = null;
  for (const { chain_id } of await known()) {
    /** @type {any[]} */
    let candidates = [];
    try {
      for (let more = true; more;) {
        if (!open()) return false;
        const told = await native("scan", { wallet, chain_id, fresh: isFresh(wallet), candidates });
        mine.networks.set(chain_id, { listed: told.listed, left: told.left, away: told.away });
        if (!open()) return false;
        candidates = told.wants.length ? (await python("candidates", { wants: told.wants })).candidates : [];
        more = told.more || candidates.length > 0;
      }
    } catch (error) {
      // One node that is away does not keep the others waiting.
      failure ??= error;
    }
  }
  if (failure) throw failure;
  if (state.fresh?.wallet === wallet) await set({ fresh: null });
  return true;
}
