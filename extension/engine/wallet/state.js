/**
 * The wallet's persistent state, and whether it is open.
 */

import { moment, since } from "../clock.js";
import { Problem } from "../../shared/problem.js";
import { readStorage, writeStorage } from "../link.js";

/** @import { Signed } from "../../shared/protocol.d.ts" */
/** @import { NowPlaying } from "../../shared/wallet_earnings.d.ts" */
/** @import { AccountPermit, CollectQuestion, StreamDecisions } from "../../shared/wallet_sites.d.ts" */
/** @import { Account, CollectChoice, Contact } from "../../shared/wallet_state.d.ts" */
/** @import { UnsignedTransaction } from "../core_operations.d.ts" */

/**
 * A stored session. `wallet`: first account of its recovery words; `told`: the host has its payee.
 * @typedef {{session: Signed<"Session">, id: string, payee: string, number: number | null, expires_s: number, station:
 *   string, device: string, chain_id: number, settlement: string, station_name: string, wallet: string, told: boolean}}
 *   StoredSession
 */

export const AUTO_LOCK_S = 15 * 60;

/**
 * A signed transaction of a transfer. `raw` and `call`, its fields, are stored until a block has its nonce.
 * @typedef {{transaction: string, raw: string, how: "first" | "faster" | "cancel",
 *   call: UnsignedTransaction | null}} Offer
 */
/**
 * A transfer of this wallet, with everything that was signed under its nonce, oldest first. `transaction`: the one in a
 * block, else the newest; `reason`: the node's latest refusal; `by`: a transaction of another wallet with this nonce;
 * `payee`: the private address that it was sent from; `site`: the site that requested it; `value_wei`: coin that was
 * sent with it. An entry without `offers` and `nonce` is of a version without replacements.
 * @typedef {{transaction: string, offers?: Offer[], nonce?: number, raw?: string, chain_id: number, account: string,
 *   to: string, amount_wei: string, most_wei: string, time_s: number,
 *   state: "pending" | "confirmed" | "failed" | "replaced" | "cancelled", fee_wei: string | null,
 *   reason: string | null, by?: string | null, site?: string | null, value_wei?: string | null, payee?: string}} Sent
 */

/**
 * A fan's answer for one station; `collect` is null before the answer.
 * @typedef {CollectQuestion & {collect: boolean | null}} Answer
 */

/** State in the browser's storage, without keys, recovery words and passwords. */
export const state = {
  /** Encrypted, base64. @type {string | null} */
  vault: null,
  /** Address of the account in use. @type {string | null} */
  account: null,
  /** @type {Account[]} */
  accounts: [],
  /** @type {CollectChoice} */
  collect: "always",
  /** Answers to the choice "ask", newest first. @type {Answer[]} */
  answers: [],
  /** Consent to counts for each segment of a song; null: not answered. @type {boolean | null} */
  tracking: null,
  auto_lock_s: AUTO_LOCK_S,
  /** @type {StoredSession[]} */
  sessions: [],
  /** Newest first. @type {Sent[]} */
  sent: [],
  /** @type {Contact[]} */
  contacts: [],
  /** @type {AccountPermit[]} */
  permits: [],
  /** Signed claims with the time at which each is sent. @type {import("./claiming.js").Planned[]} */
  claiming: [],
  /** Claims signed for future epochs. @type {import("./claiming.js").Ahead[]} */
  ahead: [],
  /** Private addresses with an order that a relayer may still execute. @type {{payee: string, until_ms: number}[]} */
  entrusted: [],
  /**
   * Time at which the recovery words were made here; they have no earlier rewards.
   * @type {{wallet: string, at_ms: number} | null}
   */
  fresh: null,
  /** The network whose tokens are shown; null before the first one. @type {number | null} */
  chain_id: null,
};

/** @typedef {typeof state} State */

/** Time of a person's last action; null while the wallet is locked. @type {import("../clock.js").Moment | null} */
let last = null;

/** State of the running engine, and callbacks that engine.js sets. */
export const now = {
  /** True if the wallet is locked. Computed at each use: timers pause while the computer sleeps. */
  get locked() {
    return last === null || now.expired;
  },
  /** Locks, or opens and restarts the idle time. */
  set locked(isLocked) {
    last = isLocked ? null : moment();
  },
  /** True if the idle time is over. */
  get expired() {
    return now.left_ms <= 0;
  },
  /** Milliseconds until the wallet locks. */
  get left_ms() {
    return last === null ? Infinity : state.auto_lock_s * 1000 - since(last);
  },
  /** Updates every screen and player after a change of the wallet. @type {() => void} */
  changed: () => {},
  /** Pauses the plays of a site. @type {(origin: string) => Promise<void>} */
  pauseSite: async () => {},
  /** The present play, for the popup. @type {() => NowPlaying | null} */
  playing: () => null,
  /**
   * Pending decisions in the extension's window, besides the questions of stations.
   * @type {() => StreamDecisions}
   */
  decisions: () => ({ takeovers: [], costs: [] }),
  /** Updates the number of pending decisions. @type {() => void} */
  decisionsChanged: () => {},
  /** Pauses the stream of another tab and plays this one. @type {(stream: string) => void} */
  takeOver: () => {},
};

/** @type {Promise<void> | null} */
let loading = null;

/** Reads the stored state, once. */
export function load() {
  loading ??= readStorage([...Object.keys(state), "rewards"])
    .then((stored) => {
      // Stored by a version with on and off only.
      if (stored["collect"] === undefined && stored["rewards"] === false) state.collect = "never";
      for (const [key, value] of Object.entries(stored))
        if (Object.hasOwn(state, key) && value !== undefined) Object.assign(state, { [key]: value });
      // Stored by a version with one account.
      if (state.account && state.accounts.length === 0)
        state.accounts = [{ index: 0, name: "", address: state.account }];
      // Stored by a version whose sessions did not name their wallet.
      const wallet = walletOf();
      state.sessions =
        wallet === null
          ? state.sessions.filter((session) => session.wallet)
          : state.sessions.map((session) => (session.wallet ? session : { ...session, wallet, told: false }));
    })
    .catch((error) => {
      loading = null;
      throw error;
    });
  return loading;
}

/** Address of the first account, which identifies the recovery words. */
export const walletOf = () => state.accounts.find(({ index }) => index === 0)?.address ?? null;

/** Address of the words' first account. @throws {Problem} wallet.missing */
export function requireWallet() {
  const wallet = walletOf();
  if (wallet === null) throw new Problem("wallet.missing");
  return wallet;
}

/** Changes the state and stores the change. @param {Partial<State>} change */
export async function set(change) {
  Object.assign(state, change);
  await writeStorage(change);
}
