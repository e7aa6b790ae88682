/**
 * The encrypted vault: creating, opening and locking it, its password and its recovery words.
 */

import { Problem } from "../../shared/problem.js";
import { python } from "../wallet_core.js";
import { search } from "./search.js";
import { now, set, state } from "./state.js";

/** Idle times until the wallet locks, seconds. The lock cannot be turned off. */
export const AUTO_LOCK_CHOICES = [60, 5 * 60, 15 * 60, 60 * 60, 4 * 3600];

/** Timers pause while the computer sleeps: the clocks are read this often. */
const POLL_IDLE_CLOCK_MS = 15_000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let idleTimer;

/** @import { Handlers, WalletOperations } from "../../shared/wallet_messages.d.ts" */

/** Operations of the wallet's screens. @satisfies {Partial<Handlers<WalletOperations>>} */
export const OPS = {
  async "wallet.status"() {
    const { vault, account, collect, tracking, auto_lock_s } = state;
    return {
      exists: vault !== null,
      locked: now.locked,
      address: account,
      collect,
      tracking,
      auto_lock_s,
      auto_lock_choices: AUTO_LOCK_CHOICES,
    };
  },
  async "wallet.propose"({ words }) {
    return python("wallet.propose", { words: words ?? 12 });
  },
  async "wallet.spelling"({ words }) {
    return python("wallet.spelling", { words });
  },
  async "wallet.create"({ mnemonic, password, replace, fresh }) {
    if (state.vault !== null && !replace) throw new Problem("wallet.exists");
    const { vault, account } = await python("wallet.create", { mnemonic, password });
    // Sessions are kept: they belong to recovery words, and the same words use them again.
    await set({
      vault,
      account,
      accounts: [{ index: 0, name: "", address: account }],
      fresh: fresh ? { wallet: account, at_ms: Date.now() } : null,
      sent: [],
      contacts: [],
      permits: [],
    });
    return opened();
  },
  async "wallet.unlock"({ password }) {
    const { account, vault } = await python("wallet.open", { vault: storedVault(), password });
    // A vault of an older format was encrypted again; the account in use stays.
    if (vault) await set({ vault });
    if (state.accounts.length === 0) await set({ account, accounts: [{ index: 0, name: "", address: account }] });
    return opened();
  },
  async "wallet.lock"() {
    await lock();
    return {};
  },
  async "wallet.words"({ password }) {
    return python("wallet.words", { vault: storedVault(), password });
  },
  async "wallet.password"({ password, fresh }) {
    await set({ vault: (await python("wallet.password", { vault: storedVault(), password, new: fresh })).vault });
    return {};
  },
  async "wallet.autolock"({ seconds }) {
    if (!AUTO_LOCK_CHOICES.includes(seconds)) throw new Problem("message.schema", { field: "seconds" });
    await set({ auto_lock_s: seconds });
    touch();
    now.changed();
    return {};
  },
};

/** The encrypted vault. @throws {Problem} wallet.missing */
function storedVault() {
  if (state.vault === null) throw new Problem("wallet.missing");
  return state.vault;
}

/** Begins the idle time of the open wallet. */
function opened() {
  now.locked = false;
  watchIdle();
  search({ opened: true });
  now.changed();
  return { address: state.account };
}

/** Locks the wallet and drops the keys. */
async function lock() {
  now.locked = true;
  clearTimeout(idleTimer);
  await python("wallet.lock", {});
  now.changed();
}

/** Restarts the idle time after an action of a person, unless it is over. */
export function touch() {
  if (!now.locked) now.locked = false;
  watchIdle();
}

/** Locks the wallet when the idle time is over, and checks again later. */
function watchIdle() {
  clearTimeout(idleTimer);
  if (now.expired) lock().catch(() => undefined);
  else if (!now.locked) {
    // Also without a screen: retries after a failure, and searches new epochs.
    search();
    idleTimer = setTimeout(watchIdle, Math.min(now.left_ms, POLL_IDLE_CLOCK_MS));
  }
}
