"""Untrusted text made safe for display."""

from __future__ import annotations

import unicodedata
from typing import Final

_SPACE: Final = "\n\t "
_KEPT: Final = frozenset(_SPACE)
MAX_MARKS: Final = 4
"""Combining marks shown on one character; more would cover neighbouring lines."""

MAX_SPACES: Final = 64
MAX_BREAKS: Final = 3
"""Consecutive whitespace characters, and line ends among them, that are shown unescaped."""

MAX_NAME: Final = 120
"""Longest name that is shown, in characters."""

DEFAULT_IGNORABLE: Final = (
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
"""Unicode's property Default_Ignorable_Code_Point: drawn as nothing.

``tests/unit/extension/text.test.mjs`` compares it with another table.
"""

BLANK: Final = frozenset((0x2800, 0xFFFC, 0x1D159, 0x13441, 0x13442, 0x16FE4))
"""Drawn as nothing or empty space although Unicode calls them symbols, letters or marks.

Braille blank, object replacement, null notehead, hieroglyphic blanks, Khitan filler.
"""


def is_invisible(character: str) -> bool:
    """True if a character is invisible, blank, reorders others or breaks lines invisibly."""
    if character in _KEPT:
        return False
    code = ord(character)
    # C*: controls, formats, halves of pairs, private and unassigned ones; Z*: spaces that are not the space, and line
    # ends that are none.
    return (
        unicodedata.category(character)[0] in "CZ"
        or code in BLANK
        or any(first <= code <= last for first, last in DEFAULT_IGNORABLE)
    )


def visible(text: str, *, edges: bool = False) -> str:
    r"""Escape every invisible character as ``\\u{…}``.

    Also escaped: leading combining marks, marks beyond ``MAX_MARKS`` on one character, and consecutive whitespace
    beyond ``MAX_SPACES`` and ``MAX_BREAKS``, which pushes the rest out of view. Where anything is escaped, or looks
    escaped, each backslash is doubled, so the result is unambiguous.

    Args:
        text: Untrusted text.
        edges: Escape leading and trailing whitespace too.
    """
    first, last = (len(text) - len(text.lstrip(_SPACE)), len(text.rstrip(_SPACE))) if edges else (0, len(text))
    out: list[str] = []
    marks = MAX_MARKS
    spaces = breaks = 0
    for at, c in enumerate(text):
        marks = marks + 1 if unicodedata.category(c) in ("Mn", "Me") else 0
        spaces, breaks = (spaces + 1, breaks + (c == "\n")) if c in _KEPT else (0, 0)
        invisible = (
            is_invisible(c) or marks > MAX_MARKS or spaces > MAX_SPACES or breaks > MAX_BREAKS or not first <= at < last
        )
        out.append(f"\\u{{{ord(c):x}}}" if invisible else c)
    if "".join(out) == text and "\\u{" not in text:
        return text
    return "".join("\\\\" if c == "\\" else c for c in out)


def named(text: str) -> str:
    """Reduce a name for a heading: one line of at most ``MAX_NAME`` characters, none invisible."""
    out: list[str] = []
    marks = MAX_MARKS
    for c in text:
        if c.isspace():
            if out and out[-1] != " ":
                out.append(" ")
                marks = 0
            continue
        if is_invisible(c):
            continue
        marks = marks + 1 if unicodedata.category(c) in ("Mn", "Me") else 0
        if marks <= MAX_MARKS:
            out.append(c)
    line = "".join(out).rstrip(" ")
    return line if len(line) <= MAX_NAME else line[: MAX_NAME - 1] + "…"
