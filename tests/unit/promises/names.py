"""Check the files, links, codes, routes and variables in a text against the code."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from audit.faults import KINDS
from extension import pack
from pywallet.errors import SENTENCES
from tests.unit.promises.documents import ROOT, Document

MADE: Final = frozenset(
    {
        *(".git", ".venv", ".cache", "node_modules", "dist", "build", "__pycache__"),
        *(".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"),
    }
)
"""Folders of what commands make."""

WRITTEN: Final = frozenset({"summary.md", *pack.COPIES})
"""Files that commands write, named like files of a repository: ``gomaa genre explore``."""

CODE: Final = (".py", ".js", ".mjs", ".cddl", ".vy", ".md", ".css", ".conf", ".toml")
"""Endings of files that only a repository has. Others (json, html, wav) may be what a command writes."""

_PATH: Final = re.compile(r"(?:[\w.*-]+/)*[\w.*-]+\.[a-z]+|(?:[\w.*-]+/)+")
_CODE: Final = re.compile(r"[a-z]+(?:\.[a-z_]+)+")
_VARIABLE: Final = re.compile(r"\bGOMAA_[A-Z][A-Z0-9_]*")
_ROUTE: Final = re.compile(r"(?:GET|POST|PUT|DELETE) (?:\{[^}]*\}|https?://[A-Z]+)?(/[^\s`]*)")


@cache
def files() -> frozenset[str]:
    """Files and folders of the repository (folders end with a slash), without what commands make."""
    out: set[str] = set()
    for place, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in MADE and not name.endswith(".egg-info")]
        here = Path(place).relative_to(ROOT).as_posix().removeprefix(".")
        start = f"{here}/" if here else ""
        out |= {f"{start}{name}" for name in names} | {f"{start}{name}/" for name in folders}
    return frozenset(out)


@cache
def endings() -> frozenset[str]:
    """Every path, whole and from each folder on: ``content/ranges.js`` for ``extension/content/ranges.js``."""
    out: set[str] = set()
    for path in files():
        parts = path.rstrip("/").split("/")
        tail = "/" if path.endswith("/") else ""
        out |= {"/".join(parts[start:]) + tail for start in range(len(parts))}
    return frozenset(out)


def wrong_paths(document: Document) -> Iterator[str]:
    """Files and folders of the repository that are not there."""
    tops = {path.split("/")[0] for path in files() if "/" in path}
    for span in document.spans:
        path = span.partition("::")[0].partition("#")[0]
        if not _PATH.fullmatch(path) or path.split("/")[0] in MADE or path in WRITTEN:
            continue
        ours = path.split("/")[0] in tops if "/" in path else path.endswith(CODE)
        if path.endswith("/") and path.count("/") == 1 and path.rstrip("/") not in tops:
            continue
        if not ours and not (path.endswith(CODE) and "/" in path):
            continue
        pattern = re.compile(re.escape(path).replace(r"\*", "[^/]*"))
        known = path in endings() or ("*" in path and any(pattern.fullmatch(one) for one in endings()))
        if not known:
            yield f"{path}: no such file"
        elif "::" in span and (function := re.match(r"\w+", span.partition("::")[2])):
            source = "".join(
                (ROOT / one).read_text(encoding="utf-8") for one in files() if one.endswith(f"/{path}") or one == path
            )
            if f"def {function[0]}(" not in source:
                yield f"{span}: no such test"


def wrong_links(document: Document, others: dict[str, Document]) -> Iterator[str]:
    """Links to files or headings that are not there. Addresses of other sites are not looked at."""
    here = Path(document.name).parent
    for link in document.links:
        if re.match(r"[a-z]+:|/", link):
            continue
        target, _, anchor = link.partition("#")
        name = _normal(here / target) if target else document.name
        if name not in files() and f"{name}/" not in files():
            yield f"{link}: no such file"
        elif anchor and (name == document.name or name in others):
            page = document if name == document.name else others[name]
            if anchor not in page.anchors:
                yield f"{link}: no such heading"


def _normal(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def wrong_codes(document: Document) -> Iterator[str]:
    """Codes of a refusal, kinds of a fault of the audit and operations that are not there."""
    known = {*SENTENCES, *KINDS, *FIELDS, *_operations()}
    rooms = {code.split(".")[0] for code in (*SENTENCES, *KINDS) if "." in code}
    modules = {path.split("/")[0] for path in files() if "/" in path}
    for span in document.spans:
        for code in span.split(", "):
            if not _CODE.fullmatch(code) or code.split(".")[0] not in rooms or code in known:
                continue
            if code.endswith(CODE) or (code.split(".")[0] in modules and _is_attribute(code)):
                continue
            yield f"{code}: no such code"


def _is_attribute(name: str) -> bool:
    """A module of ours, or a name in it."""
    path, _, last = name.replace(".", "/").rpartition("/")
    if f"{path}/{last}.py" in files() or f"{path}/{last}/" in files():
        return True
    return (
        f"{path}.py" in files()
        and re.search(rf"^(?:def|class|async def) {last}\b|^{last}\b", (ROOT / f"{path}.py").read_text(), re.MULTILINE)
        is not None
    )


FIELDS: Final = frozenset({"data.code", "data.field", "data.reason"})
"""Fields of an answer to a site (docs/provider.md), which are written like codes."""


@cache
def _operations() -> frozenset[str]:
    """Names of messages between the extension's parts, and of the host's operations."""
    out: set[str] = set()
    for path in files():
        if path.startswith(("extension/", "native_host/")) and path.endswith((".py", ".js", ".mjs")):
            out |= set(re.findall(r"[\"'`]([a-z]+(?:\.[a-z_]+)+)[\"'`]", (ROOT / path).read_text(encoding="utf-8")))
    return frozenset(out)


def wrong_variables(document: Document) -> Iterator[str]:
    """Environment variables that no code reads."""
    known = _variables()
    yield from (f"{name}: no code reads it" for name in _VARIABLE.findall(document.text) if name not in known)


@cache
def _variables() -> frozenset[str]:
    found: set[str] = set()
    for path in files():
        if path.endswith((".py", ".js", ".mjs")) and not path.startswith("docs/") and "/promises/" not in path:
            found |= set(_VARIABLE.findall((ROOT / path).read_text(encoding="utf-8")))
    return frozenset(found)


def wrong_routes(document: Document) -> Iterator[str]:
    """Requests to paths that no server of ours answers."""
    known = _routes()
    for text in (*document.spans, *document.lines):
        for path in _ROUTE.findall(text):
            plain = _plain(path.partition("?")[0])
            if not any(re.fullmatch(route, plain) for route in known):
                yield f"{path}: no such route"


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}|(?<=/)[A-Z]{3,}(?=/|$)", "x", path)


@cache
def _routes() -> frozenset[str]:
    out: set[str] = set()
    for path in files():
        if path.startswith(("security_server/", "station/")) and path.endswith(".py"):
            source = (ROOT / path).read_text(encoding="utf-8")
            for route in re.findall(r"(?:web\.|add_)(?:get|post|put)\(f?\"([^\"]+)\"", source):
                if route != "/{path:.*}":
                    parts = re.sub(r"\{\{?[^{}]*(?:\{[^{}]*\}[^{}]*)*\}?\}", "\0", route).split("\0")
                    out.add(r"[^/]+".join(map(re.escape, parts)))
    return frozenset(out)
