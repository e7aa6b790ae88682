/**
 * The core's tests under Pyodide in node. Started by run.py, which has put the wheels in place.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { keccak_256 } from "@noble/hashes/sha3.js";
import { recoverPublicKey } from "@noble/secp256k1";
import { loadPyodide } from "pyodide";

const WHEELS = [".cache/pyodide-wheels", ".cache/pyodide-test-wheels"];
const MAIN = `
import importlib, os, sys
os.chdir("/repo")
sys.path[:0] = ["/repo", "/repo/tests/pyodide"]
importlib.invalidate_caches()
import session
await session.main(list(arguments))
`;

/** As extension/engine/secp256k1.mjs. @param {Uint8Array} digest @param {Uint8Array} signature */
function recover(digest, signature) {
  const ordered = Uint8Array.of(signature[64] ?? 0, ...signature.subarray(0, 64));
  return recoverPublicKey(ordered, digest, { prehash: false, isCompressed: false }).subarray(1);
}

async function main() {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
  const pyodide = await loadPyodide({
    indexURL: join(root, "node_modules/pyodide/"),
    env: { HOME: "/home/pyodide", PYTHONDONTWRITEBYTECODE: "1", HYPOTHESIS_STORAGE_DIRECTORY: "/tmp/hypothesis" },
  });
  const extractDir = pyodide.runPython("import site; site.getsitepackages()[0]");
  for (const place of WHEELS) {
    for (const name of readdirSync(join(root, place)).filter((file) => file.endsWith(".whl"))) {
      pyodide.unpackArchive(new Uint8Array(readFileSync(join(root, place, name))), "zip", { extractDir });
    }
  }
  // What the extension's shell registers too: the core has no keccak of its own in a browser.
  pyodide.registerJsModule("gomaa_native", {
    keccak256: (/** @type {Uint8Array} */ data) => keccak_256(data),
    recover,
  });
  pyodide.mountNodeFS("/repo", root);
  pyodide.globals.set("arguments", process.argv.slice(2));
  return pyodide.runPythonAsync(MAIN);
}

try {
  process.exitCode = await main();
} catch (error) {
  // Only the message: node would print the whole line of Pyodide's source that threw, a megabyte.
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 70;
}
