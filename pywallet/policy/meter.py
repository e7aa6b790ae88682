"""Heard time from signed invocations (docs/protocol.md section 2): the same sum at host and security server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

MAX_GAP_MS: Final = 15_000
SLACK_MS: Final = 500
_STARTS: Final = frozenset({"play", "resume", "preview", "live_join"})
_ENDS: Final = frozenset({"pause", "stop"})
_ADVANCES: Final = frozenset({"renew", "pause", "stop"})


@dataclass(frozen=True)
class Meter:
    """The state of one ticket: heard milliseconds, and where and when the last invocation was."""

    heard_ms: int = 0
    playing: bool = False
    position_ms: int = 0
    time_ms: int = 0

    def advance(self, action: str, position_ms: int, time_ms: int) -> Meter:
        """The meter after one more invocation. A time that runs backwards adds nothing."""
        heard = self.heard_ms + (self._gap(action, position_ms, time_ms) if self.playing else 0)
        playing = action in _STARTS or (self.playing and action not in _ENDS)
        return replace(self, heard_ms=heard, playing=playing, position_ms=position_ms, time_ms=max(time_ms, self.time_ms))

    def intervals(self, interval_s: int) -> int:
        """Whole intervals heard, each of which is paid once."""
        return self.heard_ms // (interval_s * 1000)

    def _gap(self, action: str, position_ms: int, time_ms: int) -> int:
        gap = min(max(0, time_ms - self.time_ms), MAX_GAP_MS)
        if action in _ADVANCES:
            # A renewal must show progress in the song: time alone is not listening.
            gap = min(gap, max(0, position_ms - self.position_ms) + SLACK_MS)
        return gap
