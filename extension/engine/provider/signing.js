/**
 * Signatures and transactions for sites: parsed by the core, shown, and signed from the same text.
 */

import { Problem } from "../../shared/problem.js";
import { moment, since } from "../clock.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { knownNetworks } from "../wallet/networks.js";
import { dispatch, nextNonce } from "../wallet/transfers.js";
import { state } from "../wallet/state.js";
import { ask } from "./approvals.js";
import { invalid } from "./errors.js";
import { networkFor, permitOf, required } from "./permits.js";

/** @typedef {import("./permits.js").Site} Site */
/** The port and the site of a request. @typedef {{port: number, site: Site}} Asker */

const QUOTE_MS = 120_000;
const FIELDS = new Set([
  "from",
  "to",
  "value",
  "data",
  "input",
  "gas",
  "gasLimit",
  "gasPrice",
  "maxFeePerGas",
  "maxPriorityFeePerGas",
  "nonce",
  "chainId",
  "type",
]);

/**
 * The permitted account, which the site has to name.
 * @param {Site} site
 * @param {unknown} named
 * @param {string} field
 */
function accountFor(site, named, field) {
  const { account } = required(site);
  if (typeof named !== "string" || named.toLowerCase() !== account) {
    if (typeof named !== "string") throw invalid(field, "an address expected");
    throw new Problem("site.account");
  }
  return account;
}

/**
 * The index of the account, where it and the permit still exist at the approval.
 * @param {Site} site
 * @param {string} account
 */
function indexOf(site, account) {
  const match = state.accounts.find(({ address }) => address === account);
  if (!match || permitOf(site)?.account !== account) throw new Problem("site.account");
  return match.index;
}

/** personal_sign (EIP-191). @param {Asker} asker @param {unknown[]} params */
export async function personalSign({ port, site }, [data, address]) {
  if (typeof data !== "string") throw invalid("params[0]", "text or 0x-hex expected");
  const account = accountFor(site, address, "params[1]");
  const look = async () => {
    const { chain_id } = await networkFor(site);
    return {
      account,
      ...(await python("personal.read", {
        data,
        origin: site.origin,
        account,
        chain_id,
        now_s: Math.floor(Date.now() / 1000),
      })),
    };
  };
  return ask(
    port,
    site,
    "personal",
    look,
    async ({ facts }) =>
      (await python("personal.sign", { index: indexOf(site, account), hex: facts.hex, account })).signature,
  );
}

/** eth_signTypedData_v4 (EIP-712). @param {Asker} asker @param {unknown[]} params */
export async function typedSign({ port, site }, [address, request]) {
  const account = accountFor(site, address, "params[0]");
  const data = typeof request === "string" ? request : JSON.stringify(request ?? null);
  const question = async () => ({
    data,
    chain_id: (await networkFor(site)).chain_id,
    own: (await knownNetworks()).map(({ settlement }) => settlement),
  });
  const look = async () => {
    const request = await question();
    return { account, put: request, network: request.chain_id, ...(await python("typed.read", request)) };
  };
  // Signed for the chain that was shown, also where the site has switched since.
  return ask(
    port,
    site,
    "typed",
    look,
    async ({ facts }) =>
      (await python("typed.sign", { ...facts.put, index: indexOf(site, account), account })).signature,
  );
}

/** eth_sendTransaction. @param {Asker} asker @param {unknown[]} params */
export async function sendTransaction({ port, site }, [request]) {
  const call = callOf(request);
  const account = accountFor(site, call.from, "from");
  const look = async () => {
    const network = await networkFor(site);
    if (call.chainId !== null && call.chainId !== BigInt(network.chain_id))
      throw invalid("chainId", "another network than this site's");
    const { account: to, checksum } = await python("recipient", { text: call.to });
    const value_wei = call.value.toString();
    const cost = await native("simulate", {
      chain_id: network.chain_id,
      account,
      to,
      value_wei,
      data: call.data,
      effects: true,
    });
    if (BigInt(cost.coin_wei) < BigInt(cost.most_wei) + call.value) throw new Problem("wallet.fee");
    const nonce = nextNonce(account, network.chain_id, cost.nonce);
    if (call.nonce !== null && call.nonce !== BigInt(nonce)) throw invalid("nonce", "not the account's next");
    const place =
      to === network.token
        ? "token"
        : to === network.settlement
          ? "settlement"
          : to === network.registry
            ? "registry"
            : null;
    return {
      at: moment(),
      account,
      to,
      checksum,
      value_wei,
      data: call.data,
      place,
      chain_id: network.chain_id,
      fee_wei: cost.fee_wei,
      most_wei: cost.most_wei,
      says: await python("call.read", { data: call.data, standard: cost.standard, account }),
      standard: cost.standard,
      token: network.token,
      // Effects are unknown behind a pending transaction that the node does not have.
      effects: nonce === cost.nonce ? (cost.effects ?? null) : null,
      costs: { nonce, gas: cost.gas, tip_wei: cost.tip_wei, max_fee_wei: cost.max_fee_wei },
    };
  };
  const perform = async (/** @type {{facts: any}} */ { facts }) => {
    if (since(facts.at) > QUOTE_MS) throw new Problem("wallet.quote");
    const { chain_id, to, value_wei, data, says, place } = facts;
    const signed = { index: indexOf(site, account), chain_id, ...facts.costs, to, value_wei, data };
    // A transfer of tokens is listed with its recipient, any other call with the contract and its coin.
    const transfer = place === "token" && says.kind === "transfer";
    const fields = {
      account,
      to: transfer ? says.other.toLowerCase() : to,
      amount_wei: transfer ? says.amount : "0",
      most_wei: facts.most_wei,
      site: site.origin,
      value_wei,
    };
    return (await dispatch(signed, fields)).transaction;
  };
  return ask(port, site, "send", look, perform);
}

/**
 * Parses a transaction request; a field that would not be shown is refused.
 * @param {any} request
 */
export function callOf(request) {
  if (typeof request !== "object" || request === null || Array.isArray(request))
    throw invalid("params[0]", "a transaction expected");
  for (const name of Object.keys(request)) if (!FIELDS.has(name)) throw invalid(name, "not known");
  const { from, to, data = request.input ?? "0x", input = data } = request;
  if (typeof to !== "string") throw invalid("to", "GoMAA creates no contracts");
  if (typeof data !== "string" || !/^0x([0-9a-f]{2})*$/i.test(data) || data.length > 131_074)
    throw invalid("data", "0x-hex of at most 64 KiB");
  if (typeof input !== "string" || input.toLowerCase() !== data.toLowerCase())
    throw invalid("input", "another than data");
  return {
    from,
    to,
    data: data.toLowerCase(),
    value: quantity(request.value, "value") ?? 0n,
    nonce: quantity(request.nonce, "nonce"),
    chainId: quantity(request.chainId, "chainId"),
  };
}

/** @param {unknown} value @param {string} field */
function quantity(value, field) {
  if (value === undefined || value === null) return null;
  if (typeof value !== "string" || !/^0x[0-9a-f]{1,64}$/i.test(value)) throw invalid(field, "a 0x-quantity expected");
  return BigInt(value);
}
