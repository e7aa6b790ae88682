"""Index of a rendition's segments: their times in the recording."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate


@dataclass(frozen=True)
class SegmentIndex:
    """Times of a rendition's segments.

    Attributes:
        starts: First sample of each segment, and the number of samples of the recording; per channel.
        rate: Sampling rate, Hz.
    """

    starts: tuple[int, ...]
    rate: int

    @classmethod
    def of(cls, samples: Iterable[int], rate: int) -> SegmentIndex:
        """Build from the samples per channel of each segment, and the sampling rate in Hz."""
        return cls((0, *accumulate(samples)), rate)

    @property
    def count(self) -> int:
        """Number of segments."""
        return len(self.starts) - 1

    @property
    def duration_ms(self) -> int:
        """Length of the recording, milliseconds, rounded down."""
        return self.start_ms(self.count)

    @cached_property
    def starts_ms(self) -> tuple[int, ...]:
        """Start of each segment, and the end of the recording; milliseconds, rounded down."""
        return tuple(start * 1000 // self.rate for start in self.starts)

    def start_ms(self, index: int) -> int:
        """Start of a segment, milliseconds, rounded down; for ``count`` the end of the recording."""
        return self.starts[index] * 1000 // self.rate

    def segment_at(self, position_ms: int) -> int:
        """Index of the segment at a position; of the first or last one for a position outside the recording."""
        sample = max(0, position_ms) * self.rate // 1000
        return min(bisect_right(self.starts, sample) - 1, self.count - 1)

    def clamp(self, position_ms: int) -> int:
        """The nearest position inside the recording."""
        return max(0, min(position_ms, self.duration_ms))
