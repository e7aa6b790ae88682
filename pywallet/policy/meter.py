"""Meter of heard time from signed invocations (docs/protocol.md section 2), the same at host and security server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pywallet.protocol.actions import ADVANCES, BEGINS, ENDS, JUMPS
from pywallet.rules.limits import MAX_GAP_MS, METER_SLACK_MS

FASTEST: Final = 2
"""Highest playback rate that terms may allow, as a multiple of real time."""


@dataclass(frozen=True)
class Meter:
    """The state of one ticket: heard milliseconds, and where and when the last invocation was.

    ``position_ms`` is the metered position: where the last jump went plus what
    was heard since. A reported position moves it only as far as time and the
    song's length allow, and never back.
    """

    heard_ms: int = 0
    playing: bool = False
    position_ms: int = 0
    time_ms: int = 0

    def advance(
        self,
        action: str,
        position_ms: int,
        time_ms: int,
        fastest: int = 1,
        end_ms: int | None = None,
        room_ms: int | None = None,
    ) -> Meter:
        """The meter after one more invocation. A time that runs backwards adds nothing.

        Args:
            action: The policy's name of it.
            position_ms: Where in the song it happened; of a jump, its target.
            time_ms: When, by the host's clock.
            fastest: The highest rate of these terms.
            end_ms: Where the song, or the part of it that may be played, ends; None: not known.
            room_ms: The most that this invocation may add, by a clock that the host does not set; None: no such clock.
        """
        heard = self._gap(action, position_ms, time_ms, fastest) if self.playing else 0
        for bound in (room_ms, None if end_ms is None else end_ms - self.position_ms):
            if bound is not None:
                heard = min(heard, max(0, bound))
        target = position_ms if end_ms is None else min(position_ms, end_ms)
        position = target if action in JUMPS else self.position_ms + heard
        playing = action in BEGINS or (self.playing and action not in ENDS)
        return Meter(self.heard_ms + heard, playing, position, max(time_ms, self.time_ms))

    def intervals(self, interval_s: int) -> int:
        """Whole intervals heard, each of which is paid once."""
        return self.heard_ms // (interval_s * 1000)

    def _gap(self, action: str, position_ms: int, time_ms: int, fastest: int) -> int:
        gap = min(max(0, time_ms - self.time_ms), MAX_GAP_MS)
        if action not in ADVANCES:
            return gap
        # A renewal must show progress in the song: time alone is not listening.
        advance = position_ms - self.position_ms
        # Where the listener chooses the rate, what counts is the music that passed by, as far as the fastest could
        # bring it.
        return max(0, min(gap, advance + METER_SLACK_MS) if fastest == 1 else min(gap * fastest, advance))
