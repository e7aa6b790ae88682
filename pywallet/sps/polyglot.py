"""A song embedded in a web page: its position, and its recovery from bytes or text (docs/format/html.md).

The page is ASCII up to the song, which is in an HTML comment. Two changes of its bytes are undone by data in the page:

* ``-->`` and ``--!>`` would end the comment, so their ``>`` is written as another byte and its position is listed. The
  studio avoids them in sealed segments, so the list is nearly always empty.
* In the text of a document in windows-1252 every byte is one character, but CR, LF and CRLF become LF, and NUL becomes
  U+FFFD. The page has a bit for each LF that was CR, and lists those that were CRLF.
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
MARK_LIMIT: Final = 1024
"""Bytes of the page within which the mark is, as for the character set in HTML."""
MAX_PROLOGUE: Final = 256 << 10
"""Most bytes of the page before the song."""
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

# The WHATWG's windows-1252 has a character for every byte; Python's codec lacks five.
_GAPS: Final = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_TEXT: Final = "".join(chr(byte) if byte in _GAPS else bytes([byte]).decode("cp1252") for byte in range(256))
_BYTES: Final = codecs.charmap_build(_TEXT)


@dataclass(frozen=True)
class EmbeddedSong:
    """Position of a song in its page.

    Attributes:
        offset: Of the song in the page, bytes.
        size: Of the song, bytes.
        sha256: SHA-256 of the song.
        patches: Positions in the song, increasing, of each ``>`` that is written as another byte.
    """

    offset: int
    size: int
    sha256: bytes
    patches: tuple[int, ...] = ()

    @property
    def mark(self) -> bytes:
        """The ``meta`` element with the position; of constant length, so that it does not move the song."""
        return f'<meta name="sps" content="v=1;off={self.offset:010};len={self.size:012};sha256={self.sha256.hex()}">'.encode()  # noqa: E501

    @property
    def fixes(self) -> bytes:
        """The ``meta`` element with the patches; empty where there are none."""
        listed = ",".join(map(str, self.patches))
        return f'<meta name="sps-fix" content="{listed}">'.encode() if listed else b""

    def restore(self, data: bytes, at: int) -> bytes:
        """Restore bytes of the song from bytes of the page; ``at`` is their position in the song."""
        inside = [position - at for position in self.patches if at <= position < at + len(data)]
        if not inside:
            return data
        out = bytearray(data)
        for position in inside:
            out[position] = _GREATER
        return bytes(out)


def is_page(start: bytes) -> bool:
    """True if a file begins as a page, not as a song."""
    return start[: len(DOCTYPE)].lower() == DOCTYPE


def find_song(start: bytes) -> EmbeddedSong:
    """Find the song in a page.

    Args:
        start: First bytes of the page, up to the song or ``MAX_PROLOGUE``.

    Raises:
        InputError: ``sps.magic`` for a page without a song, ``sps.version`` for a later layout, ``sps.truncated`` for
            fewer bytes.
    """
    match = _MARK.search(start[:MARK_LIMIT])
    if not is_page(start) or match is None:
        raise InputError("sps.magic", reason="a page without a song")
    if int(match[1]) != 1:
        raise InputError("sps.version", version=int(match[1]))
    offset, size, digest = int(match[2]), int(match[3]), bytes.fromhex(match[4].decode())
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
    """Positions in the song of each ``>`` that would end the comment."""
    return comment_ends_over((song,))


def comment_ends_over(parts: Iterable[bytes]) -> tuple[int, ...]:
    """As ``comment_ends``, for a song in parts; an end may span two of them."""
    out: list[int] = []
    tail, at = b"", 0
    for part in parts:
        overlap, joined = len(tail), tail + part
        out += [at - overlap + end.end() - 1 for end in _ENDS.finditer(joined) if end.end() > overlap]
        tail, at = joined[-3:], at + len(part)
    return tuple(out)


def patched(song: bytes, positions: Iterable[int]) -> bytes:
    """Replace each ``>`` at ``positions``, for the page."""
    out = bytearray(song)
    for position in positions:
        out[position] = _STAND_IN
    return bytes(out)


@dataclass(frozen=True)
class LineEnds:
    """Line ends of the song, to restore them from text.

    Attributes:
        bits: Base64 of one bit per line end, the first in the highest bit, 1 where it was CR.
        pairs: Numbers of the line ends that were CRLF.
    """

    bits: str
    pairs: tuple[int, ...]

    @classmethod
    def of(cls, written: bytes) -> LineEnds:
        """Line ends of the comment's bytes."""
        return cls.over((written,))

    @classmethod
    def over(cls, parts: Iterable[bytes]) -> LineEnds:
        """As ``of``, for bytes in parts; a CRLF may span two of them. Takes one bit of memory per line end."""
        bits, pairs, number = bytearray(), [], 0
        tail = b""
        for part in chain(parts, (b"",)):
            joined = tail + part
            tail = b"\r" if part and joined.endswith(b"\r") else b""
            for match in _NEWLINE.finditer(joined, 0, len(joined) - len(tail)):
                if number & 7 == 0:
                    bits.append(0)
                if match[0] == b"\r":
                    bits[number >> 3] |= 0x80 >> (number & 7)
                elif match[0] == b"\r\n":
                    pairs.append(number)
                number += 1
        return cls(base64.b64encode(bits).decode(), tuple(pairs))


def to_text(written: bytes) -> str:
    """Convert the comment's bytes to text as a browser (WHATWG HTML 13.2.3.5, 13.2.5.45; Encoding, windows-1252)."""
    text, _ = codecs.charmap_decode(written, "strict", _TEXT)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def from_text(text: str, lines: LineEnds) -> bytes:
    """Restore the bytes of a comment from its text, in time linear in its length.

    Raises:
        InputError: ``sps.segment.hash`` for a character that is no byte, too few line ends, or invalid base64.
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
    """Build the page up to the song.

    Args:
        before: Beginning of the page, with the doctype and the character set.
        after: Remainder of the page before the song.
        song_size: Of the song, bytes.
        sha256: SHA-256 of the song.
        patches: Positions from ``comment_ends``.

    Returns:
        The page's bytes before the song, and the song's position.

    Raises:
        InputError: ``sps.header.malformed`` for a page that is too long, or whose mark is beyond ``MARK_LIMIT``.
    """
    position = EmbeddedSong(0, song_size, sha256, tuple(patches))
    head = before + position.mark + position.fixes + after
    offset = len(head) + len(OPENING)
    if (
        len(before) + len(position.mark) > MARK_LIMIT
        or offset > MAX_PROLOGUE
        or not head.isascii()
        or len(position.patches) > MAX_PATCHES
    ):
        raise InputError("sps.header.malformed", reason="the page around the song", size=offset)
    position = EmbeddedSong(offset, song_size, sha256, position.patches)
    return before + position.mark + position.fixes + after + OPENING, position
