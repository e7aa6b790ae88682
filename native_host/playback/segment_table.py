"""Where the init part and each sealed segment of a rendition lie in the file, and when they sound."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from pywallet.encoding.hex import to_b64
from pywallet.sps import rendition_choice
from pywallet.sps.header import Header, Rendition


@dataclass(frozen=True)
class Table:
    """One rendition of a header as the player needs it. Times in ms, offsets in bytes from the file's start."""

    rendition: Rendition
    init: tuple[int, int, bytes]
    segments: tuple[tuple[int, int, int, int, bytes], ...]
    """(offset, size, start_ms, duration_ms, SHA-256 of the sealed bytes) each."""
    starts: tuple[int, ...]

    @property
    def duration_ms(self) -> int:
        """Length of the song."""
        return self.rendition.samples * 1000 // self.rendition.rate

    def within(self, low_ms: int, high_ms: int) -> range:
        """The segments that sound between two positions."""
        first = max(0, bisect.bisect_right(self.starts, low_ms) - 1)
        return range(first, bisect.bisect_left(self.starts, high_ms))

    def at(self, position_ms: int) -> int:
        """The segment that sounds at a position."""
        return max(0, bisect.bisect_right(self.starts, position_ms) - 1)

    def to_json(self) -> dict[str, object]:
        """``rendition``, ``key_epochs``, ``init`` and ``segments`` of the reply to ``open``."""
        offset, size, digest = self.init
        return {
            "rendition": self.rendition.id,
            "codec": self.rendition.codec,
            "key_epochs": [list(pair) for pair in self.rendition.key_epochs],
            "init": {"offset": offset, "size": size, "sha256": to_b64(digest)},
            "segments": [[o, s, start, length, to_b64(d)] for o, s, start, length, d in self.segments],
        }


def build(header: Header, cose_length: int, index: int = 0) -> Table:
    """The table of a header's rendition; the file starts with 8 bytes of magic and 4 of length."""
    rendition = header.renditions[index]
    offset = rendition_choice.offset(header, cose_length, index)
    size, digest = rendition.init_size, rendition.init_sha256
    init = (offset, size, digest)
    offset += size
    rows, starts, sample = [], [], 0
    for segment in rendition.segments:
        start = sample * 1000 // rendition.rate
        sample += segment.samples
        rows.append((offset, segment.size, start, sample * 1000 // rendition.rate - start, segment.sha256))
        starts.append(start)
        offset += segment.size
    return Table(rendition, init, tuple(rows), tuple(starts))
