"""Layout of an SPS file: magic, header length, header, then the renditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pywallet.errors import InputError
from pywallet.sps.file_layout import rendition_offset, rendition_size, segment_entries
from pywallet.sps.header import Header

MAGIC: Final = b"\x89SPS\r\n\x1a\n"
"""A byte above 127, the name, and line ends that a text transfer would change, as in PNG."""

MAX_HEADER: Final = 4 << 20
"""Longest header, bytes."""
PREFIX_SIZE: Final = len(MAGIC) + 4
"""Bytes before the header: magic and the header's length."""


@dataclass(frozen=True)
class ByteRange:
    """A range of bytes in the file."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        """Offset after the last byte."""
        return self.offset + self.size


@dataclass(frozen=True)
class Container:
    """The beginning of a file; ``cose`` is the signed header (COSE_Sign1)."""

    cose: bytes

    @classmethod
    def read(cls, data: bytes) -> Container:
        """Parse a file's first bytes. Raises InputError ``sps.magic``, ``sps.truncated``, ``sps.header.malformed``."""
        length = header_length(data)
        if len(data) < PREFIX_SIZE + length:
            raise InputError("sps.truncated", size=len(data), header=length)
        return cls(bytes(data[PREFIX_SIZE : PREFIX_SIZE + length]))

    @property
    def body(self) -> int:
        """Offset of the first rendition."""
        return PREFIX_SIZE + len(self.cose)

    def prefix(self) -> bytes:
        """The first bytes of the file: magic, length and header."""
        return MAGIC + len(self.cose).to_bytes(4, "big") + self.cose

    def extents(self, header: Header) -> list[tuple[ByteRange, list[ByteRange]]]:
        """For each rendition, the ranges of its init segment and of its sealed segments."""
        at, out = self.body, []
        for rendition in header.renditions:
            parts = [ByteRange(row.offset, row.size) for row in segment_entries(rendition, at)]
            out.append((ByteRange(at, rendition.init_size), parts))
            at += rendition_size(rendition)
        return out

    def size(self, header: Header) -> int:
        """Length of the whole file, bytes."""
        return rendition_offset(header.renditions, len(header.renditions), self.body)

    def check_size(self, header: Header, size: int) -> None:
        """Compare a file's length with its header.

        Args:
            header: The file's header.
            size: Length of the file, bytes.

        Raises:
            InputError: ``sps.truncated``; ``sps.header.malformed`` for bytes after the last segment.
        """
        expected = self.size(header)
        if size < expected:
            raise InputError("sps.truncated", size=size, expected=expected)
        if size > expected:
            raise InputError(
                "sps.header.malformed", reason="bytes after the last segment", size=size, expected=expected
            )


def header_length(data: bytes) -> int:
    """Length of the header, from a file's first 12 bytes.

    Raises:
        InputError: ``sps.magic``; ``sps.truncated`` for fewer bytes; ``sps.header.malformed`` for a length of zero or
            above ``MAX_HEADER``.
    """
    if data[: len(MAGIC)] != MAGIC[: len(data)]:
        raise InputError("sps.magic")
    if len(data) < PREFIX_SIZE:
        raise InputError("sps.truncated", size=len(data))
    length = int.from_bytes(data[len(MAGIC) : PREFIX_SIZE], "big")
    if not 0 < length <= MAX_HEADER:
        raise InputError("sps.header.malformed", reason="length", length=length)
    return length
