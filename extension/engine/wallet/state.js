/**
 * What the wallet remembers between starts, and whether it is open.
 */

import { moment, since } from "../clock.js";
import { keep, recall } from "../link.js";

/**
 * @typedef {{session: any, id: string, payee: string, number: number | null, expires_s: number, station: string,
 *   device: string, chain_id: number, settlement: string, station_name: string, wallet: string, told: boolean}} Kept a
 *   session: of the words with this first account; `told`: the host knows its payee
 */
/** @typedef {{index: number, name: string, address: string}} Account of the same words, at a BIP-44 index */

export const AUTO_LOCK_S = 15 * 60;

/** @typedef {{address: string, name: string}} Contact */
/**
 * One signed transaction of a transfer; `raw` and `call` (of transaction.sign) are kept while no block has its number.
 * @typedef {{transaction: string, raw: string, how: "first" | "faster" | "cancel", call: any}} Offer
 */
/**
 * A transfer that this wallet sent: everything signed under one number of its account, oldest first. `transaction` is
 * the one in a block, else the newest;
 * `reason` what the node had against it last, which ends nothing; `by` the transaction of another wallet that took its
 * number.
 * @typedef {{transaction: string, offers?: Offer[], nonce?: number, raw?: string, chain_id: number, account: string,
 *   to: string, amount_wei: string, most_wei: string, time_s: number,
 *   state: "pending" | "confirmed" | "failed" | "replaced" | "cancelled", fee_wei: string | null, reason: string |
 * null, by?: string | null, site?: string | null, value_wei?: string | null, payee?: string}} Sent
 * `payee`: the private address that it was sent from, without passing the account; `site` asked for it; `value_wei` of
 * the network's coin went with it. Without `offers` and `nonce`: kept by a version that did not replace.
 */

/**
 * A site that may see one account: `top` is the page around it where the site asked as a frame. @typedef {{origin:
 * string, top: string | null, account: string, chain_id: number | null, time_s: number}} Permit
 */

/**
 * Where rewards are collected: at every registered station, where the fan said yes, or nowhere. @typedef {"always" |
 * "ask" | "never"} Collect
 */
/**
 * What a fan answered for one station; null: asked, and not answered yet. @typedef {{station: string, domain: string,
 * name: string, collect: boolean | null}} Answer
 */

/** What is kept in the browser's storage; no key, no word, no password. */
export const state = {
  /** @type {string | null} sealed, base64 */
  vault: null,
  /** @type {string | null} the account in use */
  account: null,
  /** @type {Account[]} */
  accounts: [],
  /** @type {Collect} */
  collect: "always",
  /** To "ask", newest first. @type {Answer[]} */
  answers: [],
  /** Whether bands may count this listener; null: never said. @type {boolean | null} */
  tracking: null,
  auto_lock_s: AUTO_LOCK_S,
  /** @type {Kept[]} */
  sessions: [],
  /** @type {Sent[]} newest first */
  sent: [],
  /** @type {Contact[]} */
  contacts: [],
  /** @type {Permit[]} */
  permits: [],
  /** Claims that are sent by and by. @type {import("./claiming.js").Planned[]} */
  claiming: [],
  /** Claims of epochs that come. @type {import("./claiming.js").Ahead[]} */
  ahead: [],
  /** Addresses whose tokens a relayer may be sending. @type {{payee: string, until_ms: number}[]} */
  entrusted: [],
  /**
   * The wallet whose words were made here, and when: they have earned nothing before.
   * @type {{wallet: string, at_ms: number} | null}
   */
  fresh: null,
  /** The network whose tokens are shown; null: none was seen yet. @type {number | null} */
  chain_id: null,
};

/** @typedef {typeof state} State */

/** When a person last did something; null while the wallet is locked. @type {import("../clock.js").Moment | null} */
let last = null;

/** Lives as long as the engine. */
export const now = {
  /** Looked up at each use: timers and the steady clock may stand still while the computer sleeps. */
  get locked() {
    return last === null || now.expired;
  },
  /** Locking, or opening and beginning the time to the lock anew. */
  set locked(is) {
    last = is ? null : moment();
  },
  /** Open for longer than the chosen time without a person. */
  get expired() {
    return now.left_ms <= 0;
  },
  /** Milliseconds until it locks by itself. */
  get left_ms() {
    return last === null ? Infinity : state.auto_lock_s * 1000 - since(last);
  },
  /** Tell every screen and player that something of the wallet changed. @type {() => void} */
  changed: () => {},
  /** Pause what plays on a site. @type {(origin: string) => Promise<void>} */
  halt: async () => {},
  /** What plays, for the popup. @type {() => any} */
  playing: () => null,
  /**
   * What waits for a decision in the extension's own window, besides the questions of stations.
   * @type {() => {takeovers: object[], costs: object[]}}
   */
  decisions: () => ({ takeovers: [], costs: [] }),
  /** What waits for a decision may have changed. @type {() => void} */
  asks: () => {},
  /** Bring the music of another tab to this stream. @type {(stream: string) => void} */
  takeOver: () => {},
};

/** @type {Promise<void> | null} */
let loading = null;

/** Read once. */
export function load() {
  loading ??= recall([...Object.keys(state), "rewards"])
    .then((stored) => {
      // Kept by a version that knew on and off.
      if (stored["collect"] === undefined && stored["rewards"] === false) state.collect = "never";
      for (const [key, value] of Object.entries(stored))
        if (Object.hasOwn(state, key) && value !== undefined) Object.assign(state, { [key]: value });
      // A wallet of before there were several accounts.
      if (state.account && state.accounts.length === 0)
        state.accounts = [{ index: 0, name: "", address: state.account }];
      // Sessions of before they were told apart by their words, and the host knew payees.
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

/** What names the words: the address of their first account. */
export const walletOf = () => state.accounts.find(({ index }) => index === 0)?.address ?? null;

/** Change and keep. @param {Partial<State>} change */
export async function set(change) {
  Object.assign(state, change);
  await keep(change);
}
