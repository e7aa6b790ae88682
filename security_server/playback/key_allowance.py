"""Allowance of keys of one listener and content, over all tickets, renditions and jumps (decision 0043)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pywallet.rules.key_window import BEHIND_MS
from pywallet.rules.limits import CLOCK_SLACK_MS

NEAR_MS: Final = 6_000
"""Distance after the metered position at which keys end where only the room for jumps is left, milliseconds.

It suffices until the next renewal.
"""

PLACE_MS: Final = 8_000
"""Least song that a jump opens unheard: ``NEAR_MS`` in whole segments, milliseconds."""

JUMPS_MS: Final = 6 * PLACE_MS
"""Room for jumps over all plays of a content, milliseconds: six jumps, or more where the terms count them."""

HEARD_PER_ROOM: Final = 4
"""Heard song for which the room for jumps grows by one: half a minute heard after each jump keeps it constant."""

SOON_MS: Final = 1_500
"""The same distance once half of the room is used, milliseconds."""

WAITED_PER_ROOM: Final = 2
"""Waiting time for each millisecond of song that further keys open, once all of the room is used."""

LONGEST_WAIT_MS: Final = WAITED_PER_ROOM * PLACE_MS
"""Longest waiting time, milliseconds."""


@dataclass(frozen=True)
class Allowance:
    """Song for which one listener may hold keys, over all tickets, renditions and jumps of a content.

    Attributes:
        full_ms: Limit for any segment: heard time and buffer, with the room for jumps where the terms count them.
        most_ms: Limit for segments that begin within ``SOON_MS`` of ``position_ms``: with the room for jumps in any
            case. For those within ``NEAR_MS`` it is lower by half of the room.
        position_ms: The metered position.
    """

    full_ms: int
    most_ms: int
    position_ms: int

    @classmethod
    def of(cls, heard_ms: int, ahead_ms: int, counted_jumps: int, position_ms: int, waited_ms: int = 0) -> Allowance:
        """The allowance after some heard time.

        Args:
            heard_ms: Heard time of the content.
            ahead_ms: Buffer after the metered position.
            counted_jumps: Jumps that the terms count; 0: they count none.
            position_ms: Metered position.
            waited_ms: Song that was opened by waiting.
        """
        covered_ms = heard_ms + BEHIND_MS + ahead_ms + CLOCK_SLACK_MS
        room_ms = max(JUMPS_MS, counted_jumps * PLACE_MS) + waited_ms
        full_ms = covered_ms + (room_ms if counted_jumps else 0)
        return cls(full_ms, covered_ms + room_ms + heard_ms // HEARD_PER_ROOM, position_ms)

    def take(self, starts_ms: Sequence[int], wanted: range, given: int) -> tuple[range, int]:
        """The unbroken first part of the wanted segments that may be given.

        Args:
            starts_ms: Each segment's start, and the song's end.
            wanted: Segments inside the window.
            given: Bit set of the seconds of the song with given keys.

        Returns:
            The segments, and ``given`` with them. Seconds that are set already cost nothing.
        """
        for index in wanted:
            after = given | _seconds(starts_ms[index], starts_ms[index + 1])
            if after != given and after.bit_count() * 1000 > self._limit_ms(starts_ms[index]):
                return range(wanted.start, index), given
            given = after
        return wanted, given

    def short_ms(self, starts_ms: Sequence[int], wanted: range, given: int) -> int:
        """Song that is missing for the wanted segments within ``SOON_MS``, milliseconds; arguments as of ``take``."""
        after = given
        for index in wanted:
            if starts_ms[index] < self.position_ms + SOON_MS:
                after |= _seconds(starts_ms[index], starts_ms[index + 1])
        return 0 if after == given else max(0, after.bit_count() * 1000 - self.most_ms)

    def _limit_ms(self, start_ms: int) -> int:
        if start_ms < self.position_ms + SOON_MS:
            return self.most_ms
        return (
            max(self.full_ms, self.most_ms - JUMPS_MS // 2) if start_ms < self.position_ms + NEAR_MS else self.full_ms
        )


@dataclass(frozen=True)
class Wait:
    """Waiting state of a listener and a content whose room for jumps is used.

    Attributes:
        waited_ms: Song that was opened by waiting, in all.
        since_ms: Start of the current wait, Unix milliseconds; 0: none.
    """

    waited_ms: int = 0
    since_ms: int = 0

    def after(self, short_ms: int, now_ms: int) -> tuple[Wait, int]:
        """The state after another request, and milliseconds until the next one gets keys; 0: this one does.

        Args:
            short_ms: Song that the allowance does not cover; 0: no wait is needed.
            now_ms: The server's clock.
        """
        if not short_ms:
            return Wait(self.waited_ms), 0
        since_ms = self.since_ms or now_ms
        left_ms = since_ms + min(WAITED_PER_ROOM * short_ms, LONGEST_WAIT_MS) - now_ms
        return (Wait(self.waited_ms, since_ms), left_ms) if left_ms > 0 else (Wait(self.waited_ms + short_ms), 0)


def _seconds(start_ms: int, end_ms: int) -> int:
    first, last = start_ms // 1000, -(-end_ms // 1000)
    return ((1 << (last - first)) - 1) << first
