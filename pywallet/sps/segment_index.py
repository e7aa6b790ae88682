"""Index of a rendition's segments: when each one sounds, and where it lies in the file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pywallet.sps.header import Rendition


@dataclass(frozen=True)
class SegmentIndex:
    """When the segments of a rendition sound.

    Attributes:
        starts: First sample of each segment, and the number of samples of the recording; per channel.
        rate: Sampling rate, Hz.
    """

    starts: tuple[int, ...]
    rate: int

    @classmethod
    def of(cls, samples: Iterable[int], rate: int) -> SegmentIndex:
        """From the sample count of each segment and the sampling rate in Hz."""
        return cls((0, *accumulate(samples)), rate)

    @property
    def count(self) -> int:
        """Number of segments."""
        return len(self.starts) - 1

    @property
    def duration_ms(self) -> int:
        """Length of the recording, rounded down."""
        return self.start_ms(self.count)

    @cached_property
    def starts_ms(self) -> tuple[int, ...]:
        """Start of each segment, and the end of the recording; rounded down."""
        return tuple(start * 1000 // self.rate for start in self.starts)

    def start_ms(self, index: int) -> int:
        """Start of a segment, rounded down; of ``count``, the end of the recording."""
        return self.starts[index] * 1000 // self.rate

    def segment_at(self, position_ms: int) -> int:
        """The segment that sounds at a position; positions outside the recording give the first or last one."""
        sample = max(0, position_ms) * self.rate // 1000
        return min(bisect_right(self.starts, sample) - 1, self.count - 1)

    def clamp(self, position_ms: int) -> int:
        """A position inside the recording."""
        return max(0, min(position_ms, self.duration_ms))


class SegmentRow(NamedTuple):
    """One segment of a rendition in a file."""

    offset: int
    """Bytes from the file's start."""
    size: int
    """Bytes, sealed."""
    start_ms: int
    duration_ms: int
    sha256: bytes
    """Of the sealed bytes."""


def rendition_size(rendition: Rendition) -> int:
    """Bytes of a rendition in a file: its init part and its sealed segments."""
    return rendition.init_size + sum(segment.size for segment in rendition.segments)


def rendition_offset(renditions: Sequence[Rendition], index: int, body: int) -> int:
    """Where a rendition's init part begins, bytes from the file's start; ``body``: where the first one's does."""
    return body + sum(rendition_size(rendition) for rendition in renditions[:index])


def segment_rows(rendition: Rendition, offset: int) -> Iterator[SegmentRow]:
    """The segments of a rendition whose init part begins at ``offset`` bytes."""
    offset += rendition.init_size
    index = rendition.index
    for number, segment in enumerate(rendition.segments):
        start_ms = index.start_ms(number)
        yield SegmentRow(offset, segment.size, start_ms, index.start_ms(number + 1) - start_ms, segment.sha256)
        offset += segment.size
