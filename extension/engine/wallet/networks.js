/**
 * The networks that the host knows, and the one in use.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { now, set, state } from "./state.js";

/** @typedef {{chain_id: number, settlement: string, token: string, registry: string, epoch_s: number}} Network */

/** @returns {Promise<Network[]>} */
export async function known() {
  const { state: standing, networks } = await native("status");
  if (standing !== "connected") throw new Problem(`host.${standing}`);
  return networks;
}

/** The one in use: the chosen one while the host knows it, else the host's first. @returns {Promise<Network>} */
export async function networkOf() {
  const all = await known();
  const found = all.find(({ chain_id }) => chain_id === state.chain_id) ?? all[0];
  if (!found) throw new Problem("chain.unreachable", { reason: "the host knows no network" });
  return found;
}

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  async "wallet.networks"() {
    return { networks: await known(), chain_id: (await networkOf()).chain_id };
  },
  async "wallet.network"({ chain_id }) {
    if (!(await known()).some((network) => network.chain_id === chain_id)) throw new Problem("message.schema", { field: "chain_id" });
    await set({ chain_id });
    now.changed();
    return {};
  },
};
