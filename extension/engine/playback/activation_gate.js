/**
 * Applies the activation rules to the state, the terms and the payment of a stream.
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
   * Reason why a request is refused on a surface.
   * @param {"play" | "seek" | "rate"} request
   * @param {Surface} surface
   * @returns {Problem | null} null: it is allowed
   */
  refusal(request, surface) {
    const { session } = this.stream;
    // An active play, whose pause may be pending, can only be resumed.
    const action = session.actionOf(request) ?? (request === "play" && session.isActive ? "resume" : request);
    return this.refusalOf(action, surface);
  }

  /**
   * Reason why an action is refused on a surface.
   * @param {string} action
   * @param {Surface} surface
   * @returns {Problem | null} null: it is allowed
   */
  refusalOf(action, surface) {
    const { info, payment, place } = this.stream;
    const cost = costOf(info?.policy, action, payment.on || (payment.costs && action === "play"));
    // A seek that uses nothing up starts no sound.
    if (cost === "free" && (action === "seek" || action === "rate")) return null;
    if (mayBegin(cost, surface, payment.on)) return null;
    return cost === "costs" && !payment.on
      ? new Problem("site.budget", { origin: place.origin })
      : new Problem("player.press", { action });
  }

  /**
   * True if a play is allowed on a surface; the player shows a refusal. Before the song is loaded its cost is unknown:
   * a play that could be free is allowed, and checked again after loading.
   * @param {Surface} surface
   */
  allows(surface) {
    const isEarly = this.stream.session.state === "loading" && mayBegin("free", surface, false);
    const refusal = isEarly ? null : this.refusal("play", surface);
    if (refusal) this.stream.notify(refusal);
    return refusal === null;
  }
}
