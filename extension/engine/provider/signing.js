/**
 * Signatures and transactions for sites: the core parses them for the approval window, and signs the same text.
 */

import { Problem } from "../../shared/problem.js";
import { moment, since } from "../clock.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { knownNetworks } from "../wallet/networks.js";
import { dispatch, nextNonce } from "../wallet/transfers.js";
import { state } from "../wallet/state.js";
import { requestApproval } from "./approvals.js";
import { invalid } from "./errors.js";
import { networkFor, permitOf, required } from "./permits.js";

/** @import { TransactionFacts } from "../../shared/approval_messages.d.ts" */
/** @import { Site } from "../../shared/provider_messages.d.ts" */
/** Port and site of a request. @typedef {{port: number, site: Site}} Requester */

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
 * The permitted account, which a request has to contain.
 * @param {Site} site
 * @param {unknown} address in the request
 * @param {string} field of the request
 * @throws {Problem} site.account, message.schema
 */
function accountFor(site, address, field) {
  const { account } = required(site);
  if (typeof address !== "string") throw invalid(field, "an address expected");
  if (address.toLowerCase() !== account) throw new Problem("site.account");
  return account;
}

/**
 * Index of the account at the time of the approval.
 * @param {Site} site
 * @param {string} account
 * @throws {Problem} site.account where the account or the permit was removed
 */
function indexOf(site, account) {
  const match = state.accounts.find(({ address }) => address === account);
  if (!match || permitOf(site)?.account !== account) throw new Problem("site.account");
  return match.index;
}

/** personal_sign (EIP-191). @param {Requester} requester @param {unknown[]} params */
export async function personalSign({ port, site }, [data, address]) {
  if (typeof data !== "string") throw invalid("params[0]", "text or 0x-hex expected");
  const account = accountFor(site, address, "params[1]");
  const readFacts = async () => {
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
  return requestApproval(
    port,
    site,
    "personal",
    readFacts,
    async (facts) =>
      (await python("personal.sign", { index: indexOf(site, account), hex: facts.hex, account })).signature,
  );
}

/** eth_signTypedData_v4 (EIP-712). @param {Requester} requester @param {unknown[]} params */
export async function typedSign({ port, site }, [address, request]) {
  const account = accountFor(site, address, "params[0]");
  const data = typeof request === "string" ? request : JSON.stringify(request ?? null);
  const typedRequest = async () => ({
    data,
    chain_id: (await networkFor(site)).chain_id,
    own: (await knownNetworks()).map(({ settlement }) => settlement),
  });
  const readFacts = async () => {
    const request = await typedRequest();
    return { account, put: request, network: request.chain_id, ...(await python("typed.read", request)) };
  };
  // Signed for the chain that was shown, also after a switch of the site's network.
  return requestApproval(
    port,
    site,
    "typed",
    readFacts,
    async (facts) => (await python("typed.sign", { ...facts.put, index: indexOf(site, account), account })).signature,
  );
}

/** eth_sendTransaction. @param {Requester} requester @param {unknown[]} params */
export async function sendTransaction({ port, site }, [request]) {
  const call = callOf(request);
  const account = accountFor(site, call.from, "from");
  const readFacts = async () => {
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
    /** @type {TransactionFacts["place"]} */
    const contract =
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
      place: contract,
      chain_id: network.chain_id,
      fee_wei: cost.fee_wei,
      most_wei: cost.most_wei,
      says: await python("call.read", { data: call.data, standard: cost.standard ?? "other", account }),
      standard: cost.standard,
      token: network.token,
      // Effects are unknown after a pending transaction that the node does not have.
      effects: nonce === cost.nonce ? (cost.effects ?? null) : null,
      costs: { nonce, gas: cost.gas, tip_wei: cost.tip_wei, max_fee_wei: cost.max_fee_wei },
    };
  };
  const perform = async (/** @type {TransactionFacts} */ facts) => {
    if (since(facts.at) > QUOTE_MS) throw new Problem("wallet.quote");
    const { chain_id, to, value_wei, data, says, place } = facts;
    const signed = { index: indexOf(site, account), chain_id, ...facts.costs, to, value_wei, data };
    // A transfer of tokens is listed with its recipient, any other call with the contract and its coin.
    const isTransfer = place === "token" && says.kind === "transfer";
    const fields = {
      account,
      to: isTransfer ? (says.other ?? to).toLowerCase() : to,
      amount_wei: isTransfer ? (says.amount ?? "0") : "0",
      most_wei: facts.most_wei,
      site: site.origin,
      value_wei,
    };
    return (await dispatch(signed, fields)).transaction;
  };
  return requestApproval(port, site, "send", readFacts, perform);
}

/**
 * Parses a transaction request; a field that would not be shown is refused.
 * @param {unknown} request
 * @throws {Problem} message.schema
 */
export function callOf(request) {
  if (typeof request !== "object" || request === null || Array.isArray(request))
    throw invalid("params[0]", "a transaction expected");
  for (const name of Object.keys(request)) if (!FIELDS.has(name)) throw invalid(name, "not known");
  const fields = /** @type {Record<string, unknown>} */ (request);
  const { from, to, data = fields["input"] ?? "0x", input = data } = fields;
  if (typeof to !== "string") throw invalid("to", "GoMAA creates no contracts");
  if (typeof data !== "string" || !/^0x([0-9a-f]{2})*$/i.test(data) || data.length > 131_074)
    throw invalid("data", "0x-hex of at most 64 KiB");
  if (typeof input !== "string" || input.toLowerCase() !== data.toLowerCase())
    throw invalid("input", "another than data");
  return {
    from,
    to,
    data: data.toLowerCase(),
    value: quantity(fields["value"], "value") ?? 0n,
    nonce: quantity(fields["nonce"], "nonce"),
    chainId: quantity(fields["chainId"], "chainId"),
  };
}

/** Parses a quantity; null where it is absent. @param {unknown} value @param {string} field */
function quantity(value, field) {
  if (value === undefined || value === null) return null;
  if (typeof value !== "string" || !/^0x[0-9a-f]{1,64}$/i.test(value)) throw invalid(field, "a 0x-quantity expected");
  return BigInt(value);
}
