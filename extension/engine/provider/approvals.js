/**
 * Queue of requests that need a person's approval: shown one after the other in a window of the extension, each for a
 * limited time.
 */

import { Problem } from "../../shared/problem.js";
import { since } from "../clock.js";
import { approve } from "../link.js";
import { now } from "../wallet/state.js";
import * as vault from "../wallet/vault.js";

/** @import { ApprovalFacts, ApprovalKind, ApprovalOperations } from "../../shared/approval_messages.d.ts" */
/** @import { Site } from "../../shared/provider_messages.d.ts" */
/** @import { Handlers } from "../../shared/wallet_messages.d.ts" */
/** Facts that an approval shows. @typedef {ApprovalFacts[ApprovalKind]} Facts */
/**
 * A pending approval. `fresh`: `facts` are current; `looks`: number of times that they were read again.
 * @typedef {{id: string, port: number, site: Site, kind: ApprovalKind, facts: Facts, fresh: boolean,
 *   readFacts: () => Promise<Facts>, perform: (account: string | null) => Promise<unknown>,
 *   resolve: (result: unknown) => void, reject: (error: Problem) => void, timer: ReturnType<typeof setTimeout>,
 *   shownAt: number, looks: number}} Approval
 */

/** Time after which an approval counts as rejected. */
export const ANSWER_MS = 5 * 60_000;
export const MAX_PENDING_OF_PAGE = 3;
export const MAX_PENDING = 12;
/** Rejections within `REJECTION_WINDOW_MS` after which requests of a page are refused. */
export const MAX_REJECTIONS = 3;
export const REJECTION_WINDOW_MS = 60_000;
/** Shortest time that a request is shown before it can be approved. */
export const MIN_SHOWN_MS = 500;
/** Age after which fees and nonces are read again. */
export const FRESH_MS = 60_000;

/** Pending approvals, of which the first one is shown. @type {Approval[]} */
const queue = [];
/** Times of rejections by page. @type {Map<string, number[]>} */
const rejections = new Map();
/** Requests whose facts are being read. @type {Set<{port: number, gone: boolean, site: Site, kind: ApprovalKind}>} */
const reading = new Set();
/** Ports of approval windows. @type {Set<number>} */
const windows = new Set();

/**
 * Page to whose limits a request counts: the frames of a page count to it, whatever their origins.
 * @param {Site} site
 */
const pageOf = ({ origin, top }) => top ?? origin;
/** Key of a site. @param {Site} site */
const nameOf = ({ origin, top }) => `${origin} ${top ?? ""}`;

/**
 * Requests the approval of a person.
 * @template {ApprovalKind} Kind
 * @template R
 * @param {number} port
 * @param {Site} site
 * @param {Kind} kind
 * @param {() => Promise<ApprovalFacts[Kind]>} readFacts reads what is shown, also from host and chain
 * @param {(facts: ApprovalFacts[Kind], account: string | null) => Promise<R>} perform called after the approval;
 *   `account`: the person's choice
 * @returns {Promise<R>}
 * @throws {Problem} wallet.refused, site.waiting, message.flood, and those of `readFacts` and `perform`
 */
export async function requestApproval(port, site, kind, readFacts, perform) {
  const name = pageOf(site);
  const earliest = performance.now() - REJECTION_WINDOW_MS;
  const recent = (rejections.get(name) ?? []).filter((at) => at > earliest);
  rejections.set(name, recent);
  if (recent.length >= MAX_REJECTIONS) throw new Problem("message.flood");
  checkLimits(site, kind);
  const request = { port, gone: false, site, kind };
  reading.add(request);
  const facts = await readFacts().finally(() => reading.delete(request));
  // The page was closed.
  if (request.gone) throw new Problem("wallet.refused");
  return new Promise((resolve, reject) => {
    /** @type {Approval} */
    const approval = {
      id: crypto.randomUUID(),
      port,
      site,
      kind,
      facts,
      fresh: queue.length === 0,
      readFacts,
      resolve: /** @type {(result: unknown) => void} */ (resolve),
      reject,
      shownAt: Infinity,
      looks: 0,
      perform: (account) => perform(/** @type {ApprovalFacts[Kind]} */ (approval.facts), account),
      timer: setTimeout(() => end(approval, new Problem("wallet.refused", { reason: "nobody answered" })), ANSWER_MS),
    };
    queue.push(approval);
    approve(true).then(notifyWindows, (error) => end(approval, Problem.of(error)));
  });
}

/**
 * Checks the limits, and that no request of the site for an account is pending.
 * @param {Site} site
 * @param {ApprovalKind} kind
 * @throws {Problem} site.waiting
 */
function checkLimits(site, kind) {
  const all = [...queue, ...reading];
  const own = all.filter((approval) => pageOf(approval.site) === pageOf(site));
  if (
    all.length >= MAX_PENDING ||
    own.length >= MAX_PENDING_OF_PAGE ||
    (kind === "connect" && own.some((approval) => approval.kind === kind && nameOf(approval.site) === nameOf(site)))
  )
    throw new Problem("site.waiting");
}

/** Settles an approval. @param {Approval} approval @param {Problem | null} problem @param {unknown} [result] */
function end(approval, problem, result) {
  const at = queue.indexOf(approval);
  if (at < 0) return;
  queue.splice(at, 1);
  clearTimeout(approval.timer);
  if (problem) approval.reject(problem);
  else approval.resolve(result);
  if (queue.length === 0 && windows.size === 0) approve(false).catch(() => undefined);
  notifyWindows();
}

/** @type {(port: number) => void} */
let listener = () => {};
/** Sets the function that notifies a window of a change. @param {(port: number) => void} notify */
export const onChange = (notify) => (listener = notify);
/** Notifies all windows of a change. */
function notifyWindows() {
  for (const port of windows) listener(port);
}

/** Adds the port of an approval window. @param {number} port */
export const addWindow = (port) => windows.add(port);

/**
 * Removes a port: the end of the window rejects all requests, that of a page cancels its own.
 * @param {number} port
 */
export function removePort(port) {
  if (windows.delete(port)) {
    if (windows.size === 0) rejectAll();
    return;
  }
  for (const approval of reading) approval.gone ||= approval.port === port;
  for (const approval of queue.filter((other) => other.port === port)) end(approval, new Problem("wallet.refused"));
}

/** Cancels all requests after a restart of the background, without counting them as rejections. */
export function cancelAll() {
  windows.clear();
  for (const approval of reading) approval.gone = true;
  for (const approval of [...queue]) end(approval, new Problem("host.gone"));
}

/** Rejects all requests, after a person has closed the window. */
export function rejectAll() {
  for (const approval of [...queue]) refuse(approval);
}

/** Rejects a request and counts it. @param {Approval} approval */
function refuse(approval) {
  const name = pageOf(approval.site);
  rejections.set(name, [...(rejections.get(name) ?? []), performance.now()]);
  end(approval, new Problem("wallet.refused"));
}

/** Cancels the requests of a site whose permit was revoked. @param {Site} site */
export function cancelOf(site) {
  for (const approval of queue.filter((other) => nameOf(other.site) === nameOf(site) && other.kind !== "connect"))
    end(approval, new Problem("site.account"));
}

/**
 * The request that is shown, with its facts; null where none is pending. Facts that are not current are read again.
 * @returns {Promise<ApprovalOperations["approval.next"]["result"]>}
 */
async function nextApproval() {
  for (;;) {
    const approval = queue[0];
    if (!approval) return { approval: null, locked: now.locked, waiting: 0 };
    const head = { id: approval.id, kind: approval.kind, ...approval.site };
    // While the wallet is locked only the site is shown, as the facts may contain accounts.
    if (now.locked) return { approval: head, locked: true, waiting: queue.length - 1 };
    if (approval.kind === "unlock") {
      // The wallet is open now.
      end(approval, null, await approval.perform(null).catch(() => []));
      continue;
    }
    if (!approval.fresh || ("at" in approval.facts && since(approval.facts.at) > FRESH_MS)) {
      try {
        // Other requests, and time, may have changed nonces and fees.
        approval.facts = await approval.readFacts();
        approval.fresh = true;
        approval.looks += 1;
        approval.shownAt = Infinity;
      } catch (error) {
        end(approval, Problem.of(error));
        continue;
      }
    }
    if (approval.shownAt === Infinity) approval.shownAt = performance.now();
    return {
      approval: { ...head, looks: approval.looks, facts: approval.facts },
      locked: false,
      waiting: queue.length - 1,
    };
  }
}

/** Operations of the approval window. @satisfies {Handlers<ApprovalOperations>} */
export const OPS = {
  "approval.next": nextApproval,
  /** Releases a window that has nothing to show: its end rejects nothing any more. */
  async "approval.done"() {
    if (queue.length > 0) return { more: true };
    windows.clear();
    approve(false).catch(() => undefined);
    return { more: false };
  },
  async "approval.unlock"({ password }) {
    await vault.OPS["wallet.unlock"]({ password });
    return {};
  },
  async "approval.answer"({ approval: id, agree, account, looks }) {
    const approval = queue[0];
    // The approval is for the facts that the window shows, not for those that were read afterwards.
    if (!approval || approval.id !== id || (agree && (looks ?? approval.looks) !== approval.looks))
      throw new Problem("wallet.quote");
    if (!agree) {
      refuse(approval);
      return {};
    }
    if (now.locked) throw new Problem("wallet.locked");
    if (performance.now() - approval.shownAt < MIN_SHOWN_MS) throw new Problem("wallet.quote");
    // Approved once: a second press fails.
    approval.shownAt = Infinity;
    try {
      const result = await approval.perform(account ?? null);
      rejections.delete(pageOf(approval.site));
      end(approval, null, result);
    } catch (error) {
      const problem = Problem.of(error);
      end(approval, problem);
      throw problem;
    } finally {
      for (const other of queue) other.fresh = false;
    }
    return {};
  },
};
