"""The project's packages import one another without circles."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("audio", "common", "features", "pywallet", "watermark")
"""The packages that are checked."""

Graph = Mapping[str, set[str]]


def modules(packages: tuple[str, ...] = PACKAGES) -> dict[str, Path]:
    """Every module of the packages by its dotted name."""
    files = (path for package in packages for path in sorted((ROOT / package).rglob("*.py")))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


def imported(source: str, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules that a source imports at any level: in functions and under TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in known else node.module


def graph(packages: tuple[str, ...] = PACKAGES) -> dict[str, set[str]]:
    """Module to the modules of the same packages that it imports."""
    known = modules(packages)
    return {
        name: {other for other in imported(path.read_text(encoding="utf-8"), known) if other in known and other != name}
        for name, path in known.items()
    }


def circles(edges: Graph) -> list[list[str]]:
    """Strongly connected components of more than one module (Kosaraju's algorithm)."""
    reverse: defaultdict[str, set[str]] = defaultdict(set)
    for name, targets in edges.items():
        for target in targets:
            reverse[target].add(name)
    order: list[str] = []
    seen: set[str] = set()
    for name in edges:
        order.extend(_postorder(name, edges, seen))
    seen.clear()
    components = [sorted(_postorder(name, reverse, seen)) for name in reversed(order)]
    return [component for component in components if len(component) > 1]


def _postorder(start: str, edges: Graph, seen: set[str]) -> list[str]:
    """Modules reached from ``start`` that are not in ``seen``, each after those it reaches; added to ``seen``."""
    if start in seen:
        return []
    seen.add(start)
    out: list[str] = []
    stack = [(start, iter(sorted(edges.get(start, ()))))]
    while stack:
        name, targets = stack[-1]
        following = next((target for target in targets if target not in seen), None)
        if following is None:
            out.append(name)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, iter(sorted(edges.get(following, ())))))
    return out


def test_no_module_imports_itself_through_others() -> None:
    """Each strongly connected component of the import graph is a single module."""
    assert circles(graph()) == []


def test_every_form_of_import_counts() -> None:
    """An import in a function, under TYPE_CHECKING, or of a module by ``from package import module``."""
    known = dict.fromkeys(("one", "one.two", "one.three"), ROOT)
    source = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from one.two import Name\n"
        "def call():\n    from one import three\n    import one\n"
    )
    assert {name for name in imported(source, known) if name in known} == {"one", "one.two", "one.three"}


def test_a_circle_is_found() -> None:
    """A circle of two and one of three are two components; what only leads to them is in none."""
    edges = {"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"e"}, "e": {"c"}, "f": {"a"}}
    assert sorted(circles(edges)) == [["a", "b"], ["c", "d", "e"]]
