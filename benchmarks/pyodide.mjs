/**
 * Pyodide under node with the core's wheels and this repository at /repo.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { keccak_256 } from "@noble/hashes/sha3.js";
import { recoverPublicKey } from "@noble/secp256k1";
import { loadPyodide } from "pyodide";

/** As extension/engine/secp256k1.mjs. @param {Uint8Array} digest @param {Uint8Array} signature */
function recover(digest, signature) {
  const ordered = Uint8Array.of(signature[64] ?? 0, ...signature.subarray(0, 64));
  return recoverPublicKey(ordered, digest, { prehash: false, isCompressed: false }).subarray(1);
}

export async function boot() {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
  const wheels = join(root, ".cache/pyodide-wheels");
  const pyodide = await loadPyodide({
    indexURL: join(root, "node_modules/pyodide/"),
    env: { PYTHONDONTWRITEBYTECODE: "1" },
  });
  const extractDir = pyodide.runPython("import site; site.getsitepackages()[0]");
  for (const name of readdirSync(wheels).filter((file) => file.endsWith(".whl"))) {
    pyodide.unpackArchive(new Uint8Array(readFileSync(join(wheels, name))), "zip", { extractDir });
  }
  pyodide.registerJsModule("gomaa_native", {
    keccak256: (/** @type {Uint8Array} */ data) => keccak_256(data),
    recover,
  });
  pyodide.mountNodeFS("/repo", root);
  return pyodide;
}
