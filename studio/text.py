"""Normalises texts for the header (docs/format/README.md, "Text"): tags, file names and options."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from pywallet.sps.fields import MAX_TEXT

_BREAKS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029 ]+")
"""Controls and line ends separate words; runs of them and of spaces become one space."""
_UNSEEN: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
"""Marks that turn the direction of writing, byte-order marks, noncharacters: taken out, not replaced by a space."""
_LONE: Final = re.compile("[\ud800-\udfff]")
_BLANK: Final = re.compile(r"[\s\u115f\u1160\u200b-\u200f\u2060-\u2064\u3164\uffa0\ufe00-\ufe0f\U000e0000-\U000e0fff]*")
_REGIONAL: Final = range(0x1F1E6, 0x1F200)
_SKIN: Final = range(0x1F3FB, 0x1F400)
_JOINER: Final = "\u200d"


@dataclass(frozen=True)
class Line:
    """A text for the header; ``changed`` describes each change."""

    text: str
    changed: tuple[str, ...] = ()


def line(text: str, most: int = MAX_TEXT) -> Line:
    """Apply the header's rule: one line, no controls, no direction marks, at most ``most`` characters.

    Joiners, variation selectors and characters unknown to this Python's Unicode tables are kept. Surrounding and
    repeated spaces are removed without a note. A text without visible characters becomes empty.

    Args:
        text: Any text.
        most: Code points; a longer text is cut between two grapheme clusters.
    """
    changed = []
    out = text
    if _LONE.search(out):
        out = _LONE.sub("\ufffd", out)
        changed.append("bytes that are no text became U+FFFD")
    if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", out.strip()):
        changed.append("control characters and line ends became spaces")
    if _UNSEEN.search(out.lstrip("\ufeff")):
        changed.append("marks that turn the direction of writing were taken out")
    out = _BREAKS.sub(" ", _UNSEEN.sub("", out)).strip()
    if _BLANK.fullmatch(out):
        return Line("", tuple(changed))
    if len(out) > most:
        changed.append(f"cut from {len(out)} to {most} characters")
        out = _shortened(out, most)
    return Line(out, tuple(changed))


def file_stem(stem: str) -> str:
    """A file name's stem as text: bytes that are not UTF-8 read as Windows-1252, decomposed letters composed (NFC)."""
    if _LONE.search(stem):
        stem = legacy(os.fsencode(stem))
    return unicodedata.normalize("NFC", stem)


def shown(name: str) -> str:
    """A file name for a person: bytes that are no text are U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


def legacy(data: bytes) -> str:
    """Text of unknown encoding.

    UTF-8 where the bytes are valid UTF-8, else Windows-1252 (Latin-1 where that has no character).
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def relabelled(text: str) -> str:
    """Text that was labelled Latin-1 and is UTF-8 or Windows-1252; every other text unchanged."""
    if not any("\x80" <= c <= "\xff" for c in text) or any(c > "\xff" for c in text):
        return text
    data = text.encode("latin-1")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return legacy(data) if any("\x80" <= c <= "\x9f" for c in text) else text


def _shortened(text: str, most: int) -> str:
    """The first ``most`` characters, less what would split a character as a reader sees it."""
    at = most
    while at > 0 and _joined(text, at):
        at -= 1
    return text[: at or most].rstrip()


def _joined(text: str, at: int) -> bool:
    """Whether the characters before and after ``at`` belong to one grapheme.

    An approximation of UAX #29 without its tables.
    """
    before, after = text[at - 1], text[at]
    if (
        after == _JOINER
        or before == _JOINER
        or after in "\u200c\ufe0e\ufe0f"
        or unicodedata.category(after).startswith("M")
    ):
        return True
    if ord(after) in _SKIN or 0xE0020 <= ord(after) <= 0xE007F:
        return True
    if unicodedata.combining(before) == 9:  # a virama joins the next consonant
        return True
    if ord(after) in _REGIONAL and ord(before) in _REGIONAL:
        run = 0
        while run < at and ord(text[at - 1 - run]) in _REGIONAL:
            run += 1
        return run % 2 == 1
    return 0x1160 <= ord(after) <= 0x11FF and 0x1100 <= ord(before) <= 0x11FF
