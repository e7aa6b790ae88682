/**
 * Payment by the listener: whether the next play is paid, and vouchers for the intervals of a paid play.
 */

import { Problem } from "../../shared/problem.js";
import { native } from "../link.js";
import { python } from "../wallet_core.js";
import { song } from "../song_cores.js";
import * as wallet from "../wallet.js";
import { backoffMs } from "../../shared/retry.js";

/** Delays until a voucher for what had to wait is asked for again: without it the server soon releases no more keys. */
const RETRY = { firstMs: 500, maxMs: 60_000 };

/** @typedef {import("./stream.js").Stream} Stream */
/** @import { Pay, PayNeed } from "../../shared/player_messages.d.ts" */

export class ListenerPayment {
  /** The next play is a paid item. */
  on = false;
  /** The current play is paid. */
  charging = false;
  /** @type {PayNeed} */
  need = "wallet";
  /** Remaining listening money at the song's server, wei. */
  left = "0";
  /** Intervals of this play that were heard. */
  heardIntervals = 0;
  /** Intervals of this play that a voucher covers. */
  signedIntervals = 0;
  /** The running signature of vouchers. @type {Promise<void> | null} */
  signing = null;
  /** Number of the latest decision; what an older one finds is out of date. */
  #decision = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  #retries = 0;
  #isClosed = false;

  /** @param {Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /** True if the listener pays for this song. */
  get costs() {
    const { song } = this.stream;
    return song?.payer === "listener" && BigInt(song.price_wei) > 0n;
  }

  /** Price of intervals with the commission, wei. @param {number} intervals */
  price(intervals) {
    const net = BigInt(intervals) * BigInt(this.stream.song?.price_wei ?? 0);
    return net + (net * BigInt(this.stream.info?.bps ?? 0)) / 10_000n;
  }

  /** Decides whether the next play is paid; otherwise it is the preview. Shown once the core has decided. */
  async decide() {
    const { session, info } = this.stream;
    if (!this.costs || !info) return;
    const decision = ++this.#decision;
    const need = await this.missing(info).catch(() => /** @type {PayNeed} */ ("money"));
    // Unsigned intervals of an earlier play block the next one.
    if (need === null) await this.sign().catch(() => undefined);
    if (decision !== this.#decision) return;
    const on = need === null;
    const { begins, extent } = await song("player.pays", { stream: this.stream.place.stream, on });
    // A play that has started in the meantime is not changed.
    if (decision !== this.#decision || session.isStale || session.isActive || !this.stream.song) return;
    this.need = need;
    this.on = begins === "play";
    if (info.going) this.charging = this.on;
    this.stream.song = { ...this.stream.song, begins, extent };
    session.restart({ begins, from_ms: extent.from_ms });
    if (this.stream.scheduler) this.stream.scheduler.endMs = extent.to_ms;
  }

  /**
   * The requirement that is missing before a paid play.
   * @private
   * @param {import("./stream.js").OpenedSong} info
   * @returns {Promise<PayNeed>}
   */
  async missing(info) {
    const { place, tickets } = this.stream;
    // The allowance is for the site in a tab of its own: a page around its frame could cover it.
    if (place.inside) return "inside";
    if (wallet.statusAt().wallet !== "open") return "wallet";
    await tickets.prepared?.catch(() => undefined);
    const [{ sites, day_wei }, { places }] = await Promise.all([native("sites"), native("escrow")]);
    const session = wallet.runningSession(info);
    const escrow = places.find(
      (item) => item.server === info.server.address && item.payer === session?.session.message.listener,
    );
    this.left = escrow?.left_wei ?? "0";
    const site = sites.find((item) => item.origin === place.origin);
    if (site && site.state !== "allowed") return "site";
    if (!escrow || BigInt(this.left) < this.price(1)) return "money";
    return BigInt(site?.day_wei ?? 0) > 0n && BigInt(day_wei) > 0n ? null : "budget";
  }

  /**
   * Signs a voucher for new intervals of the play.
   * @param {number} intervals heard so far
   * @param {string} action whose result has them
   */
  onIntervals(intervals, action) {
    if (action === "play" || action === "preview") this.charging = this.costs && action === "play";
    if (!this.charging) return;
    if (intervals < this.signedIntervals) this.signedIntervals = 0;
    this.heardIntervals = intervals;
    this.cover();
  }

  /** Signs for the heard intervals of a paid play that no voucher covers yet; again later, where they have to wait. */
  cover() {
    if (!this.charging || this.signing || this.signedIntervals >= this.heardIntervals) return;
    clearTimeout(this.#retry);
    this.signing = this.#signHeard()
      .then((waiting) => {
        if (waiting !== null) this.#coverLater();
      })
      .catch((error) => {
        const { code } = Problem.of(error);
        // A wrong statement stops the play at once.
        if (code === "listener.statement" || code === "listener.escrow.short") return this.stream.fail(error);
        // A locked wallet signs once it is unlocked.
        if (code !== "wallet.locked") this.#coverLater();
        return undefined;
      })
      .finally(() => {
        this.signing = null;
      });
  }

  /** Stops asking. */
  close() {
    clearTimeout(this.#retry);
    this.#isClosed = true;
  }

  /**
   * Signs for the heard intervals, and for those that are heard meanwhile: after a pause no result follows.
   * @returns {Promise<string | null>} code of why not all of them are settled, or null
   */
  async #signHeard() {
    while (this.signedIntervals < this.heardIntervals) {
      const intervals = this.heardIntervals;
      const waiting = await this.sign();
      if (waiting !== null) return waiting;
      this.signedIntervals = intervals;
      this.#retries = 0;
    }
    return null;
  }

  #coverLater() {
    if (!this.#isClosed) this.#retry = setTimeout(() => this.cover(), backoffMs(this.#retries++, RETRY));
  }

  /**
   * Signs a voucher for what is owed.
   * @private
   * @returns {Promise<string | null>} code of why not everything heard is settled, or null
   */
  async sign() {
    const { stream } = this.stream.place;
    const { due, waiting } = await native("owed", { stream });
    if (!due?.station) return waiting;
    const { server, payer, station, cap_wei, until, chain_id, settlement } = due;
    const { voucher } = await python("voucher.sign", { server, payer, station, cap_wei, until, chain_id, settlement });
    const paid = await native("pay", { stream, voucher });
    return paid.waiting ?? waiting;
  }

  /** Payment as the player shows it. @param {number} intervals heard @returns {Pay | null} null for a free song */
  summary(intervals) {
    if (!this.costs) return null;
    return {
      on: this.on,
      need: this.need,
      left_wei: this.left,
      each_wei: this.price(1).toString(),
      spent_wei: this.charging ? this.price(intervals).toString() : "0",
    };
  }
}
