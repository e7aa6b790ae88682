/**
 * The header's reading in Pyodide under node: prints {ours, peer, bytes} as JSON. Started by header.py.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { keccak_256 } from "@noble/hashes/sha3.js";
import { recoverPublicKey } from "@noble/secp256k1";
import { loadPyodide } from "pyodide";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const wheels = join(root, ".cache/pyodide-wheels");
const pyodide = await loadPyodide({ indexURL: join(root, "node_modules/pyodide/"), env: { PYTHONDONTWRITEBYTECODE: "1" } });
const extractDir = pyodide.runPython("import site; site.getsitepackages()[0]");
for (const name of readdirSync(wheels).filter((file) => file.endsWith(".whl"))) {
  pyodide.unpackArchive(new Uint8Array(readFileSync(join(wheels, name))), "zip", { extractDir });
}
/** As extension/engine/curve.mjs. @param {Uint8Array} digest @param {Uint8Array} signature */
function recover(digest, signature) {
  const ordered = Uint8Array.of(signature[64] ?? 0, ...signature.subarray(0, 64));
  return recoverPublicKey(ordered, digest, { prehash: false, isCompressed: false }).subarray(1);
}
pyodide.registerJsModule("gomaa_native", { keccak256: (/** @type {Uint8Array} */ data) => keccak_256(data), recover });
pyodide.mountNodeFS("/repo", root);
console.log(
  pyodide.runPython(`
import importlib, json, sys
sys.path.insert(0, "/repo")
importlib.invalidate_caches()
from benchmarks.header_song import interleaved
interleaved(1, 1)
json.dumps(interleaved(ROUNDS, 3))
`.replace("ROUNDS", process.env.GOMAA_BENCH_SMALLEST === "1" ? "1" : "15")),
);
