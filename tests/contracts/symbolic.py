"""Proofs of Settlement with halmos, which is not among the requirements.

After ``pip install halmos`` somewhere:
``python -m tests.contracts.symbolic --halmos PATH [--only check_...]``. It proves what ``symbolic.vy`` states, and
prints each verdict.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from chain.abi import _type
from contracts.compile import artifacts
from pywallet.crypto import keccak256

SOURCE: Final = Path(__file__).with_name("symbolic.vy")


def _broken(line: str) -> str:
    """Return Settlement's byte code compiled without one line."""
    from tests.contracts.mutate import HERE, Mutant, compiled

    for path in sorted(HERE.glob("*.vy")):
        for number, text in enumerate(path.read_text().splitlines(), 1):
            if text.strip() == line:
                made = compiled(Mutant(path.name, number, text, text.replace(line, "pass")))
                assert made is not None
                return str(made["bytecode"][2:])
    raise SystemExit(f"no line {line}")


def artifact(broken: str | None = None) -> dict[str, Any]:
    """Return the proofs as forge writes them, around Settlement's own byte code."""
    from vyper.compiler import compile_code

    code = artifacts()["Settlement"]["bytecode"][2:] if broken is None else _broken(broken)
    made = compile_code(
        SOURCE.read_text().replace("__CODE__", code), output_formats=["abi", "bytecode", "bytecode_runtime"]
    )
    names = {f"{e['name']}({','.join(map(_type, e['inputs']))})" for e in made["abi"] if e["type"] == "function"}
    node = {"nodeType": "ContractDefinition", "name": "Proofs", "contractKind": "contract", "nodes": []}
    return {
        "abi": made["abi"],
        "bytecode": {"object": made["bytecode"], "linkReferences": {}},
        "deployedBytecode": {"object": made["bytecode_runtime"], "linkReferences": {}},
        "methodIdentifiers": {name: keccak256(name.encode())[:4].hex() for name in sorted(names)},
        "metadata": {"compiler": {"version": "0.8.30"}, "output": {"devdoc": {"methods": {}}}},
        "ast": {"nodeType": "SourceUnit", "absolutePath": "Proofs.sol", "id": 1, "src": "0:0:0", "nodes": [node]},
        "id": 0,
    }


def main() -> int:
    """Prove all properties, or those selected."""
    parser = argparse.ArgumentParser(description="Prove properties of Settlement with halmos.")
    parser.add_argument("--halmos", type=Path, required=True, help="the halmos program")
    parser.add_argument("--only", default="check_", help="a prefix of the proofs' names")
    parser.add_argument("--seconds", type=int, default=120, help="for each question to the solver")
    parser.add_argument("--broken", metavar="LINE", help="leave this line of the contract out, to see a proof fail")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out" / "Proofs.sol"
        out.mkdir(parents=True)
        (out / "Proofs.json").write_text(json.dumps(artifact(options.broken)))
        # halmos builds first; there is nothing to build.
        forge = Path(folder) / "bin" / "forge"
        forge.parent.mkdir()
        forge.write_text("#!/bin/sh\nexit 0\n")
        forge.chmod(0o755)
        command = [
            str(options.halmos),
            "--root",
            folder,
            "--contract",
            "Proofs",
            "--function",
            options.only,
            "--storage-layout",
            "generic",
            "--solver-timeout-assertion",
            str(options.seconds * 1000),
            "--loop",
            "2",
            "--no-status",
        ]
        return subprocess.run(
            command, env={"PATH": f"{forge.parent}:/usr/bin:/bin", "HOME": folder}, check=False
        ).returncode


if __name__ == "__main__":
    raise SystemExit(main())
