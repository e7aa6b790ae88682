"""The file around the header: magic, header length, header, then renditions one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pywallet.errors import InputError
from pywallet.sps.file_layout import rendition_offset, rendition_size, segment_entries
from pywallet.sps.header import Header

MAGIC: Final = b"\x89SPS\r\n\x1a\n"
"""A byte above 127, the name, and line ends that text transfers would spoil (as PNG does)."""

MAX_HEADER: Final = 4 << 20
PREFIX_SIZE: Final = len(MAGIC) + 4
"""Magic and the header's length."""


@dataclass(frozen=True)
class ByteRange:
    """A run of bytes in the file."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.offset + self.size


@dataclass(frozen=True)
class Container:
    """The beginning of a file: its header as signed bytes, and where what follows begins."""

    cose: bytes

    @classmethod
    def read(cls, data: bytes) -> Container:
        """From the file's first bytes. Raises InputError sps.magic, sps.truncated, sps.header.malformed."""
        length = header_length(data)
        if len(data) < PREFIX_SIZE + length:
            raise InputError("sps.truncated", size=len(data), header=length)
        return cls(bytes(data[PREFIX_SIZE : PREFIX_SIZE + length]))

    @property
    def body(self) -> int:
        """The offset of the first rendition."""
        return PREFIX_SIZE + len(self.cose)

    def prefix(self) -> bytes:
        """Magic, length and header: what the file begins with."""
        return MAGIC + len(self.cose).to_bytes(4, "big") + self.cose

    def extents(self, header: Header) -> list[tuple[ByteRange, list[ByteRange]]]:
        """For each rendition, where its init part and its sealed segments lie."""
        at, out = self.body, []
        for rendition in header.renditions:
            parts = [ByteRange(row.offset, row.size) for row in segment_entries(rendition, at)]
            out.append((ByteRange(at, rendition.init_size), parts))
            at += rendition_size(rendition)
        return out

    def size(self, header: Header) -> int:
        """The whole file's length in bytes."""
        return rendition_offset(header.renditions, len(header.renditions), self.body)

    def whole(self, header: Header, size: int) -> None:
        """Hold a file's length against its header.

        Raises InputError sps.truncated; sps.header.malformed with bytes after the end.
        """
        expected = self.size(header)
        if size < expected:
            raise InputError("sps.truncated", size=size, expected=expected)
        if size > expected:
            raise InputError(
                "sps.header.malformed", reason="bytes after the last segment", size=size, expected=expected
            )


def header_length(data: bytes) -> int:
    """The length of the header from a file's first 12 bytes.

    Raises InputError sps.magic, sps.truncated with fewer bytes, sps.header.malformed over 4 MiB or at zero.
    """
    if data[: len(MAGIC)] != MAGIC[: len(data)]:
        raise InputError("sps.magic")
    if len(data) < PREFIX_SIZE:
        raise InputError("sps.truncated", size=len(data))
    length = int.from_bytes(data[len(MAGIC) : PREFIX_SIZE], "big")
    if not 0 < length <= MAX_HEADER:
        raise InputError("sps.header.malformed", reason="length", length=length)
    return length
