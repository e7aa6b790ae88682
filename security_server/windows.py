"""Pacing: which segments a ticket may have keys for now, no faster than real time and a buffer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

BEHIND_MS: Final = 6_000
"""A decoder starts before the position it was asked for: so much behind it is always open."""

SLACK_MS: Final = 5_000
"""By so much may a host's clock differ, before keys it rightly asks for are held back."""


@dataclass(frozen=True)
class Window:
    """A stretch of a song, milliseconds, both ends open to keys."""

    start_ms: int
    end_ms: int

    @classmethod
    def of(cls, anchor_position_ms: int, anchor_ms: int, now_ms: int, started: bool, ahead_ms: int, fastest: int = 1) -> Window:
        """What the last play or seek, and the time since then on the server's clock at the fastest rate of the terms, have opened."""
        elapsed = max(0, now_ms - anchor_ms) * fastest if started else 0
        return cls(anchor_position_ms - BEHIND_MS, anchor_position_ms + elapsed + ahead_ms + SLACK_MS)

    def clip(self, starts_ms: Sequence[int], first: int, count: int) -> range:
        """The wanted segments that begin inside the window; ``starts_ms`` holds each start and the song's end."""
        last = min(first + count, len(starts_ms) - 1)
        while first < last and starts_ms[first + 1] <= self.start_ms:
            first += 1
        while last > first and starts_ms[last - 1] >= self.end_ms:
            last -= 1
        return range(first, last)
