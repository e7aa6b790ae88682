"""Mixes more than two channels to stereo without losing one.

By the names of the loudspeakers where the file gives them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout

from audio.samples import plain
from pywallet.errors import InputError

MOST_UNNAMED: Final = 8
"""Channels without names that are mixed; more are separate tracks rather than a song."""
LOW: Final = frozenset({"LFE", "LFE2"})
_LEFT: Final = frozenset({"FL", "BL", "SL", "FLC", "WL", "SDL", "TFL", "TBL", "TSL", "BFL", "SSL", "DL", "TTL"})
_RIGHT: Final = frozenset({"FR", "BR", "SR", "FRC", "WR", "SDR", "TFR", "TBR", "TSR", "BFR", "SSR", "DR", "TTR"})
_MAIN: Final = frozenset({"FL", "FR", "DL", "DR"})
_BEHIND: Final = frozenset({"BC", "TBC"})
_MINUS_3_DB: Final = 2**-0.5
_AUDIBLE: Final = 10 ** (-60 / 20)


def plainly(layout: AudioLayout) -> str | None:
    """``mono`` or ``stereo`` where a recording needs no mixing; None for every other layout."""
    names = [channel.name for channel in layout.channels]
    if len(names) == 1:
        return "mono"
    return "stereo" if names in (["FL", "FR"], ["NONE", "NONE"]) else None


class Downmix:
    """Mixes frames of one layout to stereo; ``notes`` says afterwards what was done that a listener may miss.

    Named loudspeakers: left and right as they are, centre and surrounds at -3 dB, the back centre at -6 dB, no
    low-frequency channel. Without names: the first two are left and right, every other one goes to both sides at -3 dB.
    All is lowered so that nothing can clip.

    Raises:
        InputError: ``media.unsupported`` for more than eight channels without names, and for Ambisonics.
    """

    def __init__(self, layout: AudioLayout) -> None:
        self._names = [channel.name for channel in layout.channels]
        self.layout = layout.name
        self._low = [place for place, name in enumerate(self._names) if name in LOW]
        self._low_peak = 0.0
        self._named = all(name != "NONE" for name in self._names)
        if any(name.startswith("AMBI") for name in self._names):
            raise InputError("media.unsupported", reason="Ambisonics; render it to stereo first")
        if not self._named and len(self._names) > MOST_UNNAMED:
            count = len(self._names)
            raise InputError(
                "media.unsupported",
                reason=f"{count} channels whose loudspeakers the file does not name; mix them to stereo first",
            )
        matrix = np.array([self._gains(place, name) for place, name in enumerate(self._names)], np.float64)
        self._matrix = matrix / max(1.0, float(matrix.sum(axis=0).max()))

    @property
    def notes(self) -> list[str]:
        """Notes on channels that a listener may miss."""
        if not self._named:
            return [
                f"the file does not name the loudspeakers of its {len(self._names)} channels: mixed as left, right "
                f"and both sides"
            ]
        if self._low_peak > _AUDIBLE:
            return ["the low-frequency channel is left out of the stereo mix"]
        return []

    def mix(self, frame: AudioFrame) -> AudioFrame:
        """The frame as stereo floats. Raises InputError ``media.decode``, ``media.unsupported``."""
        values = plain(frame)
        for place in self._low:
            self._low_peak = max(self._low_peak, float(np.abs(values[:, place]).max(initial=0)))
        mixed: np.ndarray[Any, Any] = np.ascontiguousarray((values @ self._matrix).reshape(1, -1))
        out = AudioFrame.from_ndarray(mixed, format="dbl", layout="stereo")
        out.sample_rate, out.time_base = frame.sample_rate, Fraction(1, frame.sample_rate)
        return out

    def _gains(self, place: int, name: str) -> tuple[float, float]:
        if not self._named:
            return ((1.0, 0.0), (0.0, 1.0))[place] if place < 2 else (_MINUS_3_DB, _MINUS_3_DB)
        if name in LOW:
            return 0.0, 0.0
        gain = 1.0 if name in _MAIN else 0.5 if name in _BEHIND else _MINUS_3_DB
        return (0.0 if name in _RIGHT else gain), (0.0 if name in _LEFT else gain)
