/**
 * Methods of the provider. Others are refused with 4200 and a reason.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { knownNetworks } from "../wallet/networks.js";
import { now, state } from "../wallet/state.js";
import * as approvals from "./approvals.js";
import { invalid } from "./errors.js";
import { accountsOf, networkFor, permit, permitOf, required, revoke, permissionsOf } from "./permits.js";
import { personalSign, sendTransaction, typedSign } from "./signing.js";

/** @import { Site } from "../../shared/provider_messages.d.ts" */
/** @typedef {import("./signing.js").Requester} Requester */

/** Methods that the network's node performs for sites with a permit; the host has the same list. */
export const READS = new Set([
  "eth_blockNumber",
  "eth_call",
  "eth_estimateGas",
  "eth_feeHistory",
  "eth_gasPrice",
  "eth_getBalance",
  "eth_getBlockByHash",
  "eth_getBlockByNumber",
  "eth_getCode",
  "eth_getLogs",
  "eth_getStorageAt",
  "eth_getTransactionByHash",
  "eth_getTransactionCount",
  "eth_getTransactionReceipt",
  "eth_maxPriorityFeePerGas",
]);

/** Reasons for refusing methods of other wallets. @type {Readonly<Record<string, string>>} */
export const REFUSED = {
  eth_sign:
    "it signs any 32 bytes, and nobody could tell you what they mean; use eth_signTypedData_v4 or personal_sign",
  eth_signTransaction: "use eth_sendTransaction",
  eth_sendRawTransaction: "use eth_sendTransaction",
  eth_signTypedData: "use eth_signTypedData_v4",
  eth_signTypedData_v1: "use eth_signTypedData_v4",
  eth_signTypedData_v3: "use eth_signTypedData_v4",
  eth_decrypt: "the account's key decrypts nothing",
  eth_getEncryptionPublicKey: "the account's key decrypts nothing",
  eth_subscribe: "ask again instead",
  wallet_watchAsset: "GoMAA shows GoMAA",
};

/** True if a request for permissions names `eth_accounts` only. @param {unknown} value */
const isAccountsOnly = (value) =>
  typeof value === "object" && value !== null && Object.keys(value).join() === "eth_accounts";
/** Encodes a chain id as a quantity. @param {number} id */
const hex = (id) => `0x${id.toString(16)}`;

/** @type {Record<string, (requester: Requester, params: unknown[]) => Promise<unknown>>} */
const METHODS = {
  async eth_accounts({ site }) {
    return accountsOf(site);
  },
  async eth_requestAccounts(requester) {
    const ready = accountsOf(requester.site);
    if (ready.length) return ready;
    return permitOf(requester.site) ? unlock(requester) : connect(requester);
  },
  async wallet_requestPermissions(requester, [value]) {
    if (!isAccountsOnly(value)) throw invalid("params[0]", "eth_accounts is all there is to permit");
    await connect(requester);
    return permissionsOf(requester.site);
  },
  async wallet_getPermissions({ site }) {
    return permissionsOf(site);
  },
  async wallet_revokePermissions({ site }, [value]) {
    if (!isAccountsOnly(value)) throw invalid("params[0]", "eth_accounts is all there is to revoke");
    await revoke(site);
    return null;
  },
  async eth_chainId({ site }) {
    return hex((await networkFor(site)).chain_id);
  },
  async net_version({ site }) {
    return String((await networkFor(site)).chain_id);
  },
  async web3_clientVersion() {
    return "GoMAA";
  },
  wallet_switchEthereumChain: switchTo,
  // A site cannot add a network, only switch to one of the host's.
  wallet_addEthereumChain: switchTo,
  personal_sign: personalSign,
  eth_signTypedData_v4: typedSign,
  eth_sendTransaction: sendTransaction,
};

/** Requests an account from a person. @param {Requester} requester */
async function connect({ port, site }) {
  if (state.vault === null) throw new Problem("wallet.missing");
  const readFacts = async () => ({
    accounts: state.accounts,
    current: permitOf(site)?.account ?? state.account,
    again: permitOf(site) !== null,
  });
  return approvals.requestApproval(port, site, "connect", readFacts, async (_, account) => {
    if (!state.accounts.some(({ address }) => address === account)) throw invalid("account", "not this wallet's");
    await permit(site, { account: String(account) });
    return [account];
  });
}

/** Requests the unlocking of the wallet from a person. @param {Requester} requester */
async function unlock({ port, site }) {
  return approvals.requestApproval(
    port,
    site,
    "unlock",
    async () => ({ account: permitOf(site)?.account ?? null }),
    async () => accountsOf(site),
  );
}

/** Requests the switch of the site's network from a person. @param {Requester} requester @param {unknown[]} params */
async function switchTo({ port, site }, [value]) {
  required(site);
  const { chainId: id } = /** @type {{chainId?: unknown}} */ (value ?? {});
  if (typeof id !== "string" || !/^0x[1-9a-f][0-9a-f]{0,12}$/i.test(id))
    throw invalid("chainId", 'a 0x-quantity without leading zeros expected, such as "0x7a69"');
  const chain_id = Number(id);
  if (!(await knownNetworks()).some((network) => network.chain_id === chain_id)) throw new Problem("site.network");
  const from = (await networkFor(site)).chain_id;
  if (from === chain_id) return null;
  return approvals.requestApproval(
    port,
    site,
    "network",
    async () => ({ from, chain_id }),
    async () => {
      required(site);
      await permit(site, { chain_id });
      return null;
    },
  );
}

/**
 * Performs a request of a site.
 * @param {Requester} requester
 * @param {string} method
 * @param {string} text params as JSON
 * @returns {Promise<unknown>}
 * @throws {Problem} wallet.unsupported, message.schema, site.account, wallet.locked, and those of the method
 */
export async function perform(requester, method, text) {
  const handler = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (!handler && !READS.has(method))
    throw new Problem("wallet.unsupported", { reason: Object.hasOwn(REFUSED, method) ? REFUSED[method] : "not known" });
  let params;
  try {
    params = JSON.parse(text);
  } catch {
    throw invalid("params", "no JSON");
  }
  /** @type {unknown[]} */
  const list = Array.isArray(params) ? params : [params];
  if (handler) return handler(requester, list);
  required(requester.site);
  if (now.locked) throw new Problem("wallet.locked");
  // Some nodes reject an upper-case prefix.
  const plain = JSON.parse(JSON.stringify(list), (_, item) =>
    typeof item === "string" && item.startsWith("0X") ? `0x${item.slice(2)}` : item,
  );
  const { value } = await native("read", {
    chain_id: (await networkFor(requester.site)).chain_id,
    method,
    params: plain,
  });
  return value;
}
