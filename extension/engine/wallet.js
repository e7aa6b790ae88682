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

export { expireSession, runningSession, sessionFor } from "./wallet/sessions.js";
export { reportSite } from "./wallet/sites.js";
export { addQuestion, pendingQuestions } from "./wallet/collecting.js";
export { load };

/** @import { WalletAtStation } from "../shared/player_messages.d.ts" */
/** @import { Handlers, WalletOperations, WalletRequest } from "../shared/wallet_messages.d.ts" */

/**
 * Sets the engine's callbacks and starts planned claims.
 * @param {Pick<typeof now, "changed" | "playing" | "pauseSite" | "decisions" | "decisionsChanged" | "takeOver">}
 *   callbacks
 */
export function setUp(callbacks) {
  Object.assign(now, callbacks);
  // Planned claims are sent also while the wallet is locked.
  load().then(resume, () => undefined);
}

/** Plans the private collection of a new receipt. */
export const onReceipt = () => void plan().catch(() => undefined);

/**
 * Status for the player: whether there is a wallet, and whether it collects rewards at a station.
 * @param {{address: string} | null} [station]
 * @returns {WalletAtStation}
 */
export function statusAt(station = null) {
  const collects = collecting.collectingAt(station);
  return {
    wallet: state.vault === null ? "none" : now.locked ? "locked" : "open",
    rewards: collects === "yes",
    asks: collects === "asks",
  };
}

/** Updates the number of pending decisions. */
export const decisionsChanged = () => now.decisionsChanged();

/** Consent of the fan to counts for each segment of a song; null: not answered. */
export const tracking = () => state.tracking;

/** Operations by message type. @satisfies {Handlers<WalletOperations>} */
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

/** Requests that screens send without an action of a person. */
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

/** True if a request is from an action of a person. @param {WalletRequest} request */
const isPersonal = (request) =>
  !AUTOMATIC.has(request.type) && !(request.type === "wallet.points" && request.what === "look");

/**
 * Handles a request of a screen, whose fields the background has checked.
 * @param {WalletRequest} request
 * @returns {Promise<unknown>}
 * @throws {Problem} message.denied for an unknown type, and those of the operation
 */
export async function handle(request) {
  await load();
  if (isPersonal(request)) vault.touch();
  if (!Object.hasOwn(OPS, request.type)) throw new Problem("message.denied");
  const handlers = /** @type {Record<string, (request: never) => Promise<unknown>>} */ (OPS);
  return handlers[request.type]?.(/** @type {never} */ (request));
}
