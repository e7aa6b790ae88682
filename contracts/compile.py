"""Compile the contracts with Vyper into build/contracts, once per state of the sources."""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from platformdirs import user_cache_path

HERE: Final = Path(__file__).resolve().parent
BUILD: Final = (
    HERE.parent / "build" / "contracts"
    if (HERE.parent / "pyproject.toml").exists()
    else user_cache_path("gomaa", appauthor=False) / "contracts"
)
ABI_FILE: Final = HERE.parent / "chain" / "abi.json"
SOURCES: Final = {
    "GoMAA": "gomaa.vy",
    "Registry": "registry.vy",
    "Content": "content.vy",
    "Rights": "rights.vy",
    "Settlement": "settlement.vy",
}


def source_hash() -> str:
    """SHA-256 over all sources and the versions of Vyper and snekmate."""
    total = hashlib.sha256(f"2 {version('vyper')} {version('snekmate')}".encode())
    for path in sorted(HERE.glob("*.vy")):
        total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()


@cache
def artifacts() -> dict[str, dict[str, Any]]:
    """``abi``, ``bytecode`` and ``runtime`` (0x-hex) by contract; compiled again when the sources have changed."""
    done = BUILD / "contracts.json"
    if done.exists():
        stored: dict[str, Any] = json.loads(done.read_text())
        if stored["hash"] == source_hash():
            return dict(stored["contracts"])
    compiled = {name: _compile(HERE / source) for name, source in SOURCES.items()}
    BUILD.mkdir(parents=True, exist_ok=True)
    done.write_text(json.dumps({"hash": source_hash(), "contracts": compiled}))
    return compiled


def _compile(path: Path) -> dict[str, Any]:
    from vyper.cli.vyper_compile import compile_files

    search = [entry for entry in sys.path if entry and Path(entry).is_dir()]
    output = next(iter(compile_files([path], ["abi", "bytecode", "bytecode_runtime"], paths=search).values()))
    return {"abi": output["abi"], "bytecode": output["bytecode"], "runtime": output["bytecode_runtime"]}


def abi_text() -> str:
    """Content of ``chain/abi.json``: the ABIs without bytecode, for programs that do not deploy."""
    return json.dumps({name: made["abi"] for name, made in artifacts().items()}, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    text = abi_text()
    if not ABI_FILE.exists() or ABI_FILE.read_text() != text:
        ABI_FILE.write_text(text)
        print("chain/abi.json renewed")
