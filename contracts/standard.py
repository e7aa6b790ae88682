"""Standard JSON of Vyper for each contract, for verification by block explorers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from contracts.compile import HERE, SOURCES


def standard_json(name: str) -> dict[str, Any]:
    """The compiler's input for one contract: all its sources by import name, settings, and the compiler's version."""
    from vyper.cli.vyper_compile import compile_files

    roots = sorted(
        {str(Path(entry).resolve()) for entry in sys.path if entry and Path(entry).is_dir()}, key=len, reverse=True
    )
    source = HERE / SOURCES[name]
    output = next(iter(compile_files([source], ["solc_json"], paths=roots).values()))["solc_json"]
    made: dict[str, Any] = output if isinstance(output, dict) else json.loads(output)
    made["sources"] = {_short(path, roots): text for path, text in made["sources"].items()}
    made["settings"] = {
        **{key: value for key, value in made["settings"].items() if key not in ("search_paths", "outputSelection")},
        "search_paths": ["."],
        "outputSelection": {f"contracts/{source.name}": ["evm.bytecode", "evm.deployedBytecode", "abi"]},
    }
    made.pop("integrity", None)
    return made


def _short(path: str, roots: list[str]) -> str:
    """A source's name as an import has it, without the folders of this machine."""
    whole = Path(path).resolve()
    if whole.is_relative_to(HERE):
        return f"contracts/{whole.relative_to(HERE)}"
    return next(str(whole.relative_to(root)) for root in roots if whole.is_relative_to(root))


def compiled(made: dict[str, Any], name: str) -> dict[str, str]:
    """Compile a standard JSON: ``creation`` and ``runtime`` code, 0x-hex."""
    from vyper.cli.vyper_json import compile_json

    output = compile_json(made)
    evm = next(iter(output["contracts"][f"contracts/{SOURCES[name]}"].values()))["evm"]
    return {"creation": evm["bytecode"]["object"], "runtime": evm["deployedBytecode"]["object"]}
