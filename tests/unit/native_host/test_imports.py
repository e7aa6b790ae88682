"""Services of the host do not import the composition root that builds them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def modules() -> dict[str, Path]:
    """The host's modules by name."""
    files = (ROOT / "native_host").rglob("*.py")
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports(file: Path, known: dict[str, Path]) -> set[str]:
    """The host's modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= (full & known.keys()) or {node.module}
    return names & known.keys()


def test_services_do_not_import_the_composition_root() -> None:
    """Only operations and the dispatcher import the composition root."""
    known = modules()
    users = {name for name, file in known.items() if "native_host.context" in imports(file, known)}

    others = {name for name in users if not name.startswith("native_host.operations.")}
    assert others == {"native_host.messaging.dispatcher"}


def test_a_start_imports_no_eth_abi() -> None:
    """It takes longer than the rest of the start; a call of a contract imports it."""
    program = "import sys, native_host.context; sys.exit('eth_abi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
