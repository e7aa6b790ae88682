"""Text of a stranger, made safe to look at."""

from __future__ import annotations

import unicodedata
from typing import Final

_KEPT: Final = frozenset("\n\t")


def hides(character: str) -> bool:
    """Whether a character is unseen, moves others or breaks lines in a way a reader does not see (Unicode C*, Zl, Zp, and other marks)."""
    if character in _KEPT:
        return False
    # Fillers and variation selectors are drawn as nothing although they are letters or marks.
    return (
        unicodedata.category(character)[0] == "C"
        or character in "\u2028\u2029\u115f\u1160\u3164\uffa0\u034f"
        or "\ufe00" <= character <= "\ufe0f"
    )


def visible(text: str) -> str:
    """The text with every unseen character written as ``\\u{…}``; a backslash before ``u{`` is doubled, so that both can be told apart."""
    out = text.replace("\\u{", "\\\\u{")
    return "".join(f"\\u{{{ord(c):x}}}" if hides(c) else c for c in out)
