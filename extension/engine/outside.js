/**
 * What a page learns: what an audio element would tell it, and nothing about the fan.
 */

/** A song's or a station's own fault may be named; what it has to do with the fan, wallet, device or plays is "refused" or "failed". */
const NAMED = /^(sps|media|content|watermark|station)\./;
const REFUSALS = /^(policy|wallet|session|lease|ticket|invocation|site)\./;

/**
 * The word that a page gets for a code.
 * @param {string | null | undefined} code of the registry
 * @returns {string | null}
 */
export function word(code) {
  if (!code) return null;
  if (NAMED.test(code)) return code;
  // That a person has to press play is all a page can act on.
  if (code === "site.consent") return code;
  return REFUSALS.test(code) ? "refused" : "failed";
}

/**
 * @param {{course: {wanted: boolean, session: {halting: boolean, wanted: boolean}}, page: {asks: boolean, denied: number | null, done: number}, problem: {code: string} | null, pitch: boolean, stalled: boolean,
 *   info: any, sound: {ranges: [number, number][]} | null}} stream
 * @param {{state: string, position_ms: number, duration_ms: number, volume: number, muted: boolean, rate: number}} state of telling.js
 */
export function outside(stream, { state, position_ms, duration_ms, volume, muted, rate }) {
  const { session, wanted } = stream.course;
  return {
    // A song that could not be opened is no song that is being opened.
    state: state === "loading" && stream.problem ? "failed" : session.halting ? "paused" : state,
    position_ms,
    duration_ms,
    volume,
    muted,
    rate,
    pitch: stream.pitch,
    ranges: stream.sound?.ranges ?? [],
    wanted: wanted || session.wanted || stream.page.asks,
    stalled: stream.stalled,
    seekable: stream.info?.policy?.permissions?.includes("seek") ?? true,
    code: word(stream.problem?.code),
    denied: stream.page.denied,
    done: stream.page.done,
  };
}
