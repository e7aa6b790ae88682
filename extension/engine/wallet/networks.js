/**
 * The networks of the host, the one in use, and offers of stations to add one.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { networkAt } from "../playback/ticket.js";
import { now, set, state } from "./state.js";

/** @import { Handlers, WalletOperations } from "../../shared/wallet_messages.d.ts" */
/** A network with its contracts. @typedef {import("../../shared/protocol.d.ts").NetworkEntry} Network */

/** The networks of the host. @returns {Promise<Network[]>} */
export async function knownNetworks() {
  const { state: hostState, networks, code } = await native("status");
  if (hostState !== "connected") throw new Problem(code ?? `host.${hostState}`);
  return networks;
}

/**
 * The network in use: the chosen one where the host has it, else the host's first, which is stored as the choice.
 * @returns {Promise<Network>}
 */
export async function networkOf() {
  const all = await knownNetworks();
  const network = all.find(({ chain_id }) => chain_id === state.chain_id) ?? all[0];
  if (!network) throw new Problem("host.network.missing");
  // Stored, so that a network that is added later does not replace it.
  if (state.chain_id === null) await set({ chain_id: network.chain_id });
  return network;
}

/**
 * The offer that was shown last, the only one that can be added.
 * @type {{origin: string, network: Record<string, unknown>, offer: string} | null}
 */
let offered = null;
const ADDRESS = /^0x[0-9a-f]{40}$/;
/** @param {unknown} value @returns {value is string} */
const isAddress = (value) => typeof value === "string" && ADDRESS.test(value);

const MAX_FIELDS = 32;

/**
 * Copies the fields of a network's file; null where it is deeper or longer than the host accepts.
 * @param {unknown} value
 * @param {number} depth
 * @returns {Record<string, unknown> | null}
 */
function flat(value, depth = 1) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const fields = Object.entries(value).map(([name, field]) => [
    name,
    typeof field === "object" ? (depth > 0 ? flat(field, depth - 1) : null) : field,
  ]);
  return fields.length <= MAX_FIELDS && fields.every(([, field]) => field !== null) ? Object.fromEntries(fields) : null;
}

/**
 * The fields of an offered network that are shown.
 * @param {Record<string, unknown> | null} network
 * @returns {(Omit<Network, "epoch_s"> & {node: string}) | null} null where it is no network
 */
function factsOf(network) {
  const { chain_id, rpc, token, settlement, registry } = network ?? {};
  const url = URL.parse(String(rpc));
  const isNumber = typeof chain_id === "number" && Number.isSafeInteger(chain_id) && chain_id > 0;
  if (!isNumber || !isAddress(token) || !isAddress(settlement) || !isAddress(registry)) return null;
  return url && /^(wss?|https?):$/.test(url.protocol)
    ? { chain_id, node: `${url.protocol}//${url.host}`, token, settlement, registry }
    : null;
}

/** Operations of the wallet's screens. @satisfies {Partial<Handlers<WalletOperations>>} */
export const OPS = {
  /** Shows the network that the station at an origin names. */
  async "network.offer"({ origin }) {
    const offer = await networkAt(origin);
    if (!offer) throw new Problem("host.network.none");
    const network = flat(offer);
    const facts = factsOf(network);
    if (!network || !facts) throw new Problem("station.answer");
    // The host gets the node's URL in its parsed form, of which another parser cannot get another host name.
    offered = {
      origin,
      network: { ...network, rpc: URL.parse(String(network["rpc"]))?.href },
      offer: crypto.randomUUID(),
    };
    const same = (/** @type {Network} */ other) =>
      other.chain_id === facts.chain_id && other.settlement === facts.settlement && other.registry === facts.registry;
    return { ...facts, offer: offered.offer, known: (await knownNetworks()).some(same) };
  },
  /** Adds the network that was shown. */
  async "network.add"({ offer }) {
    if (!offered || offered.offer !== offer) throw new Problem("message.schema", { field: "offer" });
    const { origin, network } = offered;
    await native("network", { origin, network });
    now.changed();
    return {};
  },
  async "wallet.networks"() {
    return { networks: await knownNetworks(), chain_id: (await networkOf()).chain_id };
  },
  async "wallet.network"({ chain_id }) {
    if (!(await knownNetworks()).some((network) => network.chain_id === chain_id))
      throw new Problem("message.schema", { field: "chain_id" });
    await set({ chain_id });
    now.changed();
    return {};
  },
};
