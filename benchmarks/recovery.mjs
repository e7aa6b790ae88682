/**
 * Payees of many days in Pyodide under node, in batches and one by one: prints {batch_s, loop_s} as JSON. Started by
 * recovery.py.
 */

import { boot } from "./pyodide.mjs";

const pyodide = await boot();
pyodide.globals.set("sizes", process.argv.slice(2).map(Number));
console.log(
  pyodide.runPython(`
import importlib, json, sys, time
sys.path.insert(0, "/repo")
importlib.invalidate_caches()
from pywallet.wallet.keyring import Keyring
stations, days, alone = sizes
keys = Keyring(bytes(range(64)))
begun = time.perf_counter()
wants = [(bytes([station]) * 20, range(day * 24, day * 24 + 24)) for station in range(stations) for day in range(20_000, 20_000 + days)]
# As many as the host asks for in a step.
for at in range(0, len(wants), 20):
    keys.payees(wants[at : at + 20])
batch_s = time.perf_counter() - begun
begun = time.perf_counter()
for number in range(alone):
    keys.payee(bytes([7]) * 20, number)
json.dumps({"batch_s": batch_s, "loop_s": (time.perf_counter() - begun) / alone * stations * days * 24})
`),
);
