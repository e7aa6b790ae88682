/**
 * The listener's points at a station: reading, buying and redeeming, signed with the key that the wallet shows to that
 * station.
 */

import { Problem } from "../../shared/problem.js";
import { python } from "../wallet_core.js";
import { requestStation, base64url, pointsOf } from "../playback/ticket.js";
import { now } from "./state.js";

/** @import { PointsAccount } from "../../shared/wallet_sites.d.ts" */

const MAX_TEXT_CHARS = 200;
const MAX_ITEMS = 100;
/** The last second that a date can hold. */
const LATEST_S = 8_640_000_000_000;
const NAME = /^[^\s\p{C}]{1,64}$/u;
const SERIAL = /^[0-9]{1,20}$/;

/** @import { Handlers, WalletOperations } from "../../shared/wallet_messages.d.ts" */

/** Operations of the wallet's screens. @satisfies {Partial<Handlers<WalletOperations>>} */
export const OPS = {
  /**
   * Sends a command to a site's station; null where the wallet is locked or the site has no points.
   */
  async "wallet.points"({ origin, what }) {
    if (now.locked) return { account: null };
    const station = await pointsOf(origin).catch(() => null);
    if (!station) return { account: null };
    // To the minute: the offset of the clock would identify this computer at all stations.
    const response = await requestAccount(origin, station, what, Math.floor(Date.now() / 60_000) * 60).catch(
      (error) => {
        // The station uses the chain's clock.
        const { code, detail } = Problem.of(error);
        if (code !== "invocation.time" || !Number.isSafeInteger(detail["now_s"])) throw error;
        return requestAccount(origin, station, what, Number(detail["now_s"]));
      },
    );
    const open =
      response.redeemed?.kind === "ad-free" ? `${origin}/gomaa/ad-free?pass=${packed(response.redeemed)}` : undefined;
    return { account: { ...response, open } };
  },
};

/**
 * Sends one signed command.
 * @param {string} origin
 * @param {{url: string, station: string, domain: string}} station of the site
 * @param {string} what
 * @param {number} time_s
 */
async function requestAccount(origin, { url, station, domain }, what, time_s) {
  const { signature } = await python("points.sign", { station, domain, time_s, what });
  return account(await requestStation(origin, url, { time_s, what, signature }));
}

/** Cuts the text of an item. @template {{text: string}} T @param {T} item @returns {T} */
const cut = (item) => ({ ...item, text: item.text.slice(0, MAX_TEXT_CHARS) });

/** @param {unknown} value @returns {value is number} */
const isCount = (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
/** @param {unknown} value */
const isKind = (value) => value === "offer" || value === "ad-free";

/**
 * True if a value is a list of objects that pass a check.
 * @template T
 * @param {unknown} value
 * @param {(item: Record<string, unknown>) => boolean} isItem
 * @returns {value is T[]}
 */
const isListOf = (value, isItem) =>
  Array.isArray(value) &&
  value.length <= MAX_ITEMS &&
  value.every((item) => typeof item === "object" && item !== null && isItem(item));

/** @param {unknown} value @returns {value is PointsAccount["offers"]} */
const areOffers = (value) =>
  isListOf(
    value,
    ({ name, text, kind, cost }) =>
      NAME.test(String(name)) && typeof text === "string" && isKind(kind) && isCount(cost),
  );

/** @param {unknown} value @returns {value is PointsAccount["passes"]} */
const arePasses = (value) =>
  isListOf(
    value,
    ({ serial, text, kind, ends_s }) =>
      SERIAL.test(String(serial)) && typeof text === "string" && isKind(kind) && isCount(ends_s) && ends_s < LATEST_S,
  );

/**
 * Checks a station's response, and cuts its texts.
 * @param {Record<string, unknown>} response
 * @returns {PointsAccount}
 * @throws {Problem} station.answer
 */
export function account(response) {
  const { points, points_per_minute, minimum_s, cap_per_day, discovery_percent, offers, passes, redeemed } = response;
  if (
    !isCount(points) ||
    !isCount(points_per_minute) ||
    !isCount(minimum_s) ||
    !isCount(cap_per_day) ||
    !areOffers(offers) ||
    !arePasses(passes)
  )
    throw new Problem("station.answer");
  return {
    points,
    points_per_minute,
    minimum_s,
    cap_per_day,
    discovery_percent: /** @type {number} */ (discovery_percent),
    offers: offers.map(cut),
    passes: passes.map(cut),
    redeemed: /** @type {{kind?: unknown} | null} */ (redeemed),
  };
}

/** Base64url of a pass. @param {object} value */
const packed = (value) => base64url(JSON.stringify(value));
