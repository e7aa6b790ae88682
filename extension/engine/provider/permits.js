/**
 * Which site may see which account. One account for a site, the one that a person chose; without a permit a site sees
 * none.
 */

import { Problem } from "../../shared/problem.js";
import { knownNetworks, networkOf } from "../wallet/networks.js";
import { now, set, state } from "../wallet/state.js";

/** @typedef {import("../wallet/state.js").Permit} Permit */
/** @typedef {{origin: string, top: string | null}} Site */

const MOST = 500;

/** @param {Site} a @param {Site} b */
const same = (a, b) => a.origin === b.origin && (a.top ?? null) === (b.top ?? null);

/** A permit of an account that this wallet no longer has is none. @param {Site} site @returns {Permit | null} */
export function permitOf(site) {
  return (
    state.permits.find(
      (permit) => same(permit, site) && state.accounts.some(({ address }) => address === permit.account),
    ) ?? null
  );
}

/** @param {Site} site @returns {Permit} */
export function required(site) {
  const permit = permitOf(site);
  if (!permit) throw new Problem("site.account");
  return permit;
}

/**
 * @param {Site} site
 * @returns {string[]} what eth_accounts says: nothing without a permit, and nothing while the wallet is locked
 */
export function accountsOf(site) {
  const permit = permitOf(site);
  return permit && !now.locked ? [permit.account] : [];
}

/** @param {Site} site @param {Partial<Permit>} change */
export async function permit({ origin, top }, change) {
  const old = permitOf({ origin, top });
  const made = { origin, top, account: "", chain_id: null, time_s: Math.floor(Date.now() / 1000), ...old, ...change };
  await set({ permits: [made, ...state.permits.filter((one) => !same(one, made))].slice(0, MOST) });
  now.changed();
}

/** @param {Site} site */
export async function revoke(site) {
  await set({ permits: state.permits.filter((one) => !same(one, site)) });
  now.changed();
}

/**
 * The network that a site is on: its own choice, else the one in use. Without a permit a site hears of the host's first
 * one, whatever the fan chose.
 * @param {Site} site
 */
export async function networkFor(site) {
  const permit = permitOf(site);
  const all = await knownNetworks();
  const found = permit ? (all.find(({ chain_id }) => chain_id === permit.chain_id) ?? (await networkOf())) : all[0];
  if (!found) throw new Problem("chain.unreachable");
  return found;
}

/** EIP-2255's form. @param {Site} site */
export function told(site) {
  const permit = permitOf(site);
  if (!permit) return [];
  const caveats = [{ type: "restrictReturnedAccounts", value: [permit.account] }];
  return [{ invoker: site.origin, parentCapability: "eth_accounts", date: permit.time_s * 1000, caveats }];
}

/** For the screens. @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  async "wallet.permits"() {
    return {
      permits: state.permits.map((one) => ({
        ...one,
        name: state.accounts.find(({ address }) => address === one.account)?.name ?? "",
      })),
    };
  },
  async "wallet.permit.revoke"({ origin, top }) {
    await revoke({ origin, top: top ?? null });
    return {};
  },
};
