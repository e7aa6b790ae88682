"""How long a WAV file says it is. FFmpeg trusts the file's size instead, and so takes half a file for a song."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

_UNKNOWN: Final = 0x7FFFF000
"""From here on writers mean that they did not know: SoX's pipes declare this, others all ones."""
_SLACK: Final = 4096
"""Bytes, about 20 ms: writers that count a chunk too many or too few are common, and no sign of a cut."""
_MOST_CHUNKS: Final = 1000


def missing(path: Path) -> int:
    """Bytes of sound that a RIFF or RF64 file declares and does not have; 0 for whole files and for everything else."""
    whole = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
            return 0
        long = None
        for _ in range(_MOST_CHUNKS):
            chunk = file.read(8)
            if len(chunk) < 8:
                return 0
            kind, size = struct.unpack("<4sI", chunk)
            if kind == b"ds64" and size >= 28:
                body = file.read(size + size % 2)
                long = struct.unpack_from("<Q", body, 8)[0] if len(body) >= 28 else None
            elif kind == b"data":
                size = long if long is not None and size == 0xFFFFFFFF else size
                known = head[:4] == b"RF64" or size < _UNKNOWN
                short = file.tell() + size - whole
                return short if known and short > _SLACK else 0
            else:
                file.seek(size + size % 2, 1)
    return 0
