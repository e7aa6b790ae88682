"""Allowance of keys: how much of a content one listener gets keys for, over all tickets, renditions and jumps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pywallet.rules.key_window import BEHIND_MS
from pywallet.rules.limits import CLOCK_SLACK_MS

NEAR_MS: Final = 6_000
"""Where only the room for jumps is left, keys end so soon after the metered position: enough until the next renewal."""

PLACE_MS: Final = 8_000
"""Song that a jump opens unheard at the least: ``NEAR_MS`` in whole segments."""

JUMPS_MS: Final = 6 * PLACE_MS
"""The room for jumps over all plays of a content: six places unheard, or one for each jump that the terms count."""

HEARD_PER_ROOM: Final = 4
"""The room grows by one for so much heard song: who hears half a minute at each place may go on jumping for ever."""

SOON_MS: Final = 1_500
"""With half of the room gone, keys end so soon after the metered position."""

WAITED_PER_ROOM: Final = 2
"""With all of it gone, the next keys come after so many times the song that they open, milliseconds of the clock."""

LONGEST_WAIT_MS: Final = WAITED_PER_ROOM * PLACE_MS
"""Nobody waits longer for them, however much was given before."""


@dataclass(frozen=True)
class Allowance:
    """How much of a content one listener may hold keys for, over all tickets, renditions and jumps, milliseconds.

    ``full_ms``: what was heard and the buffer, with the room for jumps where the terms count them.
    ``most_ms``: the same with the room for jumps that nobody counts, for what begins within ``SOON_MS`` of
    ``position_ms``; all but half of the room is for what begins within ``NEAR_MS``.
    """

    full_ms: int
    most_ms: int
    position_ms: int

    @classmethod
    def of(cls, heard_ms: int, ahead_ms: int, counted_jumps: int, position_ms: int, waited_ms: int = 0) -> Allowance:
        """After ``heard_ms`` of the content and ``waited_ms`` opened by waiting, with the music at ``position_ms``."""
        covered_ms = heard_ms + BEHIND_MS + ahead_ms + CLOCK_SLACK_MS
        room_ms = max(JUMPS_MS, counted_jumps * PLACE_MS) + waited_ms
        full_ms = covered_ms + (room_ms if counted_jumps else 0)
        return cls(full_ms, covered_ms + room_ms + heard_ms // HEARD_PER_ROOM, position_ms)

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
            if after != given and after.bit_count() * 1000 > self._limit_ms(starts_ms[index]):
                return range(wanted.start, index), given
            given = after
        return wanted, given

    def short_ms(self, starts_ms: Sequence[int], wanted: range, given: int) -> int:
        """By how much it falls short of the wanted segments that the music needs within ``SOON_MS``; 0: it does not."""
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
    """What a listener has waited for keys of a content whose room for jumps is gone.

    ``waited_ms``: song that was opened by waiting, in all; ``since_ms``: when the wait began that goes on, 0: none
    does.
    """

    waited_ms: int = 0
    since_ms: int = 0

    def after(self, short_ms: int, now_ms: int) -> tuple[Wait, int]:
        """The state after another request, and milliseconds until the next one brings keys, 0: this one does.

        Args:
            short_ms: By how much the allowance falls short; 0: nothing is waited for.
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
