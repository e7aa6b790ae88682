/**
 * Makes the Python bundle with Pyodide itself: byte code of its own Python, and a memory snapshot with the core
 * imported.
 *
 * node bundle.mjs OUT PYWALLET SITE: OUT gets python_stdlib.zip, snapshot.bin.gz and snapshot_size.mjs; PYWALLET is the
 * core's folder, SITE a folder with the unpacked wheels. The same inputs give the same bytes.
 */

import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { createRequire, syncBuiltinESMExports } from "node:module";

import { STATIC_BYTES, toggleDifference } from "../engine/snapshot_difference.mjs";

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
const { default: createModule } = await import(path.join(home, "pyodide.asm.mjs"));
const { version } = JSON.parse(fs.readFileSync(path.join(home, "package.json"), "utf8"));
const info = JSON.parse(fs.readFileSync(path.join(home, "pyodide-lock.json"), "utf8")).info;
const lockFileContents = JSON.stringify({ info, packages: {} });

fs.mkdirSync(out, { recursive: true });

/**
 * Byte code by the Python that will run it: unchecked-hash .pyc, fixed dates, stored. Columns of the source and
 * docstrings are left out, which nothing reads; line numbers stay, for tracebacks.
 */
async function compile() {
  const py = await loadPyodide({ indexURL: home, lockFileContents, env: { PYTHONNODEBUGRANGES: "1" } });
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
import ast, importlib.util, os, zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

def without_docstrings(source, name):
    tree = compile(source, name, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    # Pyodide reads its own; dataclasses makes one up, which is longer, for a class that has none.
    if "/_pyodide/" in name or "/pyodide/" in name:
        return tree
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            made_up = isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(d) for d in node.decorator_list)
            if made_up or ast.get_docstring(node, clean=False) is None:
                continue
            first = node.body[0]
            node.body[:1] = [] if len(node.body) > 1 or isinstance(node, ast.Module) else [ast.copy_location(ast.Pass(), first)]
    return tree

def compiled(source, name):
    code = compile(without_docstrings(source, name), name, "exec", dont_inherit=True, optimize=0)
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
  let before = new Uint8Array();
  const py = await loadPyodide({
    indexURL: home,
    stdLibURL: path.join(out, "python_stdlib.zip"),
    lockFileContents,
    packageBaseUrl: out,
    _makeSnapshot: true,
    createPyodideModule: (/** @type {{preRun: ((module: {HEAPU8: Uint8Array}) => void)[]}} */ settings) => {
      settings.preRun.push(({ HEAPU8 }) => void (before = HEAPU8.slice(0, STATIC_BYTES)));
      return createModule(settings);
    },
    env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0" },
  });
  const packages = new Uint8Array(fs.readFileSync(path.join(out, "packages.zip")));
  const target = py.runPython("import site; site.getsitepackages()[0]");
  py.unpackArchive(packages, "zip", { extractDir: target });
  py.globals.set("left_out", py.toPy(LEFT_OUT));
  py.runPython(`
import gc, importlib
importlib.invalidate_caches()  # the clock stands still, so folders look unchanged
import pkgutil, pywallet
# Every module of the core: files are not part of a snapshot, so nothing of it can be imported later.
here = {"pywallet.crypto.cpython", "pywallet.crypto.key_wrap"}  # CPython's own
names = [m.name for m in pkgutil.walk_packages(pywallet.__path__, "pywallet.") if m.name not in here]
for name in ("asyncio", "json", "pyodide.ffi", *names):
    importlib.import_module(name)
`);
  // The snapshot knows where the files in the archive are, so it is made with the archive that is shipped.
  py.runPython(REDUCE);
  fs.writeFileSync(path.join(out, "python_stdlib.zip"), py.FS.readFile("/lib/python314.zip"));
  clearFreeMemory(py._module);
  const memory = py.makeMemorySnapshot();
  toggleDifference(memory, before);
  fs.writeFileSync(path.join(out, "snapshot.bin.gz"), zlib.gzipSync(memory, { level: 9 }));
  fs.writeFileSync(path.join(out, "snapshot_size.mjs"), `export const SNAPSHOT_BYTES = ${memory.length};\n`);
  return memory.length;
}

/** Modules for programs at a terminal, downloads and archives, which a core in a Worker never imports. */
const LEFT_OUT = [
  "_pyrepl",
  "argparse",
  "doctest",
  "ftplib",
  "gettext",
  "multiprocessing",
  "pdb",
  "pydoc",
  "pydoc_data",
  "py_compile",
  "rlcompleter",
  "statistics",
  "tarfile",
  "unittest",
];

/**
 * Leaves in the standard library's archive what may still be imported: encodings, modules that functions of loaded
 * modules import, and what these import.
 */
const REDUCE = `
def reduce(archive):
    import importlib, io, marshal, opcode, sys, types, zipfile

    EXTENDED_ARG, IMPORT_NAME, LOAD_CONST, LOAD_SMALL_INT = (
        opcode.opmap[name] for name in ("EXTENDED_ARG", "IMPORT_NAME", "LOAD_CONST", "LOAD_SMALL_INT")
    )

    def imported(code, package):
        """Yields the dotted names that code in a package imports."""
        high, level, names = 0, 0, None
        for op, arg in zip(code.co_code[::2], code.co_code[1::2]):
            arg |= high
            high = arg << 8 if op == EXTENDED_ARG else 0
            if op == LOAD_SMALL_INT:
                level = arg
            elif op == LOAD_CONST:
                names = code.co_consts[arg]
            elif op == IMPORT_NAME:
                parts = package.split(".")
                base = ".".join(parts[: len(parts) - level + 1]) if level else ""
                name = ".".join(filter(None, (base, code.co_names[arg])))
                yield name
                for part in names or ():
                    yield f"{name}.{part}"
        for part in code.co_consts:
            if isinstance(part, types.CodeType):
                yield from imported(part, package)

    with zipfile.ZipFile(archive) as source:
        files = {}
        for path in source.namelist():
            if path.endswith(".pyc"):
                parts = path.removesuffix(".pyc").split("/")
                package = parts[-1] == "__init__"
                files[".".join(parts[:-1] if package else parts)] = (path, package)
        def code(name):
            return marshal.loads(source.read(files[name][0])[16:])
        kept = {name for name in files if name.split(".")[0] == "encodings"}
        todo = sorted(set(files) & set(sys.modules) | kept)
        while todo:
            name = todo.pop()
            package = name if files[name][1] else name.rpartition(".")[0]
            for other in imported(code(name), package):
                while other:
                    if other in files and other not in kept and other not in sys.modules and other.split(".")[0] not in left_out:
                        kept.add(other)
                        todo.append(other)
                    other = other.rpartition(".")[0]
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w") as target:
            for path, _ in sorted(files[name] for name in kept):
                target.writestr(source.getinfo(path), source.read(path))
    with open(archive, "wb") as file:
        file.write(memory.getvalue())
    importlib.invalidate_caches()

reduce("/lib/python314.zip")
del reduce, left_out
import gc
gc.collect()
`;

/**
 * Writes zeros over the memory that is free, where the bytes of the imported files are left: they compress to nothing.
 * @param {{HEAPU8: Uint8Array, _malloc: (size: number) => number, _free: (address: number) => void}} module of Pyodide
 */
function clearFreeMemory(module) {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = () => {
    throw new RangeError("the memory is only filled, not grown");
  };
  const blocks = [];
  for (let size = 1 << 24; size >= 8; size >>= 1) {
    for (let address = module._malloc(size); address; address = module._malloc(size)) {
      module.HEAPU8.fill(0, address, address + size);
      blocks.push(address);
    }
  }
  for (const address of blocks) module._free(address);
  WebAssembly.Memory.prototype.grow = grow;
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
