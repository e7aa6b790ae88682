"""What is measured of a recording, and what is guessed from it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from pywallet.sps import likeness

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SILENCE_DB: Final = -70.0
"""The absolute gate of ITU-R BS.1770: nothing below it counts as sound."""


@dataclass(frozen=True)
class PCM:
    """A stream of samples.

    ``rate`` in Hz; each block (frames, channels) or (frames,), -1 to 1; read once, never kept whole.
    """

    rate: int
    blocks: Iterable[NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class Features:
    """One recording in numbers.

    Measured: ``tempo_bpm`` beats per minute, 0 when there is no beat;
    ``loudness_db`` LUFS of the excerpts (ITU-R BS.1770-4, gated), not below
    -70; ``duration_s`` seconds of the whole recording; ``brightness_hz`` mean
    spectral centroid.

    Approximated, 0 to 100, with formulas of our own after the descriptions of
    Spotify's columns of these names, not calibrated against them:
    ``energy``, ``danceability``, ``liveness``, ``valence``, ``acousticness``,
    ``speechiness``. docs/genre.md gives each formula.

    Timbre: ``timbre`` and ``change`` are the mean and the standard deviation of
    MFCC 1 to 12 (dB); ``contrast`` is the spectral contrast in 7 octave bands (dB).

    ``heard_s`` seconds were analysed, of ``duration_s``.
    """

    tempo_bpm: float
    energy: float
    danceability: float
    loudness_db: float
    liveness: float
    valence: float
    duration_s: float
    acousticness: float
    speechiness: float
    brightness_hz: float
    timbre: tuple[float, ...]
    change: tuple[float, ...]
    contrast: tuple[float, ...]
    heard_s: float

    @classmethod
    def silence(cls, duration_s: float, heard_s: float) -> Features:
        """A recording in which nothing is above the gate."""
        zeros = (0.0,) * 12
        return cls(0, 0, 0, SILENCE_DB, 0, 0, duration_s, 0, 0, 0, zeros, zeros, (0.0,) * 7, heard_s)

    @property
    def silent(self) -> bool:
        """Whether there was nothing to measure."""
        return self.loudness_db <= SILENCE_DB

    def vector(self) -> bytes:
        """The ``features`` field of an SPS header: ``pywallet.sps.likeness``."""
        values = {
            "tempo": math.log2(self.tempo_bpm / 60) if self.tempo_bpm else math.nan,
            "loudness": self.loudness_db,
            "brightness": math.log2(self.brightness_hz / 100) if self.brightness_hz else math.nan,
        }
        values |= {
            name: getattr(self, name)
            for name in ("energy", "danceability", "liveness", "valence", "acousticness", "speechiness")
        }
        values |= {f"timbre_{n}": value for n, value in enumerate(self.timbre, 1)}
        values |= {f"change_{n}": value for n, value in enumerate(self.change, 1)}
        values |= {f"contrast_{n}": value for n, value in enumerate(self.contrast)}
        return likeness.pack(values)

    def to_json(self) -> dict[str, Any]:
        """An object for JSON, numbers rounded to what they are good for."""
        return {
            name: [round(v, 2) for v in value] if isinstance(value, tuple) else round(value, 2)
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True)
class Genre:
    """A guess: ``name`` and the model's probability that it is right, 0 to 1."""

    name: str
    confidence: float
