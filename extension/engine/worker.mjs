/**
 * Worker that runs Pyodide from a memory snapshot with pywallet imported, without access to pages and network.
 */

import { loadPyodide } from "../pyodide/pyodide.mjs";
import { keccak_256 } from "../vendor/noble/sha3.js";
import { recover } from "./secp256k1.mjs";

const baseUrl = new URL("../pyodide/", import.meta.url).href;

async function start() {
  const startedAt = performance.now();
  const snapshot = async () => {
    const { body } = await fetch(`${baseUrl}snapshot.bin.gz`);
    if (!body) throw new Error("no snapshot");
    return new Uint8Array(await new Response(body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  };
  const python = await loadPyodide(
    /** @type {Parameters<typeof loadPyodide>[0]} */ ({
      indexURL: baseUrl,
      stdLibURL: `${baseUrl}python_stdlib.zip`,
      packageBaseUrl: baseUrl,
      lockFileContents: JSON.stringify({
        info: { abi_version: "2026_0", arch: "wasm32", platform: "emscripten_5_0_3", python: "3.14.2" },
        packages: {},
      }),
      _loadSnapshot: snapshot(),
    }),
  );
  python.registerJsModule("gomaa_native", { keccak256: (/** @type {Uint8Array} */ data) => keccak_256(data), recover });
  // The state of Python's random generator in the snapshot is fixed: it is seeded before any use.
  python.runPython("import random; random.seed()");
  const { call_json: call } = python.pyimport("pywallet.worker_api");
  await call("wallet.status", "{}", null);
  return { call, ms: performance.now() - startedAt };
}

const ready = start();
ready.then(
  ({ ms }) => postMessage({ type: "ready", ms }),
  (error) => postMessage({ type: "broken", reason: String(error).slice(0, 500) }),
);

onmessage = async ({ data: { id, op, payload, blob } }) => {
  try {
    const { call } = await ready;
    postMessage({ id, answer: await call(op, payload, blob ?? null) });
  } catch (error) {
    postMessage({
      id,
      answer: JSON.stringify({
        ok: false,
        error: { code: "internal", message: String(error).slice(0, 300), detail: {} },
      }),
    });
  }
};
