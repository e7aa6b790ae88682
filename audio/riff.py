"""Bounds of the sound in WAV (RIFF, RF64, BW64), Wave64, CAF and ASF files, by their chunks.

FFmpeg goes by the file's size instead.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

_UNKNOWN: Final = 0x7FFFF000
"""Declared sizes from here on mean an unknown size: SoX writes this value to pipes, others all ones."""
_SLACK: Final = 4096
"""Tolerance of declared sizes, bytes (about 20 ms): off-by-one chunk counts are common and no truncation."""
_MAX_CHUNKS: Final = 1000
_TAIL: Final = 64 << 20
"""Bytes at the end of a file searched for chunks after a sound of unknown length."""
_BLOCK: Final = 1 << 20
_TRAILING: Final = re.compile(
    rb"LIST|list|id3 |ID3 |bext|iXML|fact|cue "
    rb"|smpl|inst|plst|PEAK|_PMX|axml|chna|ubxt|umid|acid|cart|afsp|DISP|CSET|JUNK|junk|FLLR|PAD "
)
_ASF: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_W64_DATA: Final = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")


@dataclass(frozen=True)
class SoundBounds:
    """Position of the sound in a file.

    Attributes:
        start: First byte.
        end: End, exclusive, bytes.
        missing: Bytes that are declared and not present.
        surplus: Bytes after the sound that are no chunks.
        length_unknown: True if the header does not declare a length (an interrupted recorder, a pipe).
        patches: Replacement bytes of the header by file offset, which declare the length.
    """

    start: int
    end: int
    missing: int = 0
    surplus: int = 0
    length_unknown: bool = False
    patches: dict[int, bytes] = field(default_factory=dict)


def find_sound(file: BinaryIO) -> SoundBounds | None:
    """The bounds of the sound in a RIFF, RF64, BW64, Wave64 or CAF file; None for other files.

    Of an ASF (WMA) file only ``missing`` is meaningful.
    """
    file_size = file.seek(0, 2)
    file.seek(0)
    head = file.read(40)
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _riff(file, file_size, head[:4] != b"RIFF")
    if head[:4] == b"riff" and head[24:28] == b"wave":
        return _wave64(file, file_size)
    if head[:16] == _ASF:
        return _asf(file, file_size)
    return _caf(file, file_size) if head[:4] == b"caff" else None


def info(file: BinaryIO) -> dict[str, bytes]:
    """Texts of a WAV file's LIST INFO chunks by chunk id, as bytes of unknown encoding; {} for other files."""
    sound = find_sound(file)
    if sound is None:
        return {}
    file.seek(0)
    if file.read(4) not in (b"RIFF", b"RF64", b"BW64"):
        return {}
    found: dict[str, bytes] = {}
    file_size = file.seek(0, 2)
    for begin, until in ((12, sound.start - 8), (sound.end + (sound.end - sound.start) % 2, file_size)):
        for kind, at, size in _chunks(file, begin, until):
            file.seek(at)
            if kind in (b"LIST", b"list") and size <= 1 << 20 and file.read(4) == b"INFO":
                for name, place, length in _chunks(file, at + 4, at + size):
                    file.seek(place)
                    value = file.read(min(length, at + size - place)).split(b"\0")[0]
                    found.setdefault(name.decode("latin-1"), value)
    return found


def _chunks(file: BinaryIO, at: int, until: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (id, offset of the body, size) of each chunk between two offsets."""
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if at + 8 > until or len(head) < 8:
            return
        kind, size = struct.unpack("<4sI", head)
        yield kind, at + 8, size
        at += 8 + size + size % 2


def _riff(file: BinaryIO, file_size: int, wide: bool) -> SoundBounds | None:
    long: tuple[int, int] | None = None
    for kind, at, size in _chunks(file, 12, file_size):
        if kind == b"ds64" and wide and size >= 28:
            file.seek(at + 8)
            long = at + 8, int.from_bytes(file.read(8), "little")
        if kind != b"data":
            continue
        far = long if size == 0xFFFFFFFF else None
        declared = far[1] if far else size
        known = declared < 1 << 62 if far else size < _UNKNOWN and (wide or file_size < 1 << 32)
        if not known or not declared:
            return _unknown_length(file, at, file_size, far[0] if far else None)
        end = min(at + declared, file_size)
        missing = at + declared - file_size
        return SoundBounds(at, end, missing if missing > _SLACK else 0, _surplus(file, end + declared % 2, file_size))
    return None


def _unknown_length(file: BinaryIO, start: int, file_size: int, long_at: int | None) -> SoundBounds:
    """Bounds of a sound of unknown length: it ends where chunks begin that fill the rest of the file."""
    end = (
        start if _is_trailing(file, start, file_size) and file_size > start else _trailing_start(file, start, file_size)
    )
    size = end - start
    narrow = start - 4, struct.pack("<I", min(size, 0xFFFFFFFF))
    patches = dict([narrow if long_at is None else (long_at, struct.pack("<Q", size))])
    return SoundBounds(start, end, length_unknown=True, patches=patches)


def _is_trailing(file: BinaryIO, at: int, file_size: int) -> bool:
    """True if chunks of known ids fill the file from ``at`` to its end; the last one may be truncated."""
    while at + 8 <= file_size:
        file.seek(at)
        head = file.read(12)
        if not _TRAILING.fullmatch(head[:4]):
            return False
        size = int.from_bytes(head[4:8], "little")
        ends = at + 8 + size + size % 2
        if ends > file_size + 1:
            return head[:4] in (b"LIST", b"list") and head[8:12] in (b"INFO", b"adtl")
        at = ends
    return file_size - at < 8


def _trailing_start(file: BinaryIO, start: int, file_size: int) -> int:
    """The first offset from which known chunks fill the file, searched in its last part; the file's size if none."""
    for at in range(max(start, file_size - _TAIL), file_size, _BLOCK):
        file.seek(at)
        for match in _TRAILING.finditer(file.read(_BLOCK + 3)):
            if _is_trailing(file, at + match.start(), file_size):
                return at + match.start()
    return file_size


def _surplus(file: BinaryIO, at: int, file_size: int) -> int:
    """Bytes after the sound that are neither chunks nor an ID3v1 tag."""
    for kind, place, size in _chunks(file, at, file_size):
        if not all(32 <= c < 127 for c in kind):
            break
        at = place + size + size % 2
    file.seek(max(0, file_size - 128))
    rest = file_size - at - (128 if file.read(3) == b"TAG" else 0)
    return rest if rest > _SLACK else 0


def _wave64(file: BinaryIO, file_size: int) -> SoundBounds | None:
    at = 40
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        head = file.read(24)
        if len(head) < 24:
            return None
        size = int.from_bytes(head[16:], "little")
        if head[:16] == _W64_DATA:
            return _declared(at + 24, size - 24, file_size)
        at += max(24, -(-size // 8) * 8)
    return None


def _caf(file: BinaryIO, file_size: int) -> SoundBounds | None:
    at = 8
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        head = file.read(12)
        if len(head) < 12:
            return None
        size = int.from_bytes(head[4:], "big", signed=True)
        if head[:4] == b"data":
            return _declared(at + 12, size, file_size)
        at += 12 + max(0, size)
    return None


def _asf(file: BinaryIO, file_size: int) -> SoundBounds | None:
    file.seek(30)
    head = file.read(1 << 16)
    at = head.find(_ASF_FILE)
    if at < 0 or len(head) < at + 104:
        return None
    size, streamed = int.from_bytes(head[at + 40 : at + 48], "little"), head[at + 88] & 1
    return None if streamed else _declared(0, size, file_size)


def _declared(start: int, size: int, file_size: int) -> SoundBounds:
    known = 0 < size < 1 << 62
    missing = start + size - file_size if known else 0
    return SoundBounds(
        start,
        min(start + size, file_size) if known else file_size,
        missing if missing > _SLACK else 0,
        length_unknown=not known,
    )
