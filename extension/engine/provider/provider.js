/**
 * Ports of the provider: requests of pages, responses, and events.
 */

import { Problem } from "../../shared/problem.js";
import { tell } from "../link.js";
import { load } from "../wallet/state.js";
import { touch } from "../wallet/vault.js";
import * as approvals from "./approvals.js";
import { asRpc } from "./errors.js";
import { perform } from "./methods.js";
import { accountsOf, networkFor, permitOf } from "./permits.js";

/** @import { ApprovalRequest } from "../../shared/wallet_messages.d.ts" */
/** @import { ProviderRequest, Site } from "../../shared/provider_messages.d.ts" */
/**
 * A page with the accounts and the chain of its latest events.
 * @typedef {{site: Site, accounts: string | null, chain: string | null, permitted: boolean}} ProviderPage
 */

/** @type {Map<number, ProviderPage>} */
const pages = new Map();
/** @type {Set<number>} */
const windows = new Set();
const MAX_RESPONSE_CHARS = 1 << 20;

approvals.onChange((port) => tell(port, { event: "changed" }));

/** Adds a port of the approval window. @param {number} port */
export function openWindow(port) {
  windows.add(port);
  approvals.addWindow(port);
}

/** Adds a port of a page. @param {number} port @param {Site} site */
export function open(port, site) {
  // A reused number belongs to another page.
  if (pages.has(port)) close(port);
  pages.set(port, { site, accounts: null, chain: null, permitted: false });
  load()
    .then(() => update(port))
    .catch(() => undefined);
}

/** Removes a port. @param {number} port */
export function close(port) {
  windows.delete(port);
  pages.delete(port);
  approvals.removePort(port);
}

/** Removes all ports after a restart of the background: their numbers are reused for other pages. */
export function lost() {
  for (const port of [...pages.keys()]) close(port);
  windows.clear();
  approvals.cancelAll();
}

/** Responds to a request of a page. @param {number} port @param {ProviderRequest} request */
export async function onRequest(port, { id, method, params }) {
  const page = pages.get(port);
  if (!page) return;
  /** @param {boolean} ok @param {unknown} value */
  const reply = (ok, value) =>
    pages.get(port) === page && tell(port, { type: "reply", id, ok, body: JSON.stringify(value ?? null) });
  try {
    await load();
    const value = await perform({ port, site: page.site }, method, params);
    if ((JSON.stringify(value ?? null) ?? "").length > MAX_RESPONSE_CHARS)
      throw new Problem("message.schema", { reason: "the answer is too long" });
    // The page gets an event that the request has caused before the response.
    await update(port);
    reply(true, value);
  } catch (error) {
    reply(false, asRpc(error));
  }
}

/**
 * Handles a request of the approval window, whose fields the background has checked.
 * @param {ApprovalRequest} request
 * @returns {Promise<unknown>}
 * @throws {Problem} message.denied for an unknown type, and those of the operation
 */
export async function handle(request) {
  await load();
  if (request.type !== "approval.next" && request.type !== "approval.done") touch();
  if (!Object.hasOwn(approvals.OPS, request.type)) throw new Problem("message.denied");
  const handlers = /** @type {Record<string, (request: never) => Promise<unknown>>} */ (approvals.OPS);
  return handlers[request.type]?.(/** @type {never} */ (request));
}

/** Updates pages and windows after a change of wallet, host or network. */
export function changed() {
  for (const [port, page] of pages) {
    if (page.permitted && !permitOf(page.site)) approvals.cancelOf(page.site);
    void update(port).catch(() => undefined);
  }
  for (const port of windows) tell(port, { event: "changed" });
}

/** Sends a page the events of its changes. @param {number} port */
async function update(port) {
  const page = pages.get(port);
  if (!page) return;
  page.permitted = permitOf(page.site) !== null;
  const chain = await networkFor(page.site).then(
    ({ chain_id }) => `0x${chain_id.toString(16)}`,
    () => null,
  );
  const accounts = accountsOf(page.site);
  // The number may belong to another page by now.
  if (pages.get(port) !== page) return;
  /** @param {string} name @param {unknown} value */
  const sendEvent = (name, value) => tell(port, { type: "event", name, body: JSON.stringify(value) });
  const before = { ...page };
  Object.assign(page, { chain, accounts: JSON.stringify(accounts) });
  if (chain !== before.chain) {
    if (chain === null) sendEvent("disconnect", asRpc(new Problem("host.gone")));
    else if (before.chain === null) sendEvent("connect", { chainId: chain });
    if (chain !== null && before.chain !== null) sendEvent("chainChanged", chain);
  }
  // The first accounts are no change.
  if (page.accounts !== before.accounts && (before.accounts !== null || accounts.length))
    sendEvent("accountsChanged", accounts);
}
