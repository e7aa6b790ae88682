"""``docs/architecture.md`` against the imports of every module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"
OUTSIDE = {"build", "dist", "docs", "examples", "node_modules", "requirements", "tests"}
"""Folders at the top that are no room."""


def modules() -> dict[str, Path]:
    """Source file of each module of the rooms, by dotted name."""
    found = {}
    for room in ROOT.iterdir():
        if not room.is_dir() or room.name.startswith(".") or room.name in OUTSIDE:
            continue
        for path in room.rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """Modules of the rooms that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else node.module for name in names]
        else:
            continue
        yield from (name for name in names if name in known)


@cache
def graph() -> dict[str, set[str]]:
    """Imports of every module."""
    known = modules()
    return {name: set(imported(path, known)) - {name} for name, path in known.items()}


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of more than one module (Tarjan), each sorted."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in edges[name]:
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            part = [stack.pop()]
            while part[-1] != name:
                part.append(stack.pop())
            if len(part) > 1:
                found.append(sorted(part))

    for name in edges:
        if name not in order:
            visit(name)
    return sorted(found)


def table(heading: str) -> dict[str, set[str]]:
    """Allowed imports by the table under a heading of the page."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n### {heading}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `([\w.]+)` \|(.*)\|$", section, re.MULTILINE)
    return {name: set(re.findall(r"`([\w.]+)`", cell)) for name, cell in rows}


def arrows(edges: Mapping[str, set[str]], prefix: str = "") -> dict[str, set[str]]:
    """Imports between rooms, or between the parts of the room whose dotted name and dot are ``prefix``.

    A part is a package or a module directly in the room; the room's own ``__init__`` is no part.
    """

    def part(name: str) -> str:
        return name.removeprefix(prefix).partition(".")[0]

    inside = {name: others for name, others in edges.items() if name.startswith(prefix)}
    found: dict[str, set[str]] = {part(name): set() for name in inside}
    for name, others in inside.items():
        found[part(name)] |= {part(other) for other in others if other.startswith(prefix)} - {part(name)}
    return found


def test_no_module_imports_itself_by_way_of_others() -> None:
    """There is no circle, imports inside of functions and for types alone included."""
    assert circles(graph()) == []


LAYERED: Final = (
    "audio",
    "audit",
    "benchmarks",
    "chain",
    "common",
    "contracts",
    "demo",
    "extension",
    "features",
    "gomaa",
    "messages",
    "native_host",
    "pywallet",
    "security_server",
    "station",
    "studio",
    "tooling",
    "watermark",
)
"""Rooms whose packages import each other in one direction only."""


@pytest.mark.parametrize("room", LAYERED)
def test_packages_of_a_room_import_one_way(room: str) -> None:
    """No package of a layered room imports itself by way of others; a package that does has no level of its own."""
    assert circles(arrows(graph(), f"{room}.")) == []


def test_a_circle_is_found() -> None:
    """The search sees a circle of three beside a chain."""
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}) == [["a", "b", "c"]]


@pytest.mark.parametrize(
    ("heading", "prefix"),
    [
        ("Between rooms", ""),
        ("Inside pywallet", "pywallet."),
        ("Inside native_host", "native_host."),
        ("Inside security_server", "security_server."),
        ("Inside station", "station."),
    ],
)
def test_the_page_draws_the_imports(heading: str, prefix: str) -> None:
    """Every room or part has a row, and its row names exactly what it imports."""
    assert table(heading) == arrows(graph(), prefix)
