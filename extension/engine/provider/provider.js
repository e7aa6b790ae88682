/**
 * The provider's ports: questions of pages, their answers, and what changes for each site.
 */

import { Problem } from "../../shared/problem.js";
import { tell } from "../link.js";
import { load } from "../wallet/state.js";
import { touch } from "../wallet/vault.js";
import * as approvals from "./approvals.js";
import { asRpc } from "./errors.js";
import { answer } from "./methods.js";
import { accountsOf, networkFor, permitOf } from "./permits.js";

/** @typedef {import("./permits.js").Site} Site */
/**
 * @typedef {{site: Site, accounts: string | null, chain: string | null, permitted: boolean}} Page as it was last told
 */

/** @type {Map<number, Page>} */
const pages = new Map();
/** @type {Set<number>} */
const windows = new Set();
const MOST_BODY = 1 << 20;

approvals.setTeller((port) => tell(port, { event: "changed" }));

/** @param {number} port @param {string} kind @param {Site} site */
export function open(port, kind, site) {
  if (kind === "approval") {
    windows.add(port);
    approvals.opened(port);
    return;
  }
  // A number that is given anew belongs to another page.
  if (pages.has(port)) close(port);
  pages.set(port, { site, accounts: null, chain: null, permitted: false });
  load()
    .then(() => update(port))
    .catch(() => undefined);
}

/** @param {number} port */
export function close(port) {
  windows.delete(port);
  pages.delete(port);
  approvals.closed(port);
}

/** The background was restarted and numbers its ports anew: an answer to an old number would reach another page. */
export function lost() {
  for (const port of [...pages.keys()]) close(port);
  windows.clear();
  approvals.lost();
}

/** @param {number} port @param {{id: number, method: string, params: string}} message */
export async function onRequest(port, { id, method, params }) {
  const page = pages.get(port);
  if (!page) return;
  /** @param {boolean} ok @param {unknown} value */
  const reply = (ok, value) =>
    pages.get(port) === page && tell(port, { type: "reply", id, ok, body: JSON.stringify(value ?? null) });
  try {
    await load();
    const value = await answer({ port, site: page.site }, method, params);
    if ((JSON.stringify(value ?? null) ?? "").length > MOST_BODY)
      throw new Problem("message.schema", { reason: "the answer is too long" });
    // A page that hears of its account hears it as the answer; the event for the same is told first.
    await update(port);
    reply(true, value);
  } catch (error) {
    reply(false, asRpc(error));
  }
}

/** @param {any} message of the window */
export async function handle(message) {
  await load();
  if (message.type !== "approval.next" && message.type !== "approval.done") touch();
  if (!Object.hasOwn(approvals.OPS, message.type)) throw new Problem("message.denied");
  return /** @type {any} */ (approvals.OPS)[message.type](message);
}

/** Wallet, host or network changed. */
export function changed() {
  for (const [port, page] of pages) {
    if (page.permitted && !permitOf(page.site)) approvals.forget(page.site);
    void update(port).catch(() => undefined);
  }
  for (const port of windows) tell(port, { event: "changed" });
}

/** Tell a page what is new for it, and nothing that it may not see. @param {number} port */
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
  const say = (name, value) => tell(port, { type: "event", name, body: JSON.stringify(value) });
  const was = { ...page };
  Object.assign(page, { chain, accounts: JSON.stringify(accounts) });
  if (chain !== was.chain) {
    if (chain === null) say("disconnect", asRpc(new Problem("host.gone")));
    else if (was.chain === null) say("connect", { chainId: chain });
    if (chain !== null && was.chain !== null) say("chainChanged", chain);
  }
  // The first look is no change.
  if (page.accounts !== was.accounts && (was.accounts !== null || accounts.length)) say("accountsChanged", accounts);
}
