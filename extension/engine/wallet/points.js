/**
 * Points at a station: what the listener has there, buys and uses. Asked for with the key that the wallet shows to that
 * station.
 */

import { Problem } from "../../shared/problem.js";
import { python } from "../wallet_core.js";
import { askStation, base64url, pointsOf } from "../playback/ticket.js";
import { now } from "./state.js";

/** @typedef {{name: string, kind: "offer" | "ad-free", cost: number, days: number, text: string}} Offer */
/**
 * @typedef {{serial: string, offer: string, kind: "offer" | "ad-free", text: string, ends_s: number, redeemed_s: number
 *   | null}} Pass
 */
/**
 * @typedef {{points: number, points_per_minute: number, minimum_s: number, cap_per_day: number, discovery_percent:
 *   number, offers: Offer[], passes: Pass[], open?: string}} Account
 */

const MOST_TEXT = 200;
const MOST_LINES = 100;
/** The last second that a date can hold. */
const LATEST_S = 8_640_000_000_000;
const NAME = /^[^\s\p{C}]{1,64}$/u;
const SERIAL = /^[0-9]{1,20}$/;

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  /**
   * One word to a site's station; null where the wallet is locked or the site has no points.
   * @param {{origin: string, what: string}} asked
   * @returns {Promise<{account: Account | null}>}
   */
  async "wallet.points"({ origin, what }) {
    if (now.locked) return { account: null };
    const place = await pointsOf(origin).catch(() => null);
    if (!place) return { account: null };
    // To the minute: a station is not told how far this computer's clock is off, which is the same at all of them.
    const told = await word(origin, place, what, Math.floor(Date.now() / 60_000) * 60).catch((error) => {
      // The station lives by the chain's clock.
      const { code, detail } = Problem.of(error);
      if (code !== "invocation.time" || !Number.isSafeInteger(detail?.["now_s"])) throw error;
      return word(origin, place, what, Number(detail?.["now_s"]));
    });
    const open =
      told.redeemed?.kind === "ad-free" ? `${origin}/gomaa/ad-free?pass=${packed(told.redeemed)}` : undefined;
    return { account: { ...told, open } };
  },
};

/**
 * @param {string} origin
 * @param {{url: string, station: string, domain: string}} place
 * @param {string} what
 * @param {number} time_s
 */
async function word(origin, { url, station, domain }, what, time_s) {
  const { signature } = await python("points.sign", { station, domain, time_s, what });
  return account(await askStation(origin, url, { time_s, what, signature }));
}

/** @template {{text: string}} T @param {T} one @returns {T} */
const cut = (one) => ({ ...one, text: one.text.slice(0, MOST_TEXT) });

/**
 * A station's account in its shape, texts no longer than a line.
 * @param {any} told
 * @returns {Account & {redeemed?: any}}
 * @throws Problem station.answer
 */
export function account(told) {
  const whole = (/** @type {unknown} */ value) => Number.isSafeInteger(value) && Number(value) >= 0;
  const line = (/** @type {unknown} */ value) => typeof value === "string";
  const kind = (/** @type {unknown} */ value) => value === "offer" || value === "ad-free";
  const list = (/** @type {unknown} */ value) =>
    Array.isArray(value) && value.length <= MOST_LINES && value.every((one) => typeof one === "object" && one !== null);
  const { points, points_per_minute, minimum_s, cap_per_day, discovery_percent, offers, passes, redeemed } = told;
  const good =
    [points, points_per_minute, minimum_s, cap_per_day].every(whole) &&
    list(offers) &&
    list(passes) &&
    offers.every(
      (/** @type {any} */ one) => NAME.test(one.name) && line(one.text) && kind(one.kind) && whole(one.cost),
    ) &&
    passes.every(
      (/** @type {any} */ one) =>
        SERIAL.test(one.serial) && line(one.text) && kind(one.kind) && whole(one.ends_s) && one.ends_s < LATEST_S,
    );
  if (!good) throw new Problem("station.answer");
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
