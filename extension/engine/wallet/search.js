/**
 * The search for earlier rewards on all networks of the host, in the background while the wallet is open.
 *
 * The host reads the published epochs of servers and returns the stations and days that they may concern; the core
 * derives the payees of these, and the host compares them. The host stores the progress, so an interrupted search is
 * continued.
 */

import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { knownNetworks } from "./networks.js";
import { now, set, state, walletOf } from "./state.js";

/** @import { SearchProgress } from "../../shared/wallet_earnings.d.ts" */
/**
 * Epochs of one network: listed, left to search, and those of unreachable servers.
 * @typedef {Omit<SearchProgress, "running">} Progress
 */

/** Time from a complete search to the search for new epochs. */
const REPEAT_MS = 3600_000;
/** Time until unreachable servers are tried again: the host backs them off for ten minutes. */
const UNREACHABLE_MS = 630_000;
/** Time from a failure of node or host to the next attempt. */
const RETRY_MS = 30_000;
/** Time for which recovery words count as new: later they may have rewards from another computer. */
const FRESH_MS = 3600_000;

/** @type {{wallet: string | null, running: boolean, next: number, networks: Map<number, Progress>}} */
let current = { wallet: null, running: false, next: -Infinity, networks: new Map() };

/**
 * Starts or continues the search, where it is due.
 * @param {{opened?: boolean}} [options] `opened`: the wallet was opened now, so the search is due
 */
export function search({ opened = false } = {}) {
  const wallet = walletOf();
  if (current.wallet !== wallet) current = { wallet, running: false, next: -Infinity, networks: new Map() };
  const own = current;
  if (opened) own.next = -Infinity;
  if (wallet === null || now.locked || own.running || performance.now() < own.next) return;
  own.running = true;
  void run(wallet, own)
    .then(
      (whole) => (!whole ? 0 : progress().away.length ? UNREACHABLE_MS : REPEAT_MS),
      () => RETRY_MS,
    )
    .then((wait) => {
      Object.assign(own, { running: false, next: performance.now() + wait });
      now.changed();
    });
}

/**
 * True if the recovery words were made here a short time ago, and have no earlier rewards.
 * @param {string} wallet
 */
const isFresh = (wallet) => state.fresh?.wallet === wallet && Math.abs(Date.now() - state.fresh.at_ms) < FRESH_MS;

/** Progress on all networks, for the screens. @returns {SearchProgress} */
export function progress() {
  const all = current.wallet === walletOf() ? [...current.networks.values()] : [];
  const sum = (/** @type {"listed" | "left"} */ name) => all.reduce((total, network) => total + network[name], 0);
  return {
    running: current.running && current.wallet === walletOf(),
    listed: sum("listed"),
    left: sum("left"),
    away: all.flatMap(({ away }) => away),
  };
}

/**
 * Searches all networks.
 * @param {string} wallet
 * @param {typeof current} own
 * @returns {Promise<boolean>} whether it is complete
 */
async function run(wallet, own) {
  const isOpen = () => !now.locked && walletOf() === wallet;
  /** @type {unknown} */
  let failure = null;
  for (const { chain_id } of await knownNetworks()) {
    /** @type {import("../../shared/protocol.d.ts").Candidates[]} */
    let candidates = [];
    try {
      for (let more = true; more;) {
        if (!isOpen()) return false;
        const response = await native("scan", { wallet, chain_id, fresh: isFresh(wallet), candidates });
        own.networks.set(chain_id, { listed: response.listed, left: response.left, away: response.away });
        if (!isOpen()) return false;
        candidates = response.wants.length ? (await python("candidates", { wants: response.wants })).candidates : [];
        more = response.more || candidates.length > 0;
      }
    } catch (error) {
      // An unreachable node does not stop the search on other networks.
      failure ??= error;
    }
  }
  if (failure) throw failure;
  if (state.fresh?.wallet === wallet) await set({ fresh: null });
  return true;
}
