/**
 * Errors for sites: codes of EIP-1193, EIP-1474 and EIP-3326 with GoMAA's code as data, without data about the fan or
 * the computer.
 */

import { Problem } from "../../shared/problem.js";

/** Number and message by code. @type {Readonly<Record<string, [number, string]>>} */
const CODES = {
  "wallet.refused": [4001, "The user refused"],
  "site.account": [4100, "Not authorised: ask for eth_requestAccounts first"],
  "wallet.missing": [4100, "There is no wallet yet"],
  "wallet.locked": [4100, "The wallet is locked"],
  "wallet.unsupported": [4200, "Not supported, on purpose"],
  "host.missing": [4900, "The wallet is disconnected"],
  "host.gone": [4900, "The wallet is disconnected"],
  "host.slow": [4900, "The wallet is disconnected"],
  "host.version": [4900, "The wallet is disconnected"],
  "chain.unreachable": [4901, "The network does not answer"],
  "site.network": [4902, "The wallet does not know this network, and a site cannot add one"],
  "site.waiting": [-32002, "Asked already: the user has not answered yet"],
  "message.flood": [-32005, "Too many requests"],
  "message.schema": [-32602, "Invalid parameters"],
  "chain.reverted": [3, "execution reverted"],
  "wallet.fee": [-32003, "Too little of the network's coin"],
  "chain.funds": [-32003, "Too little of the network's coin"],
  "wallet.quote": [-32003, "The fee that was shown is not valid any more"],
};
/**
 * Codes that are reported to a site as another one, which reveals less.
 * @type {Readonly<Record<string, string>>}
 */
const REPORTED_AS = {
  "chain.mismatch": "chain.unreachable",
  "host.message.schema": "message.schema",
  "host.frame.size": "message.schema",
  "wallet.recipient": "message.schema",
};
/** Codes that are reported with the details `field` and `reason`. */
const DETAILED = new Set(["message.schema", "chain.reverted", "wallet.unsupported"]);

/**
 * An error as a JSON-RPC error for a site.
 * @param {unknown} error
 * @returns {{code: number, message: string, data: {code: string, field?: string, reason?: string}}}
 */
export function asRpc(error) {
  const problem = Problem.of(error);
  const { detail } = problem;
  const code =
    REPORTED_AS[problem.code] ??
    (problem.code.startsWith("host.") && !CODES[problem.code] ? "host.gone" : problem.code);
  const [number, message] = CODES[code] ?? [-32603, "Internal error"];
  const field = DETAILED.has(code) && typeof detail["field"] === "string" ? detail["field"] : undefined;
  const reason = DETAILED.has(code) && typeof detail["reason"] === "string" ? detail["reason"] : undefined;
  const details = [field, reason].filter(Boolean).join(": ");
  return {
    code: number,
    message: details ? `${message}: ${details}` : message,
    data: { code: CODES[code] ? code : "internal", ...(field ? { field } : {}), ...(reason ? { reason } : {}) },
  };
}

/** Error of a request's parameter. @param {string} field @param {string} reason */
export const invalid = (field, reason) => new Problem("message.schema", { field, reason });
