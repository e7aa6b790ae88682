"""``extension_size``: what a fan downloads, beside the same Pyodide with nothing of ours in it."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any, Final

from benchmarks.figure import Figure
from extension import pack

_BARE: Final = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
_MIB: Final = 1 << 20


def run() -> list[dict[str, Any]]:
    """The larger of the two packages; the peer is packed the same way."""
    bundle = pack.make_bundle()
    sizes = {target: pack.pack(target, bundle).stat().st_size for target in pack.PACKAGES}
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in _BARE:
            archive.write(pack.MODULES / "pyodide" / name, name)
    bare = len(memory.getvalue()) / _MIB
    value = round(max(sizes.values()) / _MIB, 2)
    return [
        Figure("extension_size", value, "MiB", "Pyodide alone, zipped", round(bare, 2), "lower", dict(sizes)).to_json()
    ]
