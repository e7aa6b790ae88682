"""Ogg pages (RFC 3533): granule positions that FFmpeg refuses, and whether the last page says that it is the last."""

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
class Pages:
    """Facts read from the pages of a file.

    Attributes:
        ended: true where the last whole page has the end-of-stream flag.
        patches: bytes to put over the pages, by position, so that no granule position is negative.
    """

    ended: bool
    patches: dict[int, bytes] = field(default_factory=dict)


def look(file: BinaryIO) -> Pages | None:
    """The pages of an Ogg file; None for everything else.

    Where all granule positions of a stream are negative (other than -1, "no packet ends here"), and in Opus, they are
    moved up by
    one offset: the distances between pages, and so the sound, stay as they are. Single negative ones say nothing and
    are unset.
    """
    file.seek(0)
    if file.read(4) != b"OggS":
        return None
    whole, at, ended = file.seek(0, 2), 0, False
    places: dict[int, list[tuple[int, int, int]]] = {}
    for _ in range(_MOST_PAGES):
        file.seek(at)
        head = file.read(27)
        if len(head) < 27 or head[:4] != b"OggS":
            break  # damage: the decoded sound is held against the granule positions instead
        lacing = file.read(head[26])
        size = 27 + len(lacing) + sum(lacing)
        if at + size > whole:
            ended = False
            break
        granule, serial = struct.unpack_from("<qI", head, 6)
        places.setdefault(serial, []).append((at, size, granule))
        ended, at = bool(head[5] & _END) and _whole(file, at, size), at + size
    patches: dict[int, bytes] = {}
    for rows in places.values():
        patches.update(_raised(file, rows))
    return Pages(ended, patches)


def _whole(file: BinaryIO, at: int, size: int) -> bool:
    """Verify a page's checksum."""
    file.seek(at)
    page = bytearray(file.read(size))
    said, page[22:26] = bytes(page[22:26]), bytes(4)
    return struct.pack("<I", crc(page)) == said


def _raised(file: BinaryIO, rows: list[tuple[int, int, int]]) -> dict[int, bytes]:
    """Patches that move one stream's granule positions above zero; none where all are."""
    sounding = [(at, size, granule) for at, size, granule in rows if granule not in (0, _NO_PACKET_ENDS)]
    granules = [granule for _, _, granule in sounding]
    if not granules or min(granules) >= 0:
        return {}
    opus = _is_opus(file, rows[0][0])
    together = max(granules) < 0 or opus
    offset = max((b - a for a, b in pairwise(granules)), default=1) - granules[0]
    out = {}
    for at, size, granule in sounding:
        if granule >= 0 and not together:
            continue
        file.seek(at)
        page = bytearray(file.read(size))
        struct.pack_into("<q", page, 6, granule + offset if together else _NO_PACKET_ENDS)
        page[22:26] = bytes(4)
        out[at + 6] = bytes(page[6:14])
        out[at + 22] = struct.pack("<I", crc(page))
    return out


def crc(page: bytes | bytearray) -> int:
    """A page's checksum: CRC-32 of polynomial 0x04C11DB7, most significant bit first, without inversions."""
    plain = zlib.crc32(bytes(page).translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{plain:032b}"[::-1], 2)


def _is_opus(file: BinaryIO, at: int) -> bool:
    """Whether a stream's first page says so: FFmpeg needs a position on the first page of an Opus stream."""
    file.seek(at + 26)
    return file.read(file.read(1)[0] + 8)[-8:] == b"OpusHead"
