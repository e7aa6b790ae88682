/**
 * Worker that runs Pyodide from a memory snapshot with pywallet imported, without access to pages and network.
 */

import { loadPyodide } from "../pyodide/pyodide.mjs";
import { SNAPSHOT_BYTES } from "../pyodide/snapshot_size.mjs";
import { keccak_256 } from "../vendor/noble/sha3.js";
import { recover } from "./secp256k1.mjs";
import { toggleDifference } from "./snapshot_difference.mjs";

/**
 * Parts of Emscripten's module that the start uses.
 * @typedef {{HEAPU8: Uint8Array, addRunDependency: (id: string) => void, removeRunDependency: (id: string) => void}}
 *   EmscriptenModule
 * @typedef {{preRun: ((module: EmscriptenModule) => unknown)[]}} ModuleSettings
 */

const baseUrl = new URL("../pyodide/", import.meta.url).href;

/** Decompresses the snapshot. @param {Uint8Array} into @returns {Promise<void>} rejected if the size is another */
async function readSnapshot(into) {
  const { body } = await fetch(`${baseUrl}snapshot.bin.gz`);
  if (!body) throw new Error("no snapshot");
  const reader = body.pipeThrough(new DecompressionStream("gzip")).getReader();
  let size = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    into.set(read.value, size);
    size += read.value.length;
  }
  if (size !== into.length) throw new Error("incomplete snapshot");
}

/**
 * Starts Python.
 * @returns {Promise<{call: (op: string, payload: string, blob: Uint8Array | null) => Promise<string>, timeline:
 *   import("./start_timeline.d.ts").StartTimeline}>}
 */
async function start() {
  const timeline = { loading_ms: performance.now(), snapshot_ms: 0, wasm_ms: 0, python_ms: 0, ready_ms: 0 };
  // Pyodide needs only the size of the snapshot to compile its WebAssembly: allocated before it is read, it is
  // decompressed at the same time.
  const snapshot = new Uint8Array(SNAPSHOT_BYTES);
  const read = readSnapshot(snapshot).then(() => (timeline.snapshot_ms = performance.now()));
  const factory = import("../pyodide/pyodide.asm.mjs");
  const load = loadPyodide(
    /** @type {Parameters<typeof loadPyodide>[0]} */ (
      /** @type {unknown} */ ({
        indexURL: baseUrl,
        stdLibURL: `${baseUrl}python_stdlib.zip`,
        packageBaseUrl: baseUrl,
        lockFileContents: JSON.stringify({
          info: { abi_version: "2026_0", arch: "wasm32", platform: "emscripten_5_0_3", python: "3.14.2" },
          packages: {},
        }),
        _loadSnapshot: snapshot,
        createPyodideModule: async (/** @type {ModuleSettings} */ settings) => {
          // Runs after the compilation, before the snapshot is put in place; waits for ever where there is none.
          settings.preRun.push(async (module) => {
            timeline.wasm_ms = performance.now();
            module.addRunDependency("snapshot");
            await read;
            toggleDifference(snapshot, module.HEAPU8);
            module.removeRunDependency("snapshot");
          });
          return (await factory).default(settings);
        },
      })
    ),
  );
  const [python] = await Promise.all([load, read]);
  timeline.python_ms = performance.now();
  // Pyodide keeps its options, and with them the copy.
  delete (
    /** @type {{_api: {config: {_loadSnapshot?: Uint8Array}}}} */ (/** @type {unknown} */ (python))._api.config
      ._loadSnapshot
  );
  python.registerJsModule("gomaa_native", { keccak256: (/** @type {Uint8Array} */ data) => keccak_256(data), recover });
  // The state of Python's random generator in the snapshot is fixed: it is seeded before any use.
  python.runPython("import random; random.seed()");
  const { call_json: call } = python.pyimport("pywallet.worker_api");
  await call("wallet.status", "{}", null);
  timeline.ready_ms = performance.now();
  return { call, timeline };
}

const ready = start();
ready.then(
  ({ timeline }) => postMessage({ type: "ready", timeline }),
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
