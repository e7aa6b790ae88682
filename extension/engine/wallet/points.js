/**
 * Points at a station: what the listener has there, buys and uses. Asked for with the key that the wallet shows to that station.
 */

import { Problem } from "../../shared/problem.js";
import { python } from "../python.js";
import { askStation, base64url, pointsOf } from "../ticket.js";
import { now } from "./state.js";

/** @typedef {{name: string, kind: "offer" | "ad-free", cost: number, days: number, text: string}} Offer */
/** @typedef {{serial: string, offer: string, kind: "offer" | "ad-free", text: string, ends_s: number, redeemed_s: number | null}} Pass */
/** @typedef {{points: number, points_per_minute: number, minimum_s: number, cap_per_day: number, discovery_percent: number, offers: Offer[], passes: Pass[], open?: string}} Account */

/** @type {Record<string, (message: any) => Promise<any>>} */
export const OPS = {
  /** One word to a site's station; null where the wallet is locked or the site has no points. @param {{origin: string, what: string}} asked @returns {Promise<{account: Account | null}>} */
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
    const open = told.redeemed?.kind === "ad-free" ? `${origin}/gomaa/ad-free?pass=${packed(told.redeemed)}` : undefined;
    return { account: { ...told, open } };
  },
};

/** @param {string} origin @param {{url: string, station: string, domain: string}} place @param {string} what @param {number} time_s */
async function word(origin, { url, station, domain }, what, time_s) {
  const { signature } = await python("points.sign", { station, domain, time_s, what });
  const account = await askStation(origin, url, { time_s, what, signature });
  if (typeof account.points !== "number") throw new Problem("station.unreachable", { reason: "no account" });
  return account;
}

/** Base64url of a pass. @param {object} value */
const packed = (value) => base64url(JSON.stringify(value));
