"""The chunks of a WAV file (RIFF, RF64, BW64.

Also Wave64, CAF, ASF): they bound the sound, where FFmpeg goes by the file's size.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

_UNKNOWN: Final = 0x7FFFF000
"""From here on writers mean that they did not know: SoX's pipes declare this, others all ones."""
_SLACK: Final = 4096
"""Bytes, about 20 ms: writers that count a chunk too many or too few are common, and no sign of a cut."""
_MOST_CHUNKS: Final = 1000
_TAIL: Final = 64 << 20
"""Bytes at the end of a file that are searched for chunks after a sound of unknown length."""
_BLOCK: Final = 1 << 20
_AFTER: Final = re.compile(
    rb"LIST|list|id3 |ID3 |bext|iXML|fact|cue "
    rb"|smpl|inst|plst|PEAK|_PMX|axml|chna|ubxt|umid|acid|cart|afsp|DISP|CSET|JUNK|junk|FLLR|PAD "
)
_ASF: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_W64_DATA: Final = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")


@dataclass(frozen=True)
class Sound:
    """Where the sound lies in the file, bytes ``start`` to ``end``.

    Attributes:
        missing: bytes that are declared and not there.
        surplus: bytes after the sound that are no chunks.
        unsaid: true where the header does not say how long the sound is (a recorder that died, a pipe).
        patches: bytes to put over the header, by position, so that it says how long the sound is.
    """

    start: int
    end: int
    missing: int = 0
    surplus: int = 0
    unsaid: bool = False
    patches: dict[int, bytes] = field(default_factory=dict)


def look(file: BinaryIO) -> Sound | None:
    """The sound of a RIFF, RF64, BW64, Wave64 or CAF file; of an ASF (WMA) file only whether its end is there.

    Else None.
    """
    whole = file.seek(0, 2)
    file.seek(0)
    head = file.read(40)
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _riff(file, whole, head[:4] != b"RIFF")
    if head[:4] == b"riff" and head[24:28] == b"wave":
        return _wave64(file, whole)
    if head[:16] == _ASF:
        return _asf(file, whole)
    return _caf(file, whole) if head[:4] == b"caff" else None


def info(file: BinaryIO) -> dict[str, bytes]:
    """The texts of a WAV file's LIST INFO chunks, as bytes: nothing says in which encoding they are."""
    sound = look(file)
    if sound is None:
        return {}
    file.seek(0)
    if file.read(4) not in (b"RIFF", b"RF64", b"BW64"):
        return {}
    found: dict[str, bytes] = {}
    whole = file.seek(0, 2)
    for begin, until in ((12, sound.start - 8), (sound.end + (sound.end - sound.start) % 2, whole)):
        for kind, at, size in _chunks(file, begin, until):
            file.seek(at)
            if kind in (b"LIST", b"list") and size <= 1 << 20 and file.read(4) == b"INFO":
                for name, place, length in _chunks(file, at + 4, at + size):
                    file.seek(place)
                    value = file.read(min(length, at + size - place)).split(b"\0")[0]
                    found.setdefault(name.decode("latin-1"), value)
    return found


def _chunks(file: BinaryIO, at: int, until: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, place of the body, size) of each chunk between two places."""
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if at + 8 > until or len(head) < 8:
            return
        kind, size = struct.unpack("<4sI", head)
        yield kind, at + 8, size
        at += 8 + size + size % 2


def _riff(file: BinaryIO, whole: int, wide: bool) -> Sound | None:
    long: tuple[int, int] | None = None
    for kind, at, size in _chunks(file, 12, whole):
        if kind == b"ds64" and wide and size >= 28:
            file.seek(at + 8)
            long = at + 8, int.from_bytes(file.read(8), "little")
        if kind != b"data":
            continue
        far = long if size == 0xFFFFFFFF else None
        declared = far[1] if far else size
        known = declared < 1 << 62 if far else size < _UNKNOWN and (wide or whole < 1 << 32)
        if not known or not declared:
            return _unsaid(file, at, whole, far[0] if far else None)
        end = min(at + declared, whole)
        missing = at + declared - whole
        return Sound(at, end, missing if missing > _SLACK else 0, _surplus(file, end + declared % 2, whole))
    return None


def _unsaid(file: BinaryIO, start: int, whole: int, long_at: int | None) -> Sound:
    """A sound of unknown length: it ends where a row of chunks begins that fills the rest of the file."""
    end = start if _row(file, start, whole) and whole > start else _row_start(file, start, whole)
    size = end - start
    narrow = start - 4, struct.pack("<I", min(size, 0xFFFFFFFF))
    patches = dict([narrow if long_at is None else (long_at, struct.pack("<Q", size))])
    return Sound(start, end, unsaid=True, patches=patches)


def _row(file: BinaryIO, at: int, whole: int) -> bool:
    """Whether chunks of known kinds fill the file from here to its end; a last one that was cut off counts."""
    while at + 8 <= whole:
        file.seek(at)
        head = file.read(12)
        if not _AFTER.fullmatch(head[:4]):
            return False
        size = int.from_bytes(head[4:8], "little")
        ends = at + 8 + size + size % 2
        if ends > whole + 1:
            return head[:4] in (b"LIST", b"list") and head[8:12] in (b"INFO", b"adtl")
        at = ends
    return whole - at < 8


def _row_start(file: BinaryIO, start: int, whole: int) -> int:
    """The first place in a file's last part from which a row of chunks fills it; its end where there is none."""
    for at in range(max(start, whole - _TAIL), whole, _BLOCK):
        file.seek(at)
        for match in _AFTER.finditer(file.read(_BLOCK + 3)):
            if _row(file, at + match.start(), whole):
                return at + match.start()
    return whole


def _surplus(file: BinaryIO, at: int, whole: int) -> int:
    """Bytes after the sound that are neither chunks nor an ID3v1 tag."""
    for kind, place, size in _chunks(file, at, whole):
        if not all(32 <= c < 127 for c in kind):
            break
        at = place + size + size % 2
    file.seek(max(0, whole - 128))
    rest = whole - at - (128 if file.read(3) == b"TAG" else 0)
    return rest if rest > _SLACK else 0


def _wave64(file: BinaryIO, whole: int) -> Sound | None:
    at = 40
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(24)
        if len(head) < 24:
            return None
        size = int.from_bytes(head[16:], "little")
        if head[:16] == _W64_DATA:
            return _declared(at + 24, size - 24, whole)
        at += max(24, -(-size // 8) * 8)
    return None


def _caf(file: BinaryIO, whole: int) -> Sound | None:
    at = 8
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(12)
        if len(head) < 12:
            return None
        size = int.from_bytes(head[4:], "big", signed=True)
        if head[:4] == b"data":
            return _declared(at + 12, size, whole)
        at += 12 + max(0, size)
    return None


def _asf(file: BinaryIO, whole: int) -> Sound | None:
    file.seek(30)
    head = file.read(1 << 16)
    at = head.find(_ASF_FILE)
    if at < 0 or len(head) < at + 104:
        return None
    size, streamed = int.from_bytes(head[at + 40 : at + 48], "little"), head[at + 88] & 1
    return None if streamed else _declared(0, size, whole)


def _declared(start: int, size: int, whole: int) -> Sound:
    known = 0 < size < 1 << 62
    missing = start + size - whole if known else 0
    return Sound(
        start, min(start + size, whole) if known else whole, missing if missing > _SLACK else 0, unsaid=not known
    )
