/**
 * Problems of a stream: ends its session, shows them in the player, and reads the header again where a stale cache may
 * be the reason.
 */

import { Problem } from "../../shared/problem.js";
import { INSTALL, installCommand } from "../install_command.js";
import { tell } from "../link.js";
import * as wallet from "../wallet.js";
import { downgrade } from "./activation_rules.js";
import { publishState } from "./state_publisher.js";

/** Contradictions between the header and station, chain or server: the header may be from a stale cache. */
const STALE_HEADER = new RegExp(
  String.raw`^(station\.right\.missing|server\.mismatch|content\.(unknown|owner|revoked|destroyed)|` +
    String.raw`sps\.(policy\.mismatch|segment\.hash|truncated))$`,
);

/** True if a stale header may be the reason of a code. @param {string | undefined} code */
export const isOfStaleHeader = (code) => code !== undefined && STALE_HEADER.test(code);

export class ProblemHandler {
  /** The header was read past every cache. */
  hasReread = false;

  /** @param {import("./stream.js").Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /** Shows a problem that stops nothing. @param {Problem} problem */
  notify(problem) {
    this.stream.notice = problem;
    this.#show(problem);
  }

  /** Handles an error of the song or of its play. @param {unknown} error */
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
    wallet.decisionsChanged();
  }

  /**
   * Loads the song again where its header came from a cache and is another one now; once, and not during a granted
   * play.
   * @param {Problem} problem
   * @returns {Promise<boolean>} whether the problem is handled
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
    // The press was made for the old terms.
    const surface = downgrade(session.surface);
    stream.discard();
    stream.reset(source);
    Object.assign(stream.session, { playWhenReady, surface });
    await stream.load();
    return true;
  }

  /** Sends a problem to the player. @param {Problem} problem */
  #show(problem) {
    for (const port of this.stream.players) tell(port, { type: "problem", ...problem.toJSON() });
  }

  /** Adds the command that installs the host, with the network of the station. @param {Problem} problem */
  #addInstallCommand(problem) {
    problem.detail["command"] = INSTALL;
    installCommand(this.stream.place.origin).then((command) => {
      if (this.stream.problem !== problem || command === INSTALL) return;
      problem.detail["command"] = command;
      this.#show(problem);
    });
  }

  /** Ends the play after a refusal or failure. @param {string} code */
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
