"""A song inside a web page, both ways: where its bytes lie, and how they survive being text (docs/format/html.md).

The page is ASCII up to the song, which stands in an HTML comment as it is. Two things may happen to it there, and both
are undone from what the page says of itself:

* ``-->`` and ``--!>`` would end the comment. Their ``>`` is written as another byte, and its place is listed. A song
  converted by the studio holds none in its sealed segments, so the list is nearly always empty.
* Read as the text of a document in windows-1252 every byte is one character, but CR, LF and CRLF all become LF, and NUL
  becomes U+FFFD. A bit for each LF of the text says whether it was CR, and the few that were CRLF are listed.
"""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from pywallet.errors import InputError

DOCTYPE: Final = b"<!doctype html>"
SIGHT: Final = 1024
"""The song's place is said within so many bytes, where a browser looks for the character set too."""
MAX_PROLOGUE: Final = 256 << 10
OPENING: Final = b"<!--"
CLOSING: Final = b"-->"
MAX_PATCHES: Final = 4096

_ENDS: Final = re.compile(rb"--!?>")
_STAND_IN: Final = 0x2E
_GREATER: Final = 0x3E
_MARK: Final = re.compile(
    rb'<meta name="sps" content="v=(\d{1,3});off=(\d{1,10});len=(\d{1,12});sha256=([0-9a-f]{64})">'
)
_PATCHES: Final = re.compile(rb'<meta name="sps-fix" content="(\d{1,12}(?:,\d{1,12})*)">')
_NEWLINE: Final = re.compile(rb"\r\n|\r|\n")

# The WHATWG's windows-1252 gives every byte a character; the codec of Python has five gaps there.
_GAPS: Final = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_TEXT: Final = "".join(chr(byte) if byte in _GAPS else bytes([byte]).decode("cp1252") for byte in range(256))
_BYTES: Final = codecs.charmap_build(_TEXT)


@dataclass(frozen=True)
class EmbeddedSong:
    """Where a song lies in its page.

    ``offset`` and ``size`` in bytes, ``sha256`` of the song, and the positions in it (rising)
    of each ``>`` that is written as another byte.
    """

    offset: int
    size: int
    sha256: bytes
    patches: tuple[int, ...] = ()

    @property
    def mark(self) -> bytes:
        """The page's words for it; always of the same length, so that the page can be laid out around them."""
        return f'<meta name="sps" content="v=1;off={self.offset:010};len={self.size:012};sha256={self.sha256.hex()}">'.encode()  # noqa: E501

    @property
    def fixes(self) -> bytes:
        """The page's list of patches; empty without any."""
        listed = ",".join(map(str, self.patches))
        return f'<meta name="sps-fix" content="{listed}">'.encode() if listed else b""

    def restore(self, data: bytes, at: int) -> bytes:
        """Bytes of the song as they were, from bytes of the page; ``at``: where in the song they begin."""
        inside = [position - at for position in self.patches if at <= position < at + len(data)]
        if not inside:
            return data
        out = bytearray(data)
        for position in inside:
            out[position] = _GREATER
        return bytes(out)


def is_page(start: bytes) -> bool:
    """Whether a file begins as a page and not as a song."""
    return start[: len(DOCTYPE)].lower() == DOCTYPE


def find(start: bytes) -> EmbeddedSong:
    """Where the song is, from the page's first bytes: all up to the song, or 256 KiB of them.

    Raises InputError ``sps.magic`` for a page that carries no song, ``sps.version`` for a later layout's,
    ``sps.truncated`` with fewer bytes than reach the song.
    """
    found = _MARK.search(start[:SIGHT])
    if not is_page(start) or found is None:
        raise InputError("sps.magic", reason="a page without a song")
    if int(found[1]) != 1:
        raise InputError("sps.version", version=int(found[1]))
    offset, size, digest = int(found[2]), int(found[3]), bytes.fromhex(found[4].decode())
    if not len(DOCTYPE) + len(OPENING) <= offset <= MAX_PROLOGUE or size == 0:
        raise InputError("sps.magic", reason="place", offset=offset, size=size)
    if len(start) < offset:
        raise InputError("sps.truncated", size=len(start), offset=offset)
    if start[offset - len(OPENING) : offset] != OPENING:
        raise InputError("sps.magic", reason="no song at its place", offset=offset)
    listed = _PATCHES.search(start[:offset])
    patches = tuple(map(int, listed[1].split(b","))) if listed else ()
    if len(patches) > MAX_PATCHES or any(b <= a for a, b in zip((-1, *patches), (*patches, size), strict=False)):
        raise InputError("sps.magic", reason="patches")
    return EmbeddedSong(offset, size, digest, patches)


def comment_ends(song: bytes) -> tuple[int, ...]:
    """Where a ``>`` stands in the song that would end the comment."""
    return comment_ends_over((song,))


def comment_ends_over(parts: Iterable[bytes]) -> tuple[int, ...]:
    """The same of a song that comes in parts: an end may lie across their joins."""
    out: list[int] = []
    held, at = b"", 0
    for part in parts:
        known, joined = len(held), held + part
        out += [at - known + found.end() - 1 for found in _ENDS.finditer(joined) if found.end() > known]
        held, at = joined[-3:], at + len(part)
    return tuple(out)


def patched(song: bytes, positions: Iterable[int]) -> bytes:
    """The song as it stands in the page."""
    out = bytearray(song)
    for position in positions:
        out[position] = _STAND_IN
    return bytes(out)


@dataclass(frozen=True)
class Lines:
    """What a text reader needs to get line ends back.

    ``bits``, base64, the first line in the highest bit, one where it was CR;
    ``pairs``: the numbers of the lines that were CRLF.
    """

    bits: str
    pairs: tuple[int, ...]

    @classmethod
    def of(cls, written: bytes) -> Lines:
        """Of the bytes between the comment's ends."""
        return cls.over((written,))

    @classmethod
    def over(cls, parts: Iterable[bytes]) -> Lines:
        """The same of bytes that come in parts; a CRLF may lie across their joins.

        Memory grows by a bit for each line.
        """
        bits, pairs, number = bytearray(), [], 0
        held = b""
        for part in chain(parts, (b"",)):
            joined = held + part
            held = b"\r" if part and joined.endswith(b"\r") else b""
            for found in _NEWLINE.finditer(joined, 0, len(joined) - len(held)):
                if number & 7 == 0:
                    bits.append(0)
                if found[0] == b"\r":
                    bits[number >> 3] |= 0x80 >> (number & 7)
                elif found[0] == b"\r\n":
                    pairs.append(number)
                number += 1
        return cls(base64.b64encode(bits).decode(), tuple(pairs))


def to_text(written: bytes) -> str:
    """The comment's text as a browser has it (WHATWG HTML 13.2.3.5 and 13.2.5.45; Encoding, windows-1252)."""
    text, _ = codecs.charmap_decode(written, "strict", _TEXT)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def from_text(text: str, lines: Lines) -> bytes:
    """The bytes of a comment's text, in time linear in its length.

    Raises InputError ``sps.segment.hash`` for a character that no byte has, too few lines, or bits that are not base64.
    """
    try:
        parts = codecs.charmap_encode(text.replace("\ufffd", "\0"), "strict", _BYTES)[0].split(b"\n")
        bits, pairs = base64.b64decode(lines.bits, validate=True), set(lines.pairs)
    except ValueError as error:
        raise InputError("sps.segment.hash", reason=f"text: {error}") from None
    if len(parts) - 1 > 8 * len(bits):
        raise InputError("sps.segment.hash", reason="lines")
    joined = parts[:1]
    for number, part in enumerate(parts[1:]):
        joined += b"\r\n" if number in pairs else b"\r" if bits[number >> 3] & (0x80 >> (number & 7)) else b"\n", part
    return b"".join(joined)


def prologue(
    before: bytes, after: bytes, song_size: int, sha256: bytes, patches: Sequence[int]
) -> tuple[bytes, EmbeddedSong]:
    """Lay a page out: ``before`` (with the doctype and the character set), the mark, ``after``, the comment's opening.

    Raises InputError ``sps.header.malformed`` for a page that is too long, or says the song's place too late.
    """
    place = EmbeddedSong(0, song_size, sha256, tuple(patches))
    head = before + place.mark + place.fixes + after
    offset = len(head) + len(OPENING)
    if (
        len(before) + len(place.mark) > SIGHT
        or offset > MAX_PROLOGUE
        or not head.isascii()
        or len(place.patches) > MAX_PATCHES
    ):
        raise InputError("sps.header.malformed", reason="the page around the song", size=offset)
    place = EmbeddedSong(offset, song_size, sha256, place.patches)
    return before + place.mark + place.fixes + after + OPENING, place
