"""Services of the host do not import the composition root that builds them."""

from __future__ import annotations

import ast
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
