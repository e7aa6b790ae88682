"""Index of a rendition's segments: when each one sounds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate


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
