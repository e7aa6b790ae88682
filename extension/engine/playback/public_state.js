/**
 * State of a stream for its page: that of an audio element, without data about the listener.
 */

/** @import { PageState } from "../../shared/page_messages.d.ts" */
/** @import { PlayerState } from "../../shared/player_messages.d.ts" */

/** Codes of refusals by the terms or about the listener. */
const REFUSALS = /^(policy|wallet|session|lease|ticket|invocation|site)\./;

/**
 * Code for a page. It does not name the part of a song or of its delivery that has failed, which would reveal the
 * content of addresses that the page cannot read.
 * @param {string | null | undefined} code of the registry
 * @param {boolean} accepted whether host and chain have accepted the song
 * @returns {PageState["code"]}
 */
export function publicCode(code, accepted) {
  if (!code) return null;
  return accepted && REFUSALS.test(code) ? "refused" : "failed";
}

/**
 * State of a stream for its page.
 * @param {object} stream
 * @param {{playWhenReady: boolean, playAfterSeek: boolean, pendingPause: boolean}} stream.session
 * @param {{isAsking: boolean, denied: number | null, done: number}} stream.pageCommands
 * @param {{code: string} | null} stream.problem
 * @param {{pitch: boolean}} stream.settings
 * @param {boolean} stream.stalled
 * @param {{policy: import("./activation_rules.js").Policy} | null} stream.info of the host
 * @param {{ranges: [number, number][]} | null} stream.sound
 * @param {Pick<PlayerState, "state" | "position_ms" | "duration_ms" | "volume" | "muted" | "rate">} state
 * @returns {PageState}
 */
export function publicState(stream, { state, position_ms, duration_ms, volume, muted, rate }) {
  const { session } = stream;
  // Before host and chain have accepted the song, its page gets only that it is loading or has failed.
  const accepted = Boolean(stream.info);
  const shown = session.pendingPause ? "paused" : state;
  return {
    state: accepted && state !== "loading" ? shown : stream.problem ? "failed" : "loading",
    position_ms: accepted ? position_ms : 0,
    duration_ms: accepted ? duration_ms : 0,
    volume,
    muted,
    rate,
    pitch: stream.settings.pitch,
    ranges: accepted ? (stream.sound?.ranges ?? []) : [],
    wanted: session.playWhenReady || session.playAfterSeek || stream.pageCommands.isAsking,
    stalled: stream.stalled,
    seekable: stream.info?.policy?.permissions?.includes("seek") ?? true,
    code: publicCode(stream.problem?.code, accepted),
    denied: stream.pageCommands.denied,
    done: stream.pageCommands.done,
  };
}
