"""Ogg pages (RFC 3533): patches for negative granule positions, and the end-of-stream flag."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import BinaryIO, Final

_REVERSED: Final = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
_NO_PACKET_ENDS: Final = -1
_MOST_PAGES: Final = 2_000_000
_END: Final = 4


@dataclass(frozen=True)
class OggPages:
    """Result of reading a file's pages.

    Attributes:
        ended: True if the last complete page has the end-of-stream flag.
        patches: Replacement bytes by file offset, after which no granule position is negative.
    """

    ended: bool
    patches: dict[int, bytes] = field(default_factory=dict)


def read_pages(file: BinaryIO) -> OggPages | None:
    """Read the pages of an Ogg file; None for other files.

    FFmpeg refuses negative granule positions. Where all of a stream are negative (other than -1, "no packet ends
    here"), and in Opus, they are shifted by one offset, which keeps the distances between pages. Otherwise negative
    ones are unset (-1).
    """
    file.seek(0)
    if file.read(4) != b"OggS":
        return None
    file_size, at, ended = file.seek(0, 2), 0, False
    pages: dict[int, list[tuple[int, int, int]]] = {}
    for _ in range(_MOST_PAGES):
        file.seek(at)
        head = file.read(27)
        if len(head) < 27 or head[:4] != b"OggS":
            break  # damage: the decoder compares the sound with the granule positions
        lacing = file.read(head[26])
        size = 27 + len(lacing) + sum(lacing)
        if at + size > file_size:
            ended = False
            break
        granule, serial = struct.unpack_from("<qI", head, 6)
        pages.setdefault(serial, []).append((at, size, granule))
        ended, at = bool(head[5] & _END) and _has_valid_checksum(file, at, size), at + size
    patches: dict[int, bytes] = {}
    for rows in pages.values():
        patches.update(_shift_patches(file, rows))
    return OggPages(ended, patches)


def _has_valid_checksum(file: BinaryIO, at: int, size: int) -> bool:
    """True if a page's checksum is correct."""
    file.seek(at)
    page = bytearray(file.read(size))
    stored, page[22:26] = bytes(page[22:26]), bytes(4)
    return struct.pack("<I", crc(page)) == stored


def _shift_patches(file: BinaryIO, rows: list[tuple[int, int, int]]) -> dict[int, bytes]:
    """Patches that make one stream's granule positions non-negative; {} where they are."""
    positioned = [(at, size, granule) for at, size, granule in rows if granule not in (0, _NO_PACKET_ENDS)]
    granules = [granule for _, _, granule in positioned]
    if not granules or min(granules) >= 0:
        return {}
    opus = _is_opus(file, rows[0][0])
    shift_all = max(granules) < 0 or opus
    offset = max((b - a for a, b in pairwise(granules)), default=1) - granules[0]
    out = {}
    for at, size, granule in positioned:
        if granule >= 0 and not shift_all:
            continue
        file.seek(at)
        page = bytearray(file.read(size))
        struct.pack_into("<q", page, 6, granule + offset if shift_all else _NO_PACKET_ENDS)
        page[22:26] = bytes(4)
        out[at + 6] = bytes(page[6:14])
        out[at + 22] = struct.pack("<I", crc(page))
    return out


def crc(page: bytes | bytearray) -> int:
    """Checksum of a page: CRC-32 with polynomial 0x04C11DB7, most significant bit first, no inversion (RFC 3533)."""
    plain = zlib.crc32(bytes(page).translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{plain:032b}"[::-1], 2)


def _is_opus(file: BinaryIO, at: int) -> bool:
    """True if a stream is Opus, by its first page; FFmpeg needs a granule position on that page."""
    file.seek(at + 26)
    return file.read(file.read(1)[0] + 8)[-8:] == b"OpusHead"
