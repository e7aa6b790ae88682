/**
 * The header's reading in Pyodide under node: prints {ours, peer, bytes} as JSON. Started by header.py.
 */

import { boot } from "./pyodide.mjs";

const pyodide = await boot();
console.log(
  pyodide.runPython(
    `
import importlib, json, sys
sys.path.insert(0, "/repo")
importlib.invalidate_caches()
from benchmarks.header_song import interleaved
interleaved(1, 1)
json.dumps(interleaved(ROUNDS, 3))
`.replace("ROUNDS", process.env.GOMAA_BENCH_SMALLEST === "1" ? "1" : "15"),
  ),
);
