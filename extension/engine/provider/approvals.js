/**
 * The queue of requests that need a person's approval: shown one after the other in a window of the extension, for a
 * limited time.
 */

import { Problem } from "../../shared/problem.js";
import { since } from "../clock.js";
import { approve } from "../link.js";
import { now } from "../wallet/state.js";
import * as vault from "../wallet/vault.js";

/** @typedef {import("./permits.js").Site} Site */
/**
 * A pending approval. `look`: reads what is shown; `fresh`: whether `facts` are current; `looks`: how often they were
 * read again.
 * @typedef {{id: string, port: number, site: Site, kind: string, facts: any, fresh: boolean, look: () => Promise<any>,
 *   perform: (choice: {account: string | null}) => Promise<any>,
 *   resolve: (value: any) => void, reject: (error: Problem) => void, timer: ReturnType<typeof setTimeout>, shownAt:
 * number, looks: number}} Approval
 */

/** Time after which an approval counts as rejected. */
export const ANSWER_MS = 5 * 60_000;
export const MAX_PENDING_OF_PAGE = 3;
export const MAX_PENDING = 12;
/** Rejections within `REJECTION_WINDOW_MS` after which a page may not ask. */
export const MAX_REJECTIONS = 3;
export const REJECTION_WINDOW_MS = 60_000;
/** Least time that a request is shown before it can be approved. */
export const LEAST_SHOWN_MS = 500;
/** Age after which fees and nonces are read again. */
export const FRESH_MS = 60_000;

/** The first one is shown. @type {Approval[]} */
const queue = [];
/** Times of rejections by page. @type {Map<string, number[]>} */
const rejections = new Map();
/** Requests whose facts are being read. @type {Set<{port: number, gone: boolean, site: Site, kind: string}>} */
const looking = new Set();
/** Ports of approval windows. @type {Set<number>} */
const windows = new Set();

/**
 * The page that limits count a request for: a page is responsible for its frames, whatever their origins.
 * @param {Site} site
 */
const pageOf = ({ origin, top }) => top ?? origin;
/** Identifies a site. @param {Site} site */
const nameOf = ({ origin, top }) => `${origin} ${top ?? ""}`;

/**
 * Asks a person. Rejects with wallet.refused, site.waiting, message.flood, and the errors of `look` and `perform`.
 * @param {number} port @param {Site} site @param {string} kind
 * @param {() => Promise<any>} look what is shown; it may ask host and chain
 * @param {(choice: {account: string | null, facts: any}) => Promise<any>} perform once agreed
 */
export async function ask(port, site, kind, look, perform) {
  const name = pageOf(site);
  const earliest = performance.now() - REJECTION_WINDOW_MS;
  const recent = (rejections.get(name) ?? []).filter((at) => at > earliest);
  rejections.set(name, recent);
  if (recent.length >= MAX_REJECTIONS) throw new Problem("message.flood");
  checkLimits(site, kind);
  const request = { port, gone: false, site, kind };
  looking.add(request);
  const facts = await look().finally(() => looking.delete(request));
  // The page has gone.
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
      look,
      resolve,
      reject,
      shownAt: Infinity,
      looks: 0,
      perform: ({ account }) => perform({ account, facts: approval.facts }),
      timer: setTimeout(() => end(approval, new Problem("wallet.refused", { reason: "nobody answered" })), ANSWER_MS),
    };
    queue.push(approval);
    approve(true).then(notifyWindows, (error) => end(approval, Problem.of(error)));
  });
}

/**
 * Refuses a request for an account that is pending already, and requests above the limits.
 * @param {Site} site
 * @param {string} kind
 */
function checkLimits(site, kind) {
  const all = [...queue, ...looking];
  const own = all.filter((approval) => pageOf(approval.site) === pageOf(site));
  if (
    all.length >= MAX_PENDING ||
    own.length >= MAX_PENDING_OF_PAGE ||
    (kind === "connect" && own.some((approval) => approval.kind === kind && nameOf(approval.site) === nameOf(site)))
  )
    throw new Problem("site.waiting");
}

/** Settles an approval. @param {Approval} approval @param {Problem | null} problem @param {any} [result] */
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
/** Sets the function that tells a window's port of a change. @param {(port: number) => void} notify */
export const onChange = (notify) => (listener = notify);
function notifyWindows() {
  for (const port of windows) listener(port);
}

/** Adds the port of an approval window. @param {number} port */
export const opened = (port) => windows.add(port);

/**
 * Removes a port: the window's end rejects all requests, a page's end cancels its own.
 * @param {number} port
 */
export function closed(port) {
  if (windows.delete(port)) {
    if (windows.size === 0) dismissed();
    return;
  }
  for (const approval of looking) approval.gone ||= approval.port === port;
  for (const approval of queue.filter((other) => other.port === port)) end(approval, new Problem("wallet.refused"));
}

/** Cancels all requests after a restart of the background, without counting them as rejections. */
export function lost() {
  windows.clear();
  for (const approval of looking) approval.gone = true;
  for (const approval of [...queue]) end(approval, new Problem("host.gone"));
}

/** Rejects all requests, where a person has closed the window. */
export function dismissed() {
  for (const approval of [...queue]) refuse(approval);
}

/** Rejects a request and counts it. @param {Approval} approval */
function refuse(approval) {
  const name = pageOf(approval.site);
  rejections.set(name, [...(rejections.get(name) ?? []), performance.now()]);
  end(approval, new Problem("wallet.refused"));
}

/** Cancels the requests that a site has made under a revoked permit. @param {Site} site */
export function forget(site) {
  for (const approval of queue.filter((other) => nameOf(other.site) === nameOf(site) && other.kind !== "connect"))
    end(approval, new Problem("site.account"));
}

/** Operations of the approval window. @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  async "approval.next"() {
    const approval = queue[0];
    if (!approval) return { approval: null, locked: now.locked, waiting: 0 };
    const head = { id: approval.id, kind: approval.kind, ...approval.site };
    // While the wallet is locked only the site is shown: the facts may reveal accounts.
    if (now.locked) return { approval: head, locked: true, waiting: queue.length - 1 };
    if (approval.kind === "unlock") {
      // The wallet is open.
      end(approval, null, await approval.perform({ account: null }).catch(() => []));
      return /** @type {any} */ (OPS)["approval.next"]();
    }
    if (!approval.fresh || (approval.facts?.at && since(approval.facts.at) > FRESH_MS)) {
      try {
        // Requests before it, and time, may have changed nonces and fees.
        approval.facts = await approval.look();
        approval.fresh = true;
        approval.looks += 1;
        approval.shownAt = Infinity;
      } catch (error) {
        end(approval, Problem.of(error));
        return /** @type {any} */ (OPS)["approval.next"]();
      }
    }
    if (approval.shownAt === Infinity) approval.shownAt = performance.now();
    return {
      approval: { ...head, looks: approval.looks, facts: approval.facts },
      locked: false,
      waiting: queue.length - 1,
    };
  },
  /** The window has nothing to show: its end rejects nothing any more. */
  async "approval.done"() {
    if (queue.length > 0) return { more: true };
    windows.clear();
    approve(false).catch(() => undefined);
    return { more: false };
  },
  async "approval.unlock"({ password }) {
    await /** @type {any} */ (vault.OPS)["wallet.unlock"]({ password });
    return {};
  },
  async "approval.answer"({ approval: id, agree, account, looks }) {
    const approval = queue[0];
    // The approval is for the facts that the window shows, not for those that were read since.
    if (!approval || approval.id !== id || (agree && (looks ?? approval.looks) !== approval.looks))
      throw new Problem("wallet.quote");
    if (!agree) {
      refuse(approval);
      return {};
    }
    if (now.locked) throw new Problem("wallet.locked");
    if (performance.now() - approval.shownAt < LEAST_SHOWN_MS) throw new Problem("wallet.quote");
    // Approved once: a second press fails.
    approval.shownAt = Infinity;
    try {
      const result = await approval.perform({ account: account ?? null });
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
