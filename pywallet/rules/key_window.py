"""Window of keys: the stretch of a song whose segment keys a play may have now.

From the target of the last jump to a buffer after the metered position, which only heard time moves. Host and security
server compute the same window, so a host requests no key that the server withholds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pywallet.rules.limits import CLOCK_SLACK_MS

BEHIND_MS: Final = 6_000
"""Song before the last jump's target that is inside the window: decoders start before the position, milliseconds."""

BUFFER_MS: Final = 60_000
"""Song after the metered position that is inside, unless a lease or the operator sets another, milliseconds."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Positions of a song that a play may sound.

    Attributes:
        from_ms: First position, milliseconds.
        to_ms: First position after the extent, milliseconds; None: the end of the song.
        ahead_ms: Most sound after the metered position, milliseconds; None: no limit.
    """

    from_ms: int = 0
    to_ms: int | None = None
    ahead_ms: int | None = None

    def clip(self, low_ms: int, high_ms: int, position_ms: int) -> tuple[int, int]:
        """Restrict a range of positions to this extent.

        Args:
            low_ms: Start of the range, milliseconds.
            high_ms: End of the range, milliseconds, exclusive.
            position_ms: Metered position, milliseconds.

        Returns:
            Start and end of the restricted range; it is empty where the start is not below the end.
        """
        high = high_ms if self.to_ms is None else min(high_ms, self.to_ms)
        if self.ahead_ms is not None:
            high = min(high, position_ms + self.ahead_ms)
        return max(low_ms, self.from_ms), high


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a song, milliseconds: keys are given for segments that overlap it."""

    start_ms: int
    end_ms: int

    @classmethod
    def of(cls, anchor_ms: int, position_ms: int, ahead_ms: int = BUFFER_MS) -> Window:
        """The window of a play.

        Args:
            anchor_ms: Target of the last jump.
            position_ms: Metered position.
            ahead_ms: Buffer after it.
        """
        return cls(anchor_ms - BEHIND_MS, position_ms + ahead_ms + CLOCK_SLACK_MS)

    def within(self, extent: Extent, position_ms: int) -> Window:
        """The part of this window that the terms allow; ``position_ms`` is the metered position."""
        return Window(*extent.clip(self.start_ms, self.end_ms, position_ms))

    def until(self, end_ms: int) -> Window:
        """The part of this window before ``end_ms``."""
        return Window(self.start_ms, min(self.end_ms, end_ms))

    def clip(self, starts_ms: Sequence[int], first: int, count: int) -> range:
        """The wanted segments that overlap the window.

        Args:
            starts_ms: Start of each segment, and the end of the song.
            first: Index of the first wanted segment.
            count: Number of wanted segments.
        """
        if self.start_ms >= self.end_ms:
            return range(first, first)
        segments = len(starts_ms) - 1
        low = max(first, bisect_right(starts_ms, self.start_ms) - 1)
        high = min(first + count, bisect_left(starts_ms, self.end_ms, 0, segments), segments)
        return range(low, high) if low < high else range(first, first)
