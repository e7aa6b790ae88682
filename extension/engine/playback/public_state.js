/**
 * What a page learns: what an audio element would tell it, and nothing about the fan.
 */

/** What has to do with the fan, with terms and plays. */
const REFUSALS = /^(policy|wallet|session|lease|ticket|invocation|site)\./;

/**
 * The word that a page gets for a code: never which part of a song or of its way here was at fault, which would tell it
 * of addresses that it cannot read.
 * @param {string | null | undefined} code of the registry
 * @param {boolean} accepted whether host and chain have accepted the song
 * @returns {"refused" | "failed" | null}
 */
export function publicCode(code, accepted) {
  if (!code) return null;
  return accepted && REFUSALS.test(code) ? "refused" : "failed";
}

/**
 * @param {{session: {playWhenReady: boolean, playAfterSeek: boolean, pendingPause: boolean}, pageCommands: {isAsking:
 *   boolean, denied: number | null, done: number}, problem: {code: string} | null, pitch: boolean, stalled: boolean,
 *   info: any, sound: {ranges: [number, number][]} | null}} stream
 * @param {{state: string, position_ms: number, duration_ms: number, volume: number, muted: boolean, rate: number}}
 *   state of telling.js
 */
export function publicState(stream, { state, position_ms, duration_ms, volume, muted, rate }) {
  const { session } = stream;
  // Of a song that host and chain have not accepted the page hears that it is loading, or that it failed.
  const accepted = Boolean(stream.info);
  return {
    // A song that could not be opened is no song that is being opened.
    state:
      accepted && state !== "loading"
        ? session.pendingPause
          ? "paused"
          : state
        : stream.problem
          ? "failed"
          : "loading",
    position_ms: accepted ? position_ms : 0,
    duration_ms: accepted ? duration_ms : 0,
    volume,
    muted,
    rate,
    pitch: stream.pitch,
    ranges: accepted ? (stream.sound?.ranges ?? []) : [],
    wanted: session.playWhenReady || session.playAfterSeek || stream.pageCommands.isAsking,
    stalled: stream.stalled,
    seekable: stream.info?.policy?.permissions?.includes("seek") ?? true,
    code: publicCode(stream.problem?.code, accepted),
    denied: stream.pageCommands.denied,
    done: stream.pageCommands.done,
  };
}
