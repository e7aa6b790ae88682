"""Pack the extension for both browsers, reproducibly. Standard library only.

``python -m extension.pack`` writes dist/chromium (unpacked), dist/gomaa-chromium.zip, dist/firefox and
dist/gomaa-firefox.xpi: one tree, one manifest with an overlay for each browser. ``--source`` writes
dist/gomaa-source.zip
as well: all that the two are made of, for whoever wants to make them again.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from extension import licences

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "extension"
DIST: Final = ROOT / "dist"
CACHE: Final = ROOT / ".cache"
MODULES: Final = ROOT / "node_modules"
WHEELS: Final = ROOT / "requirements-pyodide.lock"
PACKAGES: Final = {"chromium": "gomaa-chromium.zip", "firefox": "gomaa-firefox.xpi"}

SOURCE_PACKAGE: Final = "gomaa-source.zip"

# All that the packages are made of, by place in the tree; a folder stands for everything in it.
MADE_OF: Final = (
    *("extension", "pywallet", "manifest.json", "package.json", "package-lock.json", ".npmrc"),
    *("requirements-pyodide.lock", "LICENSE"),
)

# Not shipped: what builds the extension, types for the checker, and the Python around it.
LEFT_OUT: Final = re.compile(
    r"(^|/)(__pycache__|bundle|store)(/|$)|\.(py|pyc|mts|d\.ts)$|^ids\.json$|^icons/.*\.svg$|^REVIEW\.md$"
)

# Files of npm packages that are shipped, by their place in the extension.
VENDORED: Final = {
    "pyodide/pyodide.mjs": "pyodide/pyodide.mjs",
    "pyodide/pyodide.asm.mjs": "pyodide/pyodide.asm.mjs",
    "pyodide/pyodide.asm.wasm": "pyodide/pyodide.asm.wasm",
    "vendor/noble/sha3.js": "@noble/hashes/sha3.js",
    "vendor/noble/_u64.js": "@noble/hashes/_u64.js",
    "vendor/noble/utils.js": "@noble/hashes/utils.js",
    "vendor/noble/secp256k1.js": "@noble/secp256k1/index.js",
    "vendor/qrcode-generator.mjs": "qrcode-generator/dist/qrcode.mjs",
}
# Files that stand twice: Chromium runs a content script's file once a frame, also where two worlds name it.
COPIES: Final = {"content/page_players_main.js": "content/page_players.js"}
BUNDLED: Final = ("python_stdlib.zip", "snapshot.bin.gz", "snapshot_size.mjs")


def main() -> None:
    """Pack for every browser."""
    bundle = make_bundle()
    for target in PACKAGES:
        print(pack(target, bundle), file=sys.stderr)
    if "--source" in sys.argv[1:]:
        print(source(), file=sys.stderr)


def pack(target: str, bundle: Path) -> Path:
    """Write one browser's folder and package; the package's path."""
    folder = DIST / target
    shutil.rmtree(folder, ignore_errors=True)
    for name, path in sorted(files(bundle).items()):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    (folder / "manifest.json").write_text(json.dumps(manifest(target), indent=2, sort_keys=True) + "\n")
    package = DIST / PACKAGES[target]
    _zip(folder, package)
    return package


def source() -> Path:
    """Write what the packages are made of, with a README for whoever reviews them; the package's path."""
    places = [ROOT / name for name in MADE_OF]
    found = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place]) if file.is_file()]
    kept = {file.relative_to(ROOT).as_posix(): file for file in found if "__pycache__" not in file.parts}
    package = DIST / SOURCE_PACKAGE
    package.parent.mkdir(parents=True, exist_ok=True)
    _write_zip(package, {**kept, "README.md": SOURCE / "REVIEW.md"})
    return package


def manifest(target: str) -> dict[str, Any]:
    """The one manifest with a browser's overlay merged in: lists are appended, everything else replaced."""
    merged: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text())
    overlays = {key[2:]: merged.pop(key) for key in list(merged) if key.startswith("x-")}
    for key, value in overlays[target].items():
        merged[key] = merged.get(key, []) + value if isinstance(value, list) else value
    return merged


def files(bundle: Path) -> dict[str, Path]:
    """Place in the extension to file."""
    own = {p.relative_to(SOURCE).as_posix(): p for p in SOURCE.rglob("*") if p.is_file()}
    out = {name: path for name, path in own.items() if not LEFT_OUT.search(name)}
    out |= {name: SOURCE / source for name, source in COPIES.items()}
    out |= {name: MODULES / source for name, source in VENDORED.items()}
    out["licences.txt"] = _licences()
    return out | {f"pyodide/{name}": bundle / name for name in BUNDLED}


def _licences() -> Path:
    names = ["/".join(source.split("/")[: 2 if source.startswith("@") else 1]) for source in VENDORED.values()]
    file = CACHE / "licences.txt"
    text = licences.document(licences.parts(MODULES, names, wheels().glob("*.whl")))
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
    return file


def _zip(folder: Path, package: Path) -> None:
    _write_zip(package, {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()})


def _write_zip(package: Path, names: dict[str, Path]) -> None:
    """Sorted names, one date, one mode: the same tree gives the same bytes."""
    with zipfile.ZipFile(package, "w") as archive:
        for name, path in sorted(names.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            # Firefox reads from the package itself: what is compressed already is not decompressed twice.
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".gz") else zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, path.read_bytes(), compresslevel=9)


def make_bundle() -> Path:
    """The Python bundle for the core as it is now, made once per state of its inputs."""
    total = hashlib.sha256()
    for path in _inputs():
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    done = CACHE / "bundle" / total.hexdigest()[:16]
    if all((done / name).exists() for name in BUNDLED):
        return done
    shutil.rmtree(CACHE / "bundle", ignore_errors=True)
    part = done.with_suffix(".part")
    site = CACHE / "bundle" / "site"
    for wheel in sorted(wheels().glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(
                site, [n for n in archive.namelist() if ".dist-info/" not in n or n.endswith("METADATA")]
            )
    subprocess.run(["node", SOURCE / "bundle" / "bundle.mjs", part, ROOT / "pywallet", site], check=True, cwd=ROOT)
    part.replace(done)
    return done


def _inputs() -> Iterator[Path]:
    yield WHEELS
    yield MODULES / "pyodide" / "package.json"
    yield SOURCE / "bundle" / "bundle.mjs"
    yield SOURCE / "engine" / "snapshot_difference.mjs"
    yield from sorted(p for p in (ROOT / "pywallet").rglob("*.py"))


def wheels() -> Path:
    """A folder with the pinned pure wheels, hashes checked, downloaded once per state of the list."""
    folder = CACHE / "pyodide-wheels" / hashlib.sha256(WHEELS.read_bytes()).hexdigest()[:16]
    if folder.exists():
        return folder
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-qq",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    ]
    pure = [
        "--only-binary=:all:",
        "--platform",
        "any",
        "--python-version",
        "314",
        "--implementation",
        "py",
        "--abi",
        "none",
    ]
    subprocess.run([*pip, *pure, "-r", WHEELS, "-d", part], check=True, cwd=ROOT)
    part.replace(folder)
    return folder


if __name__ == "__main__":
    main()
