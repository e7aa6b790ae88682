// Runs sessions by the extension's interpreter: the table, then lists of sessions, as lines of JSON in; answers out.
import { createInterface } from "node:readline";
import { Transitions } from "../../../../extension/engine/playback/transitions.js";

let table;
for await (const line of createInterface({ input: process.stdin })) {
  if (table === undefined) {
    table = JSON.parse(line);
    continue;
  }
  const answers = JSON.parse(line).map(({ start, duration_ms, events }) => {
    const session = new Transitions(table, start, duration_ms);
    return events.map(([name, position, code]) => {
      const commands = code === null ? session.step(name, position ?? undefined) : session.problem(code);
      const { state, granted, pendingPause, playAfterSeek, held, position_ms } = session;
      const written = commands.map(({ kind, action, position_ms: at }) => [kind, action, at]);
      return [state, granted, pendingPause, playAfterSeek, held, position_ms, session.code, written];
    });
  });
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}
