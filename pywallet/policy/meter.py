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
    """State of one ticket's meter.

    Attributes:
        heard_ms: Heard time so far, milliseconds.
        playing: True after an action that starts or continues the sound.
        position_ms: Metered position: target of the last jump plus the time heard since. A reported position advances
            it only as far as time and the song's length allow, and never moves it back.
        time_ms: Time of the last invocation, Unix milliseconds.
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
            action: Name of the action.
            position_ms: Position in the song, milliseconds; of a jump, its target.
            time_ms: Time by the host's clock, Unix milliseconds.
            fastest: Highest rate that the terms allow.
            end_ms: End of the song or of its playable part, milliseconds; None: unknown.
            room_ms: Most heard time that this invocation may add by a clock that the host does not set, milliseconds;
                None: no such clock.
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
        """Number of whole intervals heard, each of which is paid once."""
        return self.heard_ms // (interval_s * 1000)

    def _gap(self, action: str, position_ms: int, time_ms: int, fastest: int) -> int:
        gap = min(max(0, time_ms - self.time_ms), MAX_GAP_MS)
        if action not in ADVANCES:
            return gap
        # A renewal counts only as far as the position advances: time alone is not listening.
        advance = position_ms - self.position_ms
        # Where the listener chooses the rate, the advance of the position counts, up to the highest rate.
        return max(0, min(gap, advance + METER_SLACK_MS) if fastest == 1 else min(gap * fastest, advance))
