/**
 * The wallet's interface to the other parts of the engine, and the requests of the wallet's screens.
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

/**
 * Sets the engine's hooks and starts planned claims.
 * @param {Pick<typeof now, "changed" | "playing" | "halt" | "decisions" | "asks" | "takeOver">} shell
 */
export function setUp(shell) {
  Object.assign(now, shell);
  // Planned claims are sent whether the wallet is open or not.
  load().then(resume, () => undefined);
}

/** Plans the private collection of a new receipt. */
export const earned = () => void plan().catch(() => undefined);

/**
 * Status for the player: whether there is a wallet, and whether it collects rewards at this station.
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

/** Updates the number of pending decisions. */
export const asks = () => now.asks();

/** Whether the fan agreed to be counted in the statistics of each part of a song; null: not answered. */
export const tracking = () => state.tracking;

/** Operations by message type. @type {Record<string, (message: any) => Promise<any>>} */
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
    const { state: hostState, version, networks, code } = await native("status");
    const ids = (networks ?? []).map(({ chain_id }) => chain_id);
    const chain_id = ids.find((id) => id === state.chain_id) ?? ids[0] ?? null;
    return {
      state: hostState,
      version,
      command: INSTALL,
      code: hostState === "connected" ? null : (code ?? `host.${hostState}`),
      networks: ids,
      chain_id,
    };
  },
};

/** Requests that screens make without a person, as they are drawn and as time passes. */
const AUTOMATIC = new Set([
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

/** Whether a request comes from an action of a person. @param {any} message */
const isPersonal = ({ type, what }) => !AUTOMATIC.has(type) && !(type === "wallet.points" && what === "look");

/** Handles a request of a screen. @param {any} message @throws {Problem} */
export async function handle(message) {
  await load();
  if (isPersonal(message)) vault.touch();
  if (!Object.hasOwn(OPS, message.type)) throw new Problem("message.denied");
  return /** @type {(message: any) => Promise<any>} */ (OPS[message.type])(message);
}
