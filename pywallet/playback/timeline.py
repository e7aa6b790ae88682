"""Which segment sounds at which moment, and what to fetch next."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True)
class Timeline:
    """The starts of a rendition's segments: ``starts`` has one more entry than there are segments, in samples."""

    starts: tuple[int, ...]
    rate: int

    @classmethod
    def of(cls, samples: Sequence[int], rate: int) -> Timeline:
        """From the sample count of each segment and the sampling rate in Hz."""
        return cls((0, *accumulate(samples)), rate)

    @property
    def count(self) -> int:
        """Number of segments."""
        return len(self.starts) - 1

    @property
    def duration_ms(self) -> int:
        """Length of the recording, rounded down."""
        return self.starts[-1] * 1000 // self.rate

    def start_ms(self, index: int) -> int:
        """When segment ``index`` begins."""
        return self.starts[index] * 1000 // self.rate

    def segment_at(self, position_ms: int) -> int:
        """The segment that sounds at a position; positions outside the recording give the first or last one."""
        sample = max(0, position_ms) * self.rate // 1000
        return min(bisect_right(self.starts, sample) - 1, self.count - 1)

    def clamp(self, position_ms: int) -> int:
        """A position inside the recording."""
        return max(0, min(position_ms, self.duration_ms))
