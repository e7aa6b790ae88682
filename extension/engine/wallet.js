/**
 * The wallet: what the engine's other parts ask of it, and the requests of the wallet's screens.
 */

import { Problem } from "../shared/problem.js";
import { INSTALL } from "./install_command.js";
import { native } from "./link.js";
import * as permits from "./provider/permits.js";
import * as accounts from "./wallet/accounts.js";
import { plan, resume } from "./wallet/claiming.js";
import * as listening from "./wallet/listening.js";
import * as collecting from "./wallet/collecting.js";
import * as earnings from "./wallet/earnings.js";
import * as networks from "./wallet/networks.js";
import * as points from "./wallet/points.js";
import * as sending from "./wallet/send.js";
import * as sites from "./wallet/sites.js";
import { load, now, set, state } from "./wallet/state.js";
import * as vault from "./wallet/vault.js";

export { runningSession, sessionFor, spoil } from "./wallet/sessions.js";
export { met } from "./wallet/sites.js";
export { question, questions } from "./wallet/collecting.js";
export { load };

/** @param {Pick<typeof now, "changed" | "playing" | "halt" | "decisions" | "asks" | "takeOver">} shell */
export function setUp(shell) {
  Object.assign(now, shell);
  // Claims that a press has planned are sent whether the wallet is open or not.
  load().then(resume, () => undefined);
}

/** Something was earned: it is collected in private, once it is final. */
export const earned = () => void plan().catch(() => undefined);

/**
 * For the player: whether there is a wallet, and whether it takes rewards at this station.
 * @param {{address: string} | null} [station]
 */
export function standing(station = null) {
  const earns = collecting.collectingAt(station);
  return {
    wallet: state.vault === null ? "none" : now.locked ? "locked" : "open",
    rewards: earns === "yes",
    asks: earns === "asks",
  };
}

/** What waits for a decision in the extension's own window may have changed. */
export const asks = () => now.asks();

/** Whether the person agreed to be counted among those who hear each part of a song; null: they never said. */
export const tracking = () => state.tracking;

/** @type {Record<string, (message: any) => Promise<any>>} */
const OPS = {
  ...vault.OPS,
  ...collecting.OPS,
  ...earnings.OPS,
  ...sending.OPS,
  ...accounts.OPS,
  ...networks.OPS,
  ...sites.OPS,
  ...permits.OPS,
  ...listening.OPS,
  ...points.OPS,
  async "wallet.tracking"({ on }) {
    await set({ tracking: on });
    return {};
  },
  async "host.status"() {
    const { state: standing_, version, networks: known, code } = await native("status");
    const ids = (known ?? []).map((/** @type {{chain_id: number}} */ { chain_id }) => chain_id);
    const chain_id = ids.includes(state.chain_id) ? state.chain_id : (ids[0] ?? null);
    return {
      state: standing_,
      version,
      command: INSTALL,
      code: standing_ === "connected" ? null : (code ?? `host.${standing_}`),
      networks: ids,
      chain_id,
    };
  },
};

/** What screens ask by themselves, as they are drawn and as time passes: not a sign of a person. */
const UNMOVED = new Set([
  "wallet.status",
  "wallet.summary",
  "wallet.playing",
  "wallet.decisions",
  "wallet.accounts",
  "wallet.contacts",
  "wallet.networks",
  "wallet.sites",
  "wallet.permits",
  "wallet.listening",
  "host.status",
]);

/** Whether a person did something. @param {any} message */
const isMoved = ({ type, what }) => !UNMOVED.has(type) && !(type === "wallet.points" && what === "look");

/** @param {any} message */
export async function handle(message) {
  await load();
  if (isMoved(message)) vault.touch();
  if (!Object.hasOwn(OPS, message.type)) throw new Problem("message.denied");
  return /** @type {(message: any) => Promise<any>} */ (OPS[message.type])(message);
}
