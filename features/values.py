"""Data classes of the package: sample streams, features, genres."""

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
"""Absolute gate of ITU-R BS.1770, LUFS."""


@dataclass(frozen=True)
class PCM:
    """A stream of samples, read once.

    Attributes:
        rate: Sample rate, Hz.
        blocks: Samples from -1 to 1, each block of shape (samples, channels) or (samples,).
    """

    rate: int
    blocks: Iterable[NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class Features:
    """Audio features of one recording.

    The attributes from 0 to 100 approximate Spotify's columns of the same names by this project's formulas
    (docs/genre.md), without calibration.

    Attributes:
        tempo_bpm: Tempo, BPM; 0 without a beat.
        energy: 0 to 100.
        danceability: 0 to 100.
        loudness_db: Integrated loudness of the excerpts, LUFS (ITU-R BS.1770-4), at least -70.
        liveness: 0 to 100.
        valence: 0 to 100.
        duration_s: Length of the recording, s.
        acousticness: 0 to 100.
        speechiness: 0 to 100.
        brightness_hz: Mean spectral centroid, Hz.
        timbre: Mean of MFCC 1 to 12, dB.
        change: Standard deviation of MFCC 1 to 12, dB.
        contrast: Spectral contrast in 7 octave bands, dB.
        heard_s: Length that was analysed, s.
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
        """Features of a recording that is below the gate throughout."""
        zeros = (0.0,) * 12
        return cls(0, 0, 0, SILENCE_DB, 0, 0, duration_s, 0, 0, 0, zeros, zeros, (0.0,) * 7, heard_s)

    @property
    def silent(self) -> bool:
        """True if the whole recording is below the gate."""
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
        """JSON, with numbers rounded to two decimals."""
        return {
            name: [round(v, 2) for v in value] if isinstance(value, tuple) else round(value, 2)
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True)
class Genre:
    """An estimated genre: ``name`` and the model's probability, 0 to 1."""

    name: str
    confidence: float
