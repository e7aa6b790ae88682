/**
 * Whether a request may take effect where it was made: the activation rules with the state, the terms and the payment
 * of one stream.
 */

import { Problem } from "../../shared/problem.js";
import { costOf, mayBegin } from "./activation_rules.js";

/** @typedef {import("./activation_rules.js").Surface} Surface */

export class ActivationGate {
  /** @param {import("./stream.js").Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /**
   * Why a request is refused on a surface; null: it is allowed.
   * @param {"play" | "seek" | "rate"} request
   * @param {Surface} surface
   * @returns {Problem | null}
   */
  refusal(request, surface) {
    const { session } = this.stream;
    // An active play, whose pause may be pending, can only be resumed.
    const action = session.actionOf(request) ?? (request === "play" && session.isActive ? "resume" : request);
    return this.refusalOf(action, surface);
  }

  /**
   * Why an action is refused on a surface; null: it is allowed.
   * @param {string} action
   * @param {Surface} surface
   * @returns {Problem | null}
   */
  refusalOf(action, surface) {
    const { info, payment, place } = this.stream;
    const cost = costOf(info?.policy, action, payment.on || (payment.costs && action === "play"));
    // A seek that uses nothing up makes no sound that was not there.
    if (cost === "free" && (action === "seek" || action === "rate")) return null;
    if (mayBegin(cost, surface, payment.on)) return null;
    return cost === "costs" && !payment.on
      ? new Problem("site.budget", { origin: place.origin })
      : new Problem("player.press", { action });
  }

  /**
   * Whether a play is allowed on a surface; the player shows why not. Before the song is loaded its cost is unknown: a
   * play that could be free is allowed, and checked again then.
   * @param {Surface} surface
   */
  allows(surface) {
    const isEarly = this.stream.session.state === "loading" && mayBegin("free", surface, false);
    const refusal = isEarly ? null : this.refusal("play", surface);
    if (refusal) this.stream.notify(refusal);
    return refusal === null;
  }
}
