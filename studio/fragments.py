"""Fragmented MP4 (ISO/IEC 14496-12): splits a muxer's output into init segment and fragments, reads their times."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from pywallet.errors import InputError


class FragmentSink(io.RawIOBase):
    """A muxer's output file that returns complete fragments; only incomplete boxes are buffered.

    Attributes:
        init: The init segment: ``ftyp`` and ``moov``, complete before the first fragment.
    """

    def __init__(self) -> None:
        super().__init__()
        self.init = b""
        self._buffer = bytearray()
        self._moof = b""

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Append the muxer's output; returns its size, bytes."""
        self._buffer += data
        return len(data)

    def take(self) -> Iterator[bytes]:
        """Remove and yield the complete fragments, each ``moof`` with its ``mdat``."""
        while (size := self._next()) is not None:
            kind, box = bytes(self._buffer[4:8]), bytes(self._buffer[:size])
            del self._buffer[:size]
            if kind in (b"ftyp", b"moov"):
                self.init += box
            elif kind == b"moof":
                self._moof = box
            elif kind == b"mdat":
                yield self._moof + box

    def _next(self) -> int | None:
        if len(self._buffer) < 8:
            return None
        size = int.from_bytes(self._buffer[:4], "big")
        return size if size >= 8 and len(self._buffer) >= size else None


def _find(data: bytes, *path: bytes) -> bytes:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8:
            break
        if kind == path[0]:
            body = data[at + 8 : at + size]
            return _find(body, *path[1:]) if len(path) > 1 else body
        at += size
    raise InputError("media.decode", reason=f"no {path[0].decode()} box")


def timing(segment: bytes) -> tuple[int, int]:
    """First sample and number of samples of a fragment, by ``tfdt``, ``tfhd`` and ``trun`` (ISO/IEC 14496-12, 8.8).

    Raises:
        InputError: ``media.decode``: a box is missing or truncated.
    """
    try:
        return _timing(segment)
    except struct.error:
        raise InputError("media.decode", reason="a box ends early") from None


def _timing(segment: bytes) -> tuple[int, int]:
    time = _find(segment, b"moof", b"traf", b"tfdt")
    start = struct.unpack_from(">Q" if time[:1] == b"\x01" else ">I", time, 4)[0]
    head = _find(segment, b"moof", b"traf", b"tfhd")
    flags = int.from_bytes(head[1:4], "big")
    at = 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
    usual = struct.unpack_from(">I", head, at)[0] if flags & 8 else 0
    run = _find(segment, b"moof", b"traf", b"trun")
    flags, count = int.from_bytes(run[1:4], "big"), struct.unpack_from(">I", run, 4)[0]
    if not flags & 0x100:
        return start, usual * count
    at = 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)
    width = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    return start, sum(struct.unpack_from(">I", run, at + i * width)[0] for i in range(count))
