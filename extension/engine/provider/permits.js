/**
 * Permits of sites to see an account: one for a site, chosen by a person.
 */

import { Problem } from "../../shared/problem.js";
import { knownNetworks, networkOf } from "../wallet/networks.js";
import { now, set, state } from "../wallet/state.js";

/** @import { Site } from "../../shared/provider_messages.d.ts" */
/** @import { AccountPermit as Permit } from "../../shared/wallet_sites.d.ts" */
/** @import { Handlers, WalletOperations } from "../../shared/wallet_messages.d.ts" */

const MAX_PERMITS = 500;

/** True if two sites are the same. @param {Site} a @param {Site} b */
const same = (a, b) => a.origin === b.origin && (a.top ?? null) === (b.top ?? null);

/** Permit of a site for an account of this wallet. @param {Site} site @returns {Permit | null} */
export function permitOf(site) {
  return (
    state.permits.find(
      (permit) => same(permit, site) && state.accounts.some(({ address }) => address === permit.account),
    ) ?? null
  );
}

/** Permit of a site. @param {Site} site @returns {Permit} @throws {Problem} site.account */
export function required(site) {
  const permit = permitOf(site);
  if (!permit) throw new Problem("site.account");
  return permit;
}

/**
 * Accounts that a site may see.
 * @param {Site} site
 * @returns {string[]} empty without a permit and while the wallet is locked
 */
export function accountsOf(site) {
  const permit = permitOf(site);
  return permit && !now.locked ? [permit.account] : [];
}

/** Creates or changes a permit. @param {Site} site @param {Partial<Permit>} change */
export async function permit({ origin, top }, change) {
  const old = permitOf({ origin, top });
  const changed = {
    origin,
    top,
    account: "",
    chain_id: null,
    time_s: Math.floor(Date.now() / 1000),
    ...old,
    ...change,
  };
  await set({ permits: [changed, ...state.permits.filter((item) => !same(item, changed))].slice(0, MAX_PERMITS) });
  now.changed();
}

/** Removes a permit. @param {Site} site */
export async function revoke(site) {
  await set({ permits: state.permits.filter((item) => !same(item, site)) });
  now.changed();
}

/**
 * Network of a site: that of its permit, else the one in use. A site without a permit gets the host's first one, which
 * does not reveal the fan's choice.
 * @param {Site} site
 */
export async function networkFor(site) {
  const permit = permitOf(site);
  const all = await knownNetworks();
  const network = permit ? (all.find(({ chain_id }) => chain_id === permit.chain_id) ?? (await networkOf())) : all[0];
  if (!network) throw new Problem("chain.unreachable");
  return network;
}

/** Permissions of a site in the form of EIP-2255. @param {Site} site */
export function permissionsOf(site) {
  const permit = permitOf(site);
  if (!permit) return [];
  const caveats = [{ type: "restrictReturnedAccounts", value: [permit.account] }];
  return [{ invoker: site.origin, parentCapability: "eth_accounts", date: permit.time_s * 1000, caveats }];
}

/** Operations of the wallet's screens. @satisfies {Partial<Handlers<WalletOperations>>} */
export const OPS = {
  async "wallet.permits"() {
    return {
      permits: state.permits.map((item) => ({
        ...item,
        name: state.accounts.find(({ address }) => address === item.account)?.name ?? "",
      })),
    };
  },
  async "wallet.permit.revoke"({ origin, top }) {
    await revoke({ origin, top: top ?? null });
    return {};
  },
};
