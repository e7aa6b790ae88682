/**
 * Problems of a stream: what they mean for its session, what the player shows, and whether a header from a stale cache
 * is the reason.
 */

import { Problem } from "../../shared/problem.js";
import { INSTALL, installCommand } from "../install_command.js";
import { tell } from "../link.js";
import * as wallet from "../wallet.js";
import { downgrade } from "./activation_rules.js";
import { publishState } from "./state_publisher.js";

/** Contradictions between the header and station, chain or server: a cache may have kept the header for too long. */
const STALE_HEADER =
  /^(station\.right\.missing|server\.mismatch|content\.(unknown|owner|revoked|destroyed)|sps\.(policy\.mismatch|segment\.hash|truncated))$/;

/** Whether a stale header may be the reason of a code. @param {string | undefined} code */
export const isOfStaleHeader = (code) => code !== undefined && STALE_HEADER.test(code);

export class ProblemHandler {
  /** @type {boolean} the header was read past every cache */
  hasReread = false;

  /** @param {import("./stream.js").Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /** Shows what a person has to know and what stops nothing. @param {Problem} problem */
  notify(problem) {
    this.stream.notice = problem;
    this.#show(problem);
  }

  /** @param {unknown} error */
  async fail(error) {
    const { stream } = this;
    const problem = Problem.of(error);
    if (await this.reread(problem)) return;
    if (problem.code === "host.missing" || problem.code === "host.version") this.#addInstallCommand(problem);
    if (problem.code.startsWith("host.network.")) problem.detail["origin"] = stream.place.origin;
    stream.problem = problem;
    await stream.session.onProblem(problem.code);
    if (stream.info && stream.session.isOver) this.#drop(problem.code);
    this.#show(problem);
    publishState(stream);
    wallet.asks();
  }

  /**
   * Starts over where the header came from a cache and is another one now; once, and never while a play is metered.
   * @param {Problem} problem
   * @returns {Promise<boolean>} whether it did
   */
  async reread({ code }) {
    const { stream } = this;
    const { session } = stream;
    if (this.hasReread || !isOfStaleHeader(code) || session.granted) return false;
    this.hasReread = true;
    const source = await stream.source.reread();
    if (!source || session.isStale) {
      source?.close();
      return session.isStale;
    }
    const playWhenReady = session.playWhenReady || (session.state === "starting" && !session.pendingPause);
    // The press was for the terms that were shown.
    const surface = downgrade(session.surface);
    stream.discard();
    stream.reset(source);
    Object.assign(stream.session, { playWhenReady, surface });
    await stream.load();
    return true;
  }

  /** @param {Problem} problem */
  #show(problem) {
    for (const port of this.stream.players) tell(port, { type: "problem", ...problem.toJSON() });
  }

  /** Adds the command that installs the host, with the network that the station names. @param {Problem} problem */
  #addInstallCommand(problem) {
    problem.detail["command"] = INSTALL;
    installCommand(this.stream.place.origin).then((command) => {
      if (this.stream.problem !== problem || command === INSTALL) return;
      problem.detail["command"] = command;
      this.#show(problem);
    });
  }

  /** After a refusal or failure nothing of the play is kept. @param {string} code */
  #drop(code) {
    const { session, tickets, ring, sound } = this.stream;
    session.silence();
    tickets.reset();
    if (code.startsWith("content.")) {
      ring.clear();
      sound.close();
    }
  }
}
