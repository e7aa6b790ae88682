"""Which segments a ticket may have keys for now: what was heard and a buffer, never more over all jumps together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

BEHIND_MS: Final = 6_000
"""A decoder starts before the position it was asked for: so much behind it is always open."""

SLACK_MS: Final = 5_000
"""By so much may a host's clock differ, before keys it rightly asks for are held back."""

JUMP_MS: Final = 30_000
"""Song that a jump may open unheard: each one that the terms count, and once in all where they count none."""

NEAR_MS: Final = 6_000
"""Where only the room for jumps is left, keys end so soon after the metered position: enough until the next renewal."""


@dataclass(frozen=True)
class Window:
    """A stretch of a song, milliseconds, both ends open to keys."""

    start_ms: int
    end_ms: int

    @classmethod
    def of(cls, anchor_position_ms: int, position_ms: int, ahead_ms: int) -> Window:
        """From where the last jump went to the buffer after the metered position, which only time that was heard moves."""
        return cls(anchor_position_ms - BEHIND_MS, position_ms + ahead_ms + SLACK_MS)

    def clip(self, starts_ms: Sequence[int], first: int, count: int) -> range:
        """The wanted segments that begin inside the window; ``starts_ms`` holds each start and the song's end."""
        last = min(first + count, len(starts_ms) - 1)
        while first < last and starts_ms[first + 1] <= self.start_ms:
            first += 1
        while last > first and starts_ms[last - 1] >= self.end_ms:
            last -= 1
        return range(first, last)


@dataclass(frozen=True)
class Allowance:
    """How much of a content one listener may hold keys for, over all tickets, renditions and jumps together, milliseconds of song.

    ``full_ms``: what was heard, the buffer, and the room of counted jumps.
    ``near_ms``: the position up to which the room for uncounted jumps may be used as well.
    """

    full_ms: int
    near_ms: int

    @classmethod
    def of(cls, heard_ms: int, ahead_ms: int, counted_jumps: int, position_ms: int) -> Allowance:
        """After ``heard_ms`` of the content, with the music at ``position_ms``."""
        return cls(heard_ms + BEHIND_MS + ahead_ms + SLACK_MS + counted_jumps * JUMP_MS, position_ms + NEAR_MS)

    def take(self, starts_ms: Sequence[int], wanted: range, given: int) -> tuple[range, int]:
        """The unbroken first part of the wanted segments that may be given.

        Args:
            starts_ms: Each segment's start, and the song's end.
            wanted: Segments inside the window.
            given: The seconds of the song that keys were given for before, as bits.

        Returns:
            The segments, and ``given`` with them. What was given before is given again for nothing.
        """
        for index in wanted:
            after = given | _seconds(starts_ms[index], starts_ms[index + 1])
            most = self.full_ms + (JUMP_MS if starts_ms[index] < self.near_ms else 0)
            if after != given and after.bit_count() * 1000 > most:
                return range(wanted.start, index), given
            given = after
        return wanted, given


def _seconds(start_ms: int, end_ms: int) -> int:
    first, last = start_ms // 1000, -(-end_ms // 1000)
    return ((1 << (last - first)) - 1) << first
