"""Downmix of more than two channels to stereo, by the loudspeaker names of the channel layout."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout

from audio.samples import to_floats
from pywallet.errors import InputError

MAX_UNNAMED: Final = 8
"""Most channels without names that are mixed; more are separate tracks rather than a song."""
LOW_FREQUENCY: Final = frozenset({"LFE", "LFE2"})
_LEFT: Final = frozenset({"FL", "BL", "SL", "FLC", "WL", "SDL", "TFL", "TBL", "TSL", "BFL", "SSL", "DL", "TTL"})
_RIGHT: Final = frozenset({"FR", "BR", "SR", "FRC", "WR", "SDR", "TFR", "TBR", "TSR", "BFR", "SSR", "DR", "TTR"})
_MAIN: Final = frozenset({"FL", "FR", "DL", "DR"})
_BEHIND: Final = frozenset({"BC", "TBC"})
_MINUS_3_DB: Final = 2**-0.5
_AUDIBLE: Final = 10 ** (-60 / 20)


def plain_layout(layout: AudioLayout) -> str | None:
    """``mono`` or ``stereo`` for a layout that needs no mixing; None for other layouts."""
    names = [channel.name for channel in layout.channels]
    if len(names) == 1:
        return "mono"
    return "stereo" if names in (["FL", "FR"], ["NONE", "NONE"]) else None


class Downmix:
    """Mixes frames of one layout to stereo.

    Named channels: left and right unchanged, centre and surrounds at -3 dB, back centre at -6 dB, no low-frequency
    channel (as ITU-R BS.775). Without names: the first two are left and right, every other one goes to both sides at
    -3 dB. The matrix is scaled so that the mix cannot clip.

    Args:
        layout: The layout of all frames.

    Raises:
        InputError: ``media.unsupported``: more than eight channels without names, or Ambisonics.
    """

    def __init__(self, layout: AudioLayout) -> None:
        self._names = [channel.name for channel in layout.channels]
        self.layout = layout.name
        self._low = [index for index, name in enumerate(self._names) if name in LOW_FREQUENCY]
        self._low_peak = 0.0
        self._named = all(name != "NONE" for name in self._names)
        if any(name.startswith("AMBI") for name in self._names):
            raise InputError("media.unsupported", reason="Ambisonics; render it to stereo first")
        if not self._named and len(self._names) > MAX_UNNAMED:
            count = len(self._names)
            raise InputError(
                "media.unsupported",
                reason=f"{count} channels whose loudspeakers the file does not name; mix them to stereo first",
            )
        matrix = np.array([self._gains(index, name) for index, name in enumerate(self._names)], np.float64)
        self._matrix = matrix / max(1.0, float(matrix.sum(axis=0).max()))

    @property
    def notes(self) -> list[str]:
        """Notes, after mixing, on unnamed channels and on an audible low-frequency channel left out."""
        if not self._named:
            return [
                f"the file does not name the loudspeakers of its {len(self._names)} channels: mixed as left, right "
                f"and both sides"
            ]
        if self._low_peak > _AUDIBLE:
            return ["the low-frequency channel is left out of the stereo mix"]
        return []

    def mix(self, frame: AudioFrame) -> AudioFrame:
        """Mix a frame to stereo floats.

        Raises:
            InputError: ``media.decode``, ``media.unsupported``.
        """
        values = to_floats(frame)
        for index in self._low:
            self._low_peak = max(self._low_peak, float(np.abs(values[:, index]).max(initial=0)))
        mixed: np.ndarray[Any, Any] = np.ascontiguousarray((values @ self._matrix).reshape(1, -1))
        out = AudioFrame.from_ndarray(mixed, format="dbl", layout="stereo")
        out.sample_rate, out.time_base = frame.sample_rate, Fraction(1, frame.sample_rate)
        return out

    def _gains(self, index: int, name: str) -> tuple[float, float]:
        """Gains of a channel into left and right."""
        if not self._named:
            return ((1.0, 0.0), (0.0, 1.0))[index] if index < 2 else (_MINUS_3_DB, _MINUS_3_DB)
        if name in LOW_FREQUENCY:
            return 0.0, 0.0
        gain = 1.0 if name in _MAIN else 0.5 if name in _BEHIND else _MINUS_3_DB
        return (0.0 if name in _RIGHT else gain), (0.0 if name in _LEFT else gain)
