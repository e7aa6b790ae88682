/**
 * What sites asked and a person has not answered yet: one after the other, in a window of the extension's own, for a
 * limited time.
 */

import { Problem } from "../../shared/problem.js";
import { since } from "../clock.js";
import { approve } from "../link.js";
import { now } from "../wallet/state.js";
import * as vault from "../wallet/vault.js";

/** @typedef {import("./permits.js").Site} Site */
/**
 * @typedef {{id: string, port: number, site: Site, kind: string, facts: any, fresh: boolean, look: () => Promise<any>,
 *   perform: (choice: {account: string | null}) => Promise<any>,
 *   resolve: (value: any) => void, reject: (error: Problem) => void, timer: ReturnType<typeof setTimeout>, shownAt:
 * number, looks: number}} Waiting
 */

export const ANSWER_MS = 5 * 60_000;
export const MOST_OF_SITE = 3;
export const MOST = 12;
export const MOST_REFUSED = 3;
export const REST_MS = 60_000;
/** A press sooner than this was meant for something else. */
export const LEAST_SHOWN_MS = 500;
/** Fees and numbers of a transaction are looked up again while a person reads. */
export const FRESH_MS = 60_000;

/** @type {Waiting[]} the first one is shown */
const queue = [];
/** When a person refused a site. @type {Map<string, number[]>} */
const refused = new Map();
/** Questions whose facts are being looked up. @type {Set<{port: number, gone: boolean, site: Site, kind: string}>} */
const looking = new Set();
/** @type {Set<number>} the window's ports */
const windows = new Set();

/**
 * Whose question it is for quotas and rests: a page answers for its frames, however many origins they have.
 * @param {Site} site
 */
const pageOf = ({ origin, top }) => top ?? origin;
/** @param {Site} site */
const nameOf = ({ origin, top }) => `${origin} ${top ?? ""}`;

/**
 * Ask a person. Rejects with wallet.refused, site.waiting, message.flood, and whatever `look` and `perform` reject
 * with.
 * @param {number} port @param {Site} site @param {string} kind
 * @param {() => Promise<any>} look what is shown; it may ask host and chain
 * @param {(choice: {account: string | null, facts: any}) => Promise<any>} perform once agreed
 */
export async function ask(port, site, kind, look, perform) {
  const name = pageOf(site);
  const earliest = performance.now() - REST_MS;
  const lately = (refused.get(name) ?? []).filter((at) => at > earliest);
  refused.set(name, lately);
  if (lately.length >= MOST_REFUSED) throw new Problem("message.flood");
  crowded(site, kind);
  const asked = { port, gone: false, site, kind };
  looking.add(asked);
  const facts = await look().finally(() => looking.delete(asked));
  // Nobody waits any more: a person is not asked.
  if (asked.gone) throw new Problem("wallet.refused");
  return new Promise((resolve, reject) => {
    /** @type {Waiting} */
    const one = {
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
      perform: ({ account }) => perform({ account, facts: one.facts }),
      timer: setTimeout(() => end(one, new Problem("wallet.refused", { reason: "nobody answered" })), ANSWER_MS),
    };
    queue.push(one);
    approve(true).then(tell, (error) => end(one, Problem.of(error)));
  });
}

/**
 * The same question twice, or too many, also of those that are being looked up: the first has to be answered.
 * @param {Site} site
 * @param {string} kind
 */
function crowded(site, kind) {
  const all = [...queue, ...looking];
  const own = all.filter((one) => pageOf(one.site) === pageOf(site));
  if (
    all.length >= MOST ||
    own.length >= MOST_OF_SITE ||
    (kind === "connect" && own.some((one) => one.kind === kind && nameOf(one.site) === nameOf(site)))
  )
    throw new Problem("site.waiting");
}

/** @param {Waiting} one @param {Problem | null} problem @param {any} [result] */
function end(one, problem, result) {
  const at = queue.indexOf(one);
  if (at < 0) return;
  queue.splice(at, 1);
  clearTimeout(one.timer);
  if (problem) one.reject(problem);
  else one.resolve(result);
  if (queue.length === 0 && windows.size === 0) approve(false).catch(() => undefined);
  tell();
}

/** @type {(port: number) => void} */
let teller = () => {};
/** How windows hear that there is something new to show. @param {(port: number) => void} how */
export const setTeller = (how) => (teller = how);
function tell() {
  for (const port of windows) teller(port);
}

/** @param {number} port */
export const opened = (port) => windows.add(port);

/**
 * A port is gone: of the window, whose closing says no to all, or of a page, which waits no more.
 * @param {number} port
 */
export function closed(port) {
  if (windows.delete(port)) {
    if (windows.size === 0) dismissed();
    return;
  }
  for (const one of looking) one.gone ||= one.port === port;
  for (const one of queue.filter((other) => other.port === port)) end(one, new Problem("wallet.refused"));
}

/**
 * The background was restarted: nobody waits for what was asked over its ports, and a person has refused none of it.
 */
export function lost() {
  windows.clear();
  for (const one of looking) one.gone = true;
  for (const one of [...queue]) end(one, new Problem("host.gone"));
}

/** A person closed the window. */
export function dismissed() {
  for (const one of [...queue]) refuse(one);
}

/** @param {Waiting} one */
function refuse(one) {
  const name = pageOf(one.site);
  refused.set(name, [...(refused.get(name) ?? []), performance.now()]);
  end(one, new Problem("wallet.refused"));
}

/** A permit was taken back: what the site had asked under it is not answered any more. @param {Site} site */
export function forget(site) {
  for (const one of queue.filter((other) => nameOf(other.site) === nameOf(site) && other.kind !== "connect"))
    end(one, new Problem("site.account"));
}

/** @type {Record<string, (message: any) => Promise<any>>} what the window asks */
export const OPS = {
  async "approval.next"() {
    const one = queue[0];
    if (!one) return { approval: null, locked: now.locked, waiting: 0 };
    const head = { id: one.id, kind: one.kind, ...one.site };
    // Behind the lock only the site is named: what it asks may tell of the fan.
    if (now.locked) return { approval: head, locked: true, waiting: queue.length - 1 };
    if (one.kind === "unlock") {
      // What it waited for has happened.
      end(one, null, await one.perform({ account: null }).catch(() => []));
      return /** @type {any} */ (OPS)["approval.next"]();
    }
    if (!one.fresh || (one.facts?.at && since(one.facts.at) > FRESH_MS)) {
      try {
        // Whatever stood before it, and the time since, may have changed numbers and fees.
        one.facts = await one.look();
        one.fresh = true;
        one.looks += 1;
        one.shownAt = Infinity;
      } catch (error) {
        end(one, Problem.of(error));
        return /** @type {any} */ (OPS)["approval.next"]();
      }
    }
    if (one.shownAt === Infinity) one.shownAt = performance.now();
    return { approval: { ...head, looks: one.looks, facts: one.facts }, locked: false, waiting: queue.length - 1 };
  },
  /** The window has nothing to show. From here on its end is no answer to anything. */
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
  async "approval.answer"({ approval, agree, account, looks }) {
    const one = queue[0];
    // Agreement is to the facts that the window shows, not to those that were looked up since.
    if (!one || one.id !== approval || (agree && (looks ?? one.looks) !== one.looks)) throw new Problem("wallet.quote");
    if (!agree) {
      refuse(one);
      return {};
    }
    if (now.locked) throw new Problem("wallet.locked");
    if (performance.now() - one.shownAt < LEAST_SHOWN_MS) throw new Problem("wallet.quote");
    // Answered once: a second press finds it gone.
    one.shownAt = Infinity;
    try {
      const result = await one.perform({ account: account ?? null });
      refused.delete(pageOf(one.site));
      end(one, null, result);
    } catch (error) {
      const problem = Problem.of(error);
      end(one, problem);
      throw problem;
    } finally {
      for (const other of queue) other.fresh = false;
    }
    return {};
  },
};
