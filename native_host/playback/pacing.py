"""How far ahead keys may go: a buffer after what was heard; a jump needs an invocation that counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pywallet.policy import JUMPS

BUFFER_MS: Final = 60_000
"""Keys are given for what starts within this time after the metered position."""

SLACK_MS: Final = 5_000
MAX_KEYS: Final = 32
"""Most keys in one answer."""

_ENDS: Final = frozenset({"pause", "stop"})


@dataclass(frozen=True)
class Pacer:
    """Where the last jump went and how far it can have played since.

    ``fastest``: the highest rate that the terms allow.
    """

    base_ms: int = 0
    played_ms: int = 0
    playing: bool = False
    time_ms: int = 0
    fastest: int = 1

    def reach_ms(self, time_ms: int) -> int:
        """The furthest position that can have been reached by now."""
        return self.base_ms + self.played_ms + self._running(time_ms) + SLACK_MS

    def plausible(self, action: str, position_ms: int, time_ms: int) -> bool:
        """Whether ``action`` can happen at this position: only a jump leaves the path that time allows."""
        return action in JUMPS or self.base_ms - SLACK_MS <= position_ms <= self.reach_ms(time_ms)

    def after(self, action: str, position_ms: int, time_ms: int) -> Pacer:
        """The state after ``action``."""
        playing = action in ("play", "resume", "preview", "live_join") or (self.playing and action not in _ENDS)
        if action in JUMPS:
            return Pacer(position_ms, 0, playing, time_ms, self.fastest)
        return replace(self, played_ms=self.played_ms + self._running(time_ms), playing=playing, time_ms=time_ms)

    def window(self, position_ms: int) -> tuple[int, int]:
        """Positions from and to which keys may be given with the meter at ``position_ms``, as at the server."""
        return self.base_ms - SLACK_MS, position_ms + SLACK_MS + BUFFER_MS

    def _running(self, time_ms: int) -> int:
        return max(0, time_ms - self.time_ms) * self.fastest if self.playing else 0
