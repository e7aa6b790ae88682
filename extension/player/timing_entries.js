/**
 * The engine's measurements as User Timing entries of the frame, for developer tools and benchmarks.
 */

/** Number of recorded entries of each measurement. */
const reportedTimings = { engine_cold: 0, first_audio: 0, seek: 0 };
let reportedVerdicts = 0;

/**
 * Records the measurements that are new.
 * @param {import("../shared/player_messages.d.ts").TimingReport | undefined} timings
 */
export function recordTimings(timings) {
  const verdicts = Array.isArray(timings?.marks) ? timings.marks : [];
  for (const verdict of verdicts.slice(reportedVerdicts))
    performance.measure(`gomaa.mark.${verdict}`, { start: 0, duration: 0 });
  reportedVerdicts = Math.max(reportedVerdicts, verdicts.length);
  for (const name of /** @type {(keyof typeof reportedTimings)[]} */ (["engine_cold", "first_audio", "seek"])) {
    const reported = timings?.[`${name}_ms`] ?? [];
    const values = Array.isArray(reported) ? reported : [reported];
    for (const duration of values.slice(reportedTimings[name]))
      performance.measure(`gomaa.${name}`, { start: 0, duration });
    reportedTimings[name] = Math.max(reportedTimings[name], values.length);
  }
}
