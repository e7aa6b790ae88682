"""Documents of the project, and the code, commands and links in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")


@dataclass(frozen=True)
class Document:
    """A text with its place in the repository, which relative links start from."""

    name: str
    text: str

    @cached_property
    def blocks(self) -> list[str]:
        """Fenced blocks, without those of a programming language."""
        return [block for language, block in _FENCE.findall(self.text) if language in ("", "sh", "console", "text")]

    @cached_property
    def lines(self) -> list[str]:
        """Lines of the fenced blocks; one that ends with a backslash goes on in the next."""
        return [
            line.strip() for block in self.blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()
        ]

    @cached_property
    def prose(self) -> str:
        """The text without fenced blocks."""
        return _FENCE.sub("", self.text)

    @cached_property
    def spans(self) -> list[str]:
        """Code between backquotes in the prose."""
        return _SPAN.findall(self.prose)

    @cached_property
    def links(self) -> list[str]:
        """Targets of links and pictures."""
        prose = _SPAN.sub("", self.prose)
        return [next(filter(None, found)) for found in _LINK.findall(prose)]

    @cached_property
    def anchors(self) -> set[str]:
        """Names that a link after ``#`` may have, as GitHub makes them of headings."""
        headings = re.findall(r"^#+ +(.*)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def documents() -> Iterator[Document]:
    """README, CHANGELOG and the other texts of the root, the guides, and the pages of the format."""
    for pattern in ("*.md", "docs/*.md", "docs/format/*.md", "docs/decisions/*.md"):
        for path in sorted(ROOT.glob(pattern)):
            yield Document(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))


def guides() -> Iterator[Document]:
    """All documents but the decisions, which tell what was chosen at their time."""
    return (one for one in documents() if not one.name.startswith("docs/decisions/"))
