/**
 * The networks that the host knows, the one in use, and one that a station names.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { networkAt } from "../playback/ticket.js";
import { now, set, state } from "./state.js";

/** @typedef {{chain_id: number, settlement: string, token: string, registry: string, epoch_s: number}} Network */

/** @returns {Promise<Network[]>} */
export async function knownNetworks() {
  const { state: standing, networks, code } = await native("status");
  if (standing !== "connected") throw new Problem(code ?? `host.${standing}`);
  return networks;
}

/**
 * The one in use: the chosen one while the host knows it, else the host's first, which is the chosen one from then on.
 * @returns {Promise<Network>}
 */
export async function networkOf() {
  const all = await knownNetworks();
  const network = all.find(({ chain_id }) => chain_id === state.chain_id) ?? all[0];
  if (!network) throw new Problem("host.network.missing");
  // A network that is added later, whatever its number, never takes the place of the one whose balance is shown.
  if (state.chain_id === null) await set({ chain_id: network.chain_id });
  return network;
}

/** @type {{origin: string, network: any, offer: string} | null} what was shown last, and nothing else can be added */
let offered = null;
const ADDRESS = /^0x[0-9a-f]{40}$/;

const MOST_FIELDS = 32;

/**
 * A network's fields as its file has them; null for what is deeper or longer: the host could not read it.
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
  return fields.length <= MOST_FIELDS && fields.every(([, field]) => field !== null)
    ? Object.fromEntries(fields)
    : null;
}

/**
 * What is shown of a network that a station names.
 * @param {any} network
 * @returns {(Omit<Network, "epoch_s"> & {node: string}) | null} null where it is none
 */
function shown(network) {
  const { chain_id, rpc, token, settlement, registry } = network ?? {};
  const url = URL.parse(String(rpc));
  const good =
    Number.isSafeInteger(chain_id) &&
    chain_id > 0 &&
    [token, settlement, registry].every((one) => typeof one === "string" && ADDRESS.test(one));
  return good && url && /^(wss?|https?):$/.test(url.protocol)
    ? { chain_id, node: `${url.protocol}//${url.host}`, token, settlement, registry }
    : null;
}

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  /** The network that the station at an origin names. */
  async "network.offer"({ origin }) {
    const named = await networkAt(origin);
    if (!named) throw new Problem("host.network.none");
    const network = flat(named);
    const facts = shown(network);
    if (!network || !facts) throw new Problem("station.answer");
    // The host gets the node's address as it was read here: another reader may find another host in the station's text.
    offered = {
      origin,
      network: { ...network, rpc: URL.parse(String(network["rpc"]))?.href },
      offer: crypto.randomUUID(),
    };
    const same = (/** @type {Network} */ one) =>
      one.chain_id === facts.chain_id && one.settlement === facts.settlement && one.registry === facts.registry;
    return { ...facts, offer: offered.offer, known: (await knownNetworks()).some(same) };
  },
  /** The person has read it and agreed. */
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
