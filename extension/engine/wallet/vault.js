/**
 * The vault at rest: made, opened, locked, its password, its words.
 */

import { Problem } from "../../shared/problem.js";
import { python } from "../wallet_core.js";
import { search } from "./search.js";
import { now, set, state } from "./state.js";

/** Idle times to choose from, seconds. It cannot be turned off: an open wallet on an unwatched screen is anybody's. */
export const AUTO_LOCK_CHOICES = [60, 5 * 60, 15 * 60, 60 * 60, 4 * 3600];

/** After sleep a timer has as long to go as before it: it looks at the clocks this often. */
const POLL_IDLE_CLOCK_MS = 15_000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let idle;

/** @type {Record<string, (message: any) => Promise<any>>} */
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
    // Sessions stay: they are their words' own, and the same words go on with them.
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
    const { account, vault } = await python("wallet.open", { vault: stored(), password });
    // An older vault was sealed anew; the account that was in use stays in use.
    if (vault) await set({ vault });
    if (state.accounts.length === 0) await set({ account, accounts: [{ index: 0, name: "", address: account }] });
    return opened();
  },
  async "wallet.lock"() {
    await lock();
    return {};
  },
  async "wallet.words"({ password }) {
    return python("wallet.words", { vault: stored(), password });
  },
  async "wallet.password"({ password, fresh }) {
    await set({ vault: (await python("wallet.password", { vault: stored(), password, new: fresh })).vault });
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

function stored() {
  if (state.vault === null) throw new Problem("wallet.missing");
  return state.vault;
}

function opened() {
  now.locked = false;
  watch();
  search({ opened: true });
  now.changed();
  return { address: state.account };
}

async function lock() {
  now.locked = true;
  clearTimeout(idle);
  await python("wallet.lock");
  now.changed();
}

/** A person did something: the time to the lock begins anew, unless it is over. */
export function touch() {
  if (!now.locked) now.locked = false;
  watch();
}

function watch() {
  clearTimeout(idle);
  if (now.expired) lock().catch(() => undefined);
  else if (!now.locked) {
    // Goes on by itself after a failure, and finds new epochs, with no screen open.
    search();
    idle = setTimeout(watch, Math.min(now.left_ms, POLL_IDLE_CLOCK_MS));
  }
}
