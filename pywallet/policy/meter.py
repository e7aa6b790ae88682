"""Heard time from signed invocations (docs/protocol.md section 2): the same sum at host and security server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

MAX_GAP_MS: Final = 15_000
SLACK_MS: Final = 500
FASTEST: Final = 2
"""The highest rate that terms may allow: so much of a song fits into a second of the clock."""
_STARTS: Final = frozenset({"play", "resume", "preview", "live_join"})
_ENDS: Final = frozenset({"pause", "stop"})
_ADVANCES: Final = frozenset({"renew", "pause", "stop", "rate"})


@dataclass(frozen=True)
class Meter:
    """The state of one ticket: heard milliseconds, and where and when the last invocation was."""

    heard_ms: int = 0
    playing: bool = False
    position_ms: int = 0
    time_ms: int = 0

    def advance(self, action: str, position_ms: int, time_ms: int, fastest: int = 1) -> Meter:
        """The meter after one more invocation; ``fastest``: the highest rate of these terms. A time that runs backwards adds nothing."""
        heard = self.heard_ms + (self._gap(action, position_ms, time_ms, fastest) if self.playing else 0)
        playing = action in _STARTS or (self.playing and action not in _ENDS)
        return replace(self, heard_ms=heard, playing=playing, position_ms=position_ms, time_ms=max(time_ms, self.time_ms))

    def intervals(self, interval_s: int) -> int:
        """Whole intervals heard, each of which is paid once."""
        return self.heard_ms // (interval_s * 1000)

    def _gap(self, action: str, position_ms: int, time_ms: int, fastest: int) -> int:
        gap = min(max(0, time_ms - self.time_ms), MAX_GAP_MS)
        if action not in _ADVANCES:
            return gap
        # A renewal must show progress in the song: time alone is not listening.
        advance = max(0, position_ms - self.position_ms)
        # Where the listener chooses the rate, what counts is the music that passed by, as far as the fastest could bring it.
        return min(gap, advance + SLACK_MS) if fastest == 1 else min(gap * fastest, advance)
