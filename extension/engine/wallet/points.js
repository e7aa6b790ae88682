/**
 * The listener's points at a station: reading, buying and redeeming, signed with the key that the wallet shows to that
 * station.
 */

import { Problem } from "../../shared/problem.js";
import { python } from "../wallet_core.js";
import { askStation, base64url, pointsOf } from "../playback/ticket.js";
import { now } from "./state.js";

/**
 * What points buy.
 * @typedef {{name: string, kind: "offer" | "ad-free", cost: number, days: number, text: string}} PointsOffer
 */
/**
 * A bought offer.
 * @typedef {{serial: string, offer: string, kind: "offer" | "ad-free", text: string, ends_s: number, redeemed_s: number
 *   | null}} PointsPass
 */
/**
 * An account of points; `open`: address of a page without advertisements.
 * @typedef {{points: number, points_per_minute: number, minimum_s: number, cap_per_day: number, discovery_percent:
 *   number, offers: PointsOffer[], passes: PointsPass[], open?: string}} PointsAccount
 */

const MAX_TEXT_CHARS = 200;
const MAX_ITEMS = 100;
/** The last second that a date can hold. */
const LATEST_S = 8_640_000_000_000;
const NAME = /^[^\s\p{C}]{1,64}$/u;
const SERIAL = /^[0-9]{1,20}$/;

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  /**
   * Sends a command to a site's station; null where the wallet is locked or the site has no points.
   * @param {{origin: string, what: string}} message
   * @returns {Promise<{account: PointsAccount | null}>}
   */
  async "wallet.points"({ origin, what }) {
    if (now.locked) return { account: null };
    const place = await pointsOf(origin).catch(() => null);
    if (!place) return { account: null };
    // To the minute: the clock's offset would identify this computer at all stations.
    const response = await requestAccount(origin, place, what, Math.floor(Date.now() / 60_000) * 60).catch((error) => {
      // The station uses the chain's clock.
      const { code, detail } = Problem.of(error);
      if (code !== "invocation.time" || !Number.isSafeInteger(detail?.["now_s"])) throw error;
      return requestAccount(origin, place, what, Number(detail?.["now_s"]));
    });
    const open =
      response.redeemed?.kind === "ad-free" ? `${origin}/gomaa/ad-free?pass=${packed(response.redeemed)}` : undefined;
    return { account: { ...response, open } };
  },
};

/**
 * Sends one signed command.
 * @param {string} origin
 * @param {{url: string, station: string, domain: string}} place
 * @param {string} what
 * @param {number} time_s
 */
async function requestAccount(origin, { url, station, domain }, what, time_s) {
  const { signature } = await python("points.sign", { station, domain, time_s, what });
  return account(await askStation(origin, url, { time_s, what, signature }));
}

/** Cuts the text of an item. @template {{text: string}} T @param {T} item @returns {T} */
const cut = (item) => ({ ...item, text: item.text.slice(0, MAX_TEXT_CHARS) });

/**
 * Checks a station's response; texts are cut.
 * @param {any} response
 * @returns {PointsAccount & {redeemed?: any}}
 * @throws {Problem} station.answer
 */
export function account(response) {
  const isCount = (/** @type {unknown} */ value) => Number.isSafeInteger(value) && Number(value) >= 0;
  const isText = (/** @type {unknown} */ value) => typeof value === "string";
  const isKind = (/** @type {unknown} */ value) => value === "offer" || value === "ad-free";
  const isList = (/** @type {unknown} */ value) =>
    Array.isArray(value) &&
    value.length <= MAX_ITEMS &&
    value.every((item) => typeof item === "object" && item !== null);
  const { points, points_per_minute, minimum_s, cap_per_day, discovery_percent, offers, passes, redeemed } = response;
  const isValid =
    [points, points_per_minute, minimum_s, cap_per_day].every(isCount) &&
    isList(offers) &&
    isList(passes) &&
    offers.every(
      (/** @type {any} */ item) => NAME.test(item.name) && isText(item.text) && isKind(item.kind) && isCount(item.cost),
    ) &&
    passes.every(
      (/** @type {any} */ item) =>
        SERIAL.test(item.serial) &&
        isText(item.text) &&
        isKind(item.kind) &&
        isCount(item.ends_s) &&
        item.ends_s < LATEST_S,
    );
  if (!isValid) throw new Problem("station.answer");
  return {
    points,
    points_per_minute,
    minimum_s,
    cap_per_day,
    discovery_percent,
    offers: offers.map(cut),
    passes: passes.map(cut),
    redeemed,
  };
}

/** Base64url of a pass. @param {object} value */
const packed = (value) => base64url(JSON.stringify(value));
