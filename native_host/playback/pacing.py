"""Pacing of one play: target of its last jump, and the furthest position reachable since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pywallet.protocol.actions import BEGINS, ENDS, JUMPS
from pywallet.rules.key_window import Window
from pywallet.rules.limits import CLOCK_SLACK_MS

MAX_KEYS: Final = 32
"""Most keys in one answer."""


@dataclass(frozen=True)
class Pacer:
    """State of the pacing; times and positions in milliseconds.

    Attributes:
        base_ms: Target of the last jump.
        played_ms: Most that can have been played between the last jump and ``time_ms``.
        playing: True between a start or resume and a pause or stop.
        time_ms: Time of the last action, Unix.
        fastest: Highest playback rate that the terms allow.
    """

    base_ms: int = 0
    played_ms: int = 0
    playing: bool = False
    time_ms: int = 0
    fastest: int = 1

    def reach_ms(self, time_ms: int) -> int:
        """The furthest position that can have been reached at a time."""
        return self.base_ms + self.played_ms + self._running(time_ms) + CLOCK_SLACK_MS

    def plausible(self, action: str, position_ms: int, time_ms: int) -> bool:
        """Return whether an action can happen at a position: one that elapsed time reaches, or the target of a jump."""
        return action in JUMPS or self.base_ms - CLOCK_SLACK_MS <= position_ms <= self.reach_ms(time_ms)

    def after(self, action: str, position_ms: int, time_ms: int) -> Pacer:
        """The state after ``action``."""
        playing = action in BEGINS or (self.playing and action not in ENDS)
        if action in JUMPS:
            return Pacer(position_ms, 0, playing, time_ms, self.fastest)
        return replace(self, played_ms=self.played_ms + self._running(time_ms), playing=playing, time_ms=time_ms)

    def window(self, position_ms: int) -> Window:
        """The window of keys with the meter at ``position_ms``."""
        return Window.of(self.base_ms, position_ms)

    def _running(self, time_ms: int) -> int:
        return max(0, time_ms - self.time_ms) * self.fastest if self.playing else 0
