/**
 * The wallet's screens' requests: the vault at rest, sessions per station, what was earned, and collecting it.
 */

import { Problem } from "../shared/problem.js";
import { keep, native, recall } from "./link.js";
import { python } from "./python.js";

export const AUTO_LOCK_S = 15 * 60;
const SESSION_DAYS = 7;
const RENEW_BEFORE_S = 3600;
const DAY_S = 86_400;
const INSTALL = "gomaa host install";

/** @typedef {{session: any, id: string, payee: string, number: number | null, expires_s: number, station: string, device: string, chain_id: number, settlement: string, station_name: string}} Kept */

/** @type {{vault: string | null, account: string | null, rewards: boolean, sessions: Kept[]}} */
const state = { vault: null, account: null, rewards: true, sessions: [] };
let locked = true;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let idle;
/** @type {() => void} */
let changed = () => {};
/** @type {() => any} */
let playing = () => null;

/** @type {Promise<void> | null} */
let loading = null;

/** @param {{changed: () => void, playing: () => any}} shell */
export function setUp(shell) {
  changed = shell.changed;
  playing = shell.playing;
}

export function load() {
  loading ??= recall(["vault", "account", "rewards", "sessions"]).then((stored) => {
    state.vault = stored["vault"] ?? null;
    state.account = stored["account"] ?? null;
    state.rewards = stored["rewards"] ?? true;
    state.sessions = stored["sessions"] ?? [];
  }).catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

/** For the player: whether there is a wallet, and whether it takes rewards. */
export function standing() {
  return { wallet: state.vault === null ? "none" : locked ? "locked" : "open", rewards: state.rewards };
}

/**
 * The session for a station: the stored one, or a new one where the wallet is open. Null: listen without reward.
 * @param {{station: {address: string, name: string} | null, chain_id: number, settlement: string, now_s: number}} info
 * @param {string} device
 * @returns {Promise<Kept | null>}
 */
export async function sessionFor(info, device) {
  await load();
  if (!info.station || state.vault === null || !state.rewards) return null;
  const found = runningSession(info, device);
  if (found && (locked || found.expires_s - info.now_s > RENEW_BEFORE_S)) return found;
  if (locked) return null;
  const where = { station: info.station.address, device, chain_id: info.chain_id, settlement: info.settlement };
  const made = await python("session.sign", { ...where, now_s: info.now_s, days: SESSION_DAYS, rewards: true });
  const entry = { ...made, ...where, station_name: info.station.name };
  // Ended sessions stay: their payees may have earnings that are not collected yet.
  state.sessions = [entry, ...state.sessions];
  await keep({ sessions: state.sessions });
  return entry;
}

/**
 * @param {{station: {address: string} | null, chain_id: number, now_s: number}} info
 * @param {string} device
 */
export function runningSession(info, device) {
  return state.sessions.find((s) => s.station === info.station?.address && s.device === device && s.chain_id === info.chain_id && s.expires_s > info.now_s + 60) ?? null;
}

/** A session that the host would not take is not offered again. @param {Kept} session */
export async function spoil(session) {
  for (const kept of state.sessions) if (kept.id === session.id) kept.expires_s = 0;
  await keep({ sessions: state.sessions });
}

/** @type {Record<string, (message: any) => Promise<any>>} */
const OPS = {
  async "wallet.status"() {
    return { exists: state.vault !== null, locked, address: state.account, rewards: state.rewards, auto_lock_s: AUTO_LOCK_S };
  },
  async "wallet.propose"({ words }) {
    return python("wallet.propose", { words: words ?? 12 });
  },
  async "wallet.create"({ mnemonic, password, replace }) {
    if (state.vault !== null && !replace) throw new Problem("wallet.exists");
    const made = await python("wallet.create", { mnemonic, password });
    state.vault = made.vault;
    state.sessions = [];
    await keep({ vault: made.vault, sessions: [] });
    return opened(made.account);
  },
  async "wallet.unlock"({ password }) {
    if (state.vault === null) throw new Problem("wallet.missing");
    const { account } = await python("wallet.open", { vault: state.vault, password });
    return opened(account);
  },
  async "wallet.lock"() {
    await lock();
    return {};
  },
  async "wallet.rewards"({ on }) {
    await setRewards(on);
    return {};
  },
  "wallet.summary": summary,
  async "wallet.playing"() {
    return playing();
  },
  "wallet.claim": claim,
  async "host.status"() {
    const { state: standing_, version } = await native("status");
    return { state: standing_, version, command: INSTALL, code: standing_ === "connected" ? null : `host.${standing_}` };
  },
};

/** @param {any} message */
export async function handle(message) {
  await load();
  if (!locked) restartIdle();
  const op = OPS[message.type];
  if (!op) throw new Problem("message.denied");
  return op(message);
}

/** @param {boolean} on */
export async function setRewards(on) {
  state.rewards = on;
  await keep({ rewards: on });
  changed();
}

/** @param {string} account */
async function opened(account) {
  locked = false;
  state.account = account;
  await keep({ account });
  restartIdle();
  changed();
  return { address: account };
}

async function lock() {
  locked = true;
  clearTimeout(idle);
  await python("wallet.lock");
  changed();
}

function restartIdle() {
  clearTimeout(idle);
  idle = setTimeout(() => lock().catch(() => undefined), AUTO_LOCK_S * 1000);
}

/** Every payee this wallet ever gave to a session. */
const payees = () => [...new Set(state.sessions.map(({ payee }) => payee))];

async function summary() {
  if (state.vault === null) throw new Problem("wallet.missing");
  const told = await native("summary", { account: state.account, payees: payees() });
  const today = Math.floor(Date.now() / 1000 / DAY_S) * DAY_S;
  /** @param {(receipt: any) => boolean} which */
  const sum = (which) => told.receipts.filter(which).reduce((/** @type {bigint} */ total, /** @type {any} */ r) => total + BigInt(r.amount_wei), 0n).toString();
  const due = told.receipts.filter((/** @type {any} */ r) => r.state === "pending" && r.due_s).map((/** @type {any} */ r) => r.due_s);
  return {
    address: state.account,
    spendable_wei: told.balance_wei ?? "0",
    today_wei: sumOf(told.activity.filter((/** @type {any} */ a) => a.time_s >= today && a.state !== "refused")),
    pending_wei: sum((r) => r.state === "pending"),
    claimable_wei: sum((r) => r.state === "claimable"),
    due_s: due.length ? Math.max(...due) : null,
    playing: playing(),
    activity: activity(told),
  };
}

/** @param {{amount_wei: string}[]} items */
const sumOf = (items) => items.reduce((total, { amount_wei }) => total + BigInt(amount_wei), 0n).toString();

/**
 * Receipts are what is paid; plays and refusals say when and what. A play that has no receipt yet is pending.
 * @param {{receipts: any[], activity: any[]}} told
 */
function activity({ receipts, activity: heard }) {
  const byContent = new Map(heard.map((item) => [item.content, item]));
  const paid = receipts.map((r) => ({
    time_s: byContent.get(r.content)?.time_s ?? r.due_s ?? 0,
    title: r.title,
    artist: byContent.get(r.content)?.artist ?? "",
    content: r.content,
    station: state.sessions.find(({ payee }) => payee === r.payee)?.station_name ?? r.station,
    domain: r.station,
    amount_wei: r.amount_wei,
    state: r.state,
    code: null,
    server: r.server,
    epoch: r.epoch,
    payee: r.payee,
    plays: null,
    seconds: null,
    due_s: r.due_s,
    transaction: r.transaction,
  }));
  const blank = { domain: null, server: null, epoch: null, payee: null, plays: null, seconds: null, due_s: null, transaction: null };
  const refused = heard.filter(({ state: s }) => s === "refused").map((item) => ({ ...blank, ...item, state: "refused" }));
  return [...paid, ...refused].sort((a, b) => b.time_s - a.time_s);
}

/** Collect everything that is final, to the wallet's account. */
async function claim() {
  if (locked) throw new Problem("wallet.locked");
  const { receipts } = await native("summary", { account: state.account, payees: payees() });
  /** @type {Map<string, any[]>} */
  const byServer = new Map();
  for (const receipt of receipts.filter((/** @type {any} */ r) => r.state === "claimable")) {
    const session = state.sessions.find(({ payee }) => payee === receipt.payee);
    if (!session || session.number === null) continue;
    const { claim: signed } = await python("claim.sign", {
      chain_id: session.chain_id,
      settlement: session.settlement,
      server: receipt.server,
      epoch: receipt.epoch,
      station: session.station,
      number: session.number,
      payee: receipt.payee,
      to: state.account,
    });
    byServer.set(receipt.server, [...(byServer.get(receipt.server) ?? []), signed]);
  }
  const transactions = [];
  let amount = 0n;
  for (const claims of byServer.values()) {
    const done = await native("claim", { claims });
    transactions.push(done.transaction);
    amount += BigInt(done.amount_wei);
  }
  changed();
  return { transactions, amount_wei: amount.toString() };
}
