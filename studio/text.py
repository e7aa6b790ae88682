"""Text normalisation for the header (docs/format/README.md, "Text"): tags, file names, options."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from pywallet.sps.fields import MAX_TEXT

_BREAKS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029 ]+")
"""Runs of controls, line ends and spaces; each becomes one space."""
_REMOVED: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
"""Bidirectional controls, byte-order marks, noncharacters: removed without a space."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BLANK: Final = re.compile(r"[\s\u115f\u1160\u200b-\u200f\u2060-\u2064\u3164\uffa0\ufe00-\ufe0f\U000e0000-\U000e0fff]*")
_REGIONAL: Final = range(0x1F1E6, 0x1F200)
_SKIN: Final = range(0x1F3FB, 0x1F400)
_JOINER: Final = "\u200d"


@dataclass(frozen=True)
class HeaderText:
    """A normalised text; ``changed`` has a note on each change."""

    text: str
    changed: tuple[str, ...] = ()


def header_text(text: str, limit: int = MAX_TEXT) -> HeaderText:
    """Normalise to the header's form: one line, no controls, no bidirectional controls, at most ``limit`` characters.

    Joiners, variation selectors and characters unknown to this Python's Unicode tables are kept. Surrounding and
    repeated spaces are removed without a note. A text without visible characters becomes empty.

    Args:
        text: Any text.
        limit: Code points; a longer text is cut between two grapheme clusters.
    """
    changed = []
    out = text
    if _SURROGATE.search(out):
        out = _SURROGATE.sub("\ufffd", out)
        changed.append("bytes that are no text became U+FFFD")
    if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", out.strip()):
        changed.append("control characters and line ends became spaces")
    if _REMOVED.search(out.lstrip("\ufeff")):
        changed.append("marks that turn the direction of writing were taken out")
    out = _BREAKS.sub(" ", _REMOVED.sub("", out)).strip()
    if _BLANK.fullmatch(out):
        return HeaderText("", tuple(changed))
    if len(out) > limit:
        changed.append(f"cut from {len(out)} to {limit} characters")
        out = _shortened(out, limit)
    return HeaderText(out, tuple(changed))


def file_stem(stem: str) -> str:
    """A file name's stem as text in NFC; bytes that are not UTF-8 are read as Windows-1252."""
    if _SURROGATE.search(stem):
        stem = decode_legacy(os.fsencode(stem))
    return unicodedata.normalize("NFC", stem)


def display_name(name: str) -> str:
    """A file name for messages: bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


def decode_legacy(data: bytes) -> str:
    """Decode text of unknown encoding: UTF-8 if valid, else Windows-1252, else Latin-1."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def fix_mislabelled(text: str) -> str:
    """Decode again a text that was decoded as Latin-1 and is UTF-8 or Windows-1252; other texts are unchanged."""
    if not any("\x80" <= c <= "\xff" for c in text) or any(c > "\xff" for c in text):
        return text
    data = text.encode("latin-1")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return decode_legacy(data) if any("\x80" <= c <= "\x9f" for c in text) else text


def _shortened(text: str, limit: int) -> str:
    """The first ``limit`` code points, up to the last boundary of a grapheme cluster."""
    at = limit
    while at > 0 and _same_grapheme(text, at):
        at -= 1
    return text[: at or limit].rstrip()


def _same_grapheme(text: str, at: int) -> bool:
    """True if the code points before and at ``at`` belong to one grapheme cluster (approximates UAX #29)."""
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
