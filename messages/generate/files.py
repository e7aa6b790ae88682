"""The generated files: what they should be, and which of them are stale."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from messages.generate import markdown, schema, typescript

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = "docs/protocol.md"
SCHEMA: Final = "docs/protocol.schema.json"
TYPES: Final = "extension/shared/protocol.d.ts"


def expected() -> dict[str, str]:
    """Text of each generated file by its path in the repository."""
    page = markdown.page((ROOT / PAGE).read_text(encoding="utf-8"))
    return {PAGE: page, SCHEMA: schema.document(), TYPES: typescript.document()}


def stale() -> list[str]:
    """Paths of the files that differ from what they should be."""
    return [name for name, text in expected().items() if _read(name) != text]


def write() -> None:
    """Write the files that are stale."""
    texts = expected()
    for name in stale():
        (ROOT / name).write_text(texts[name], encoding="utf-8")


def _read(name: str) -> str | None:
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else None
