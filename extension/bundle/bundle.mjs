/**
 * Makes the Python bundle with Pyodide itself: byte code of its own Python, and a memory snapshot with the core
 * imported.
 *
 * node bundle.mjs OUT PYWALLET SITE: OUT gets python_stdlib.zip and snapshot.bin.gz; PYWALLET is the core's folder,
 * SITE a folder with the unpacked wheels. The same inputs give the same bytes.
 */

import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { createRequire, syncBuiltinESMExports } from "node:module";

// A snapshot would keep the build machine's clock, zone and entropy: all stand still here, before Pyodide looks at
// them.
process.env.TZ = "UTC";
// Emscripten puts the program's path into the environment that Python sees.
process.argv[1] = "/bundle.mjs";
const NOW_MS = Date.UTC(2020, 0, 1);
Date.now = () => NOW_MS;
performance.now = () => 0;
let state = 0x9e3779b9;
const random = () => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 4294967296;
};
Math.random = random;
/** @template {Uint8Array} T @param {T} array */
const fill = (array) => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(random() * 256);
  return array;
};
// Emscripten asks Node's own module where there is one, and the Web's where there is none.
Object.defineProperty(globalThis.crypto, "getRandomValues", { value: fill });
Object.assign(crypto, { randomFillSync: fill });
syncBuiltinESMExports();

const [out, core, site] = process.argv.slice(2).map((part) => path.resolve(part));
const home = path.dirname(createRequire(import.meta.url).resolve("pyodide/package.json"));
const { loadPyodide } = await import(path.join(home, "pyodide.mjs"));
const { version } = JSON.parse(fs.readFileSync(path.join(home, "package.json"), "utf8"));
const info = JSON.parse(fs.readFileSync(path.join(home, "pyodide-lock.json"), "utf8")).info;
const lockFileContents = JSON.stringify({ info, packages: {} });

fs.mkdirSync(out, { recursive: true });

/** Byte code by the Python that will run it: unchecked-hash .pyc, fixed dates, stored. */
async function compile() {
  const py = await loadPyodide({ indexURL: home, lockFileContents });
  for (const [name, folder] of [
    ["home", home],
    ["core", core],
    ["site", site],
    ["out", out],
  ]) {
    py.FS.mkdir(`/at_${name}`);
    py.mountNodeFS(`/at_${name}`, folder);
  }
  py.runPython(`
import importlib.util, os, zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

def compiled(source, name):
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    return bytes(_code_to_hash_pyc(code, importlib.util.source_hash(source), False))

def put(archive, name, data):
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)

def add(archive, name, data, prefix):
    if name.endswith(".py"):
        data, name = compiled(data, prefix + name), name + "c"
    put(archive, name, data)

with zipfile.ZipFile("/at_home/python_stdlib.zip") as source, zipfile.ZipFile("/at_out/python_stdlib.zip", "w") as target:
    for name in sorted(n for n in source.namelist() if not n.endswith("/")):
        add(target, name, source.read(name), "/lib/python314.zip/")

with zipfile.ZipFile("/at_out/packages.zip", "w") as target:
    for root, prefix in (("/at_core", "pywallet/"), ("/at_site", "")):
        files = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f != "__pycache__"]
            files += [os.path.join(folder, name) for name in names]
        for path in sorted(files):
            with open(path, "rb") as file:
                add(target, prefix + os.path.relpath(path, root), file.read(), "/site-packages/")
`);
}

/** Load the compiled parts, import the core, keep the memory. */
async function snapshot() {
  const py = await loadPyodide({
    indexURL: home,
    stdLibURL: path.join(out, "python_stdlib.zip"),
    lockFileContents,
    packageBaseUrl: out,
    _makeSnapshot: true,
    env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0" },
  });
  const packages = new Uint8Array(fs.readFileSync(path.join(out, "packages.zip")));
  const target = py.runPython("import site; site.getsitepackages()[0]");
  py.unpackArchive(packages, "zip", { extractDir: target });
  py.runPython(`
import gc, importlib
importlib.invalidate_caches()  # the clock stands still, so folders look unchanged
import pkgutil, pywallet
# Every module of the core: files are not part of a snapshot, so nothing can be imported later.
here = {"pywallet.crypto.cpython", "pywallet.crypto.key_wrap"}  # CPython's own
names = [m.name for m in pkgutil.walk_packages(pywallet.__path__, "pywallet.") if m.name not in here]
for name in ("asyncio", "json", "pyodide.ffi", *names):
    importlib.import_module(name)
gc.collect()
`);
  const memory = py.makeMemorySnapshot();
  fs.writeFileSync(path.join(out, "snapshot.bin.gz"), zlib.gzipSync(memory, { level: 9 }));
  return memory.length;
}

try {
  await compile();
  const size = await snapshot();
  fs.rmSync(path.join(out, "packages.zip"));
  console.error(`pyodide ${version}, ${(size / 1048576).toFixed(1)} MB of memory`);
  process.exit(0);
} catch (error) {
  // Pyodide's own files are one line each: node would print them whole.
  const { message, stack } = /** @type {Error} */ (error);
  console.error(message || String(error));
  console.error(
    String(stack)
      .split("\n")
      .map((line) => line.slice(0, 200))
      .join("\n"),
  );
  process.exit(1);
}
