"""Docstrings in Google style: text and ``Attributes:``."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

_SECTION = "Attributes:"
_ENTRY = re.compile(r"^    (\w+): (.*)$")


@dataclass(frozen=True)
class Docstring:
    """A class's docstring.

    Attributes:
        paragraphs: Text before ``Attributes:``, the summary first; each paragraph is one line.
        attributes: Descriptions by attribute, each on one line.
    """

    paragraphs: tuple[str, ...]
    attributes: dict[str, str]

    @property
    def summary(self) -> str:
        """First paragraph, or an empty text."""
        return self.paragraphs[0] if self.paragraphs else ""


def of_class(kind: type) -> Docstring:
    """The docstring of a class, with the attributes that its bases describe.

    Raises:
        ValueError: ``Attributes:`` names no field of the class.
    """
    own = parse(kind.__doc__ or "")
    attributes: dict[str, str] = {}
    for base in reversed(kind.__mro__[1:]):
        if base.__module__.startswith("messages."):
            attributes |= parse(base.__doc__ or "").attributes
    unknown = own.attributes.keys() - _annotated(kind)
    if unknown:
        raise ValueError(f"{kind.__module__}.{kind.__name__} describes {', '.join(sorted(unknown))}")
    return Docstring(own.paragraphs, attributes | own.attributes)


def _annotated(kind: type) -> set[str]:
    return {name for base in kind.__mro__ for name in inspect.get_annotations(base)}


def parse(text: str) -> Docstring:
    """Split a docstring into paragraphs and attributes; double backticks become single ones, as in Markdown."""
    head, _, tail = inspect.cleandoc(text).replace("``", "`").partition(f"\n{_SECTION}\n")
    if head.startswith(_SECTION):
        head, tail = "", head.removeprefix(_SECTION)
    paragraphs = tuple(" ".join(part.split()) for part in re.split(r"\n\s*\n", head) if part.strip())
    attributes: dict[str, str] = {}
    last = ""
    for line in tail.splitlines():
        entry = _ENTRY.match(line)
        if entry:
            last = entry[1]
            attributes[last] = entry[2].strip()
        elif line.strip() and last:
            attributes[last] += " " + line.strip()
    return Docstring(paragraphs, attributes)
