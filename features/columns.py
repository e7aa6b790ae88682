"""Approximations of Spotify's audio features by formulas over measured values.

Spotify publishes the meaning of its columns, not their computation, and the data has no audio to calibrate against.
The anchors of the formulas (the values of 0 and 100) are this project's choice. docs/genre.md reports which columns
transfer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from features.values import Features


@dataclass(frozen=True)
class Measures:
    """Measured values of a recording, from which the columns are computed.

    Attributes:
        tempo_bpm: Tempo, BPM; 0 without a beat.
        clarity: Autocorrelation of the onset envelope at the beat, 0 to 1.
        onset_rate: Onsets per second.
        median_level_db: Level of the median frame relative to the 95th percentile, dB.
        quiet_level_db: Level of the 10th percentile relative to the median, dB.
        quiet_flatness: Spectral flatness of the frames up to the 10th percentile, 0 (tone) to 1 (noise).
        centroid_hz: Mean spectral centroid, Hz.
        mode: Correlation with the best major key minus that with the best minor key.
        syllables: Share of modulation energy at 3 to 6 Hz.
        pauses: Share of frames below half the mean level around them.
        timbre: Mean of MFCC 1 to 12, dB.
        change: Standard deviation of MFCC 1 to 12, dB.
        contrast: Spectral contrast in 7 octave bands, dB.
    """

    tempo_bpm: float
    clarity: float
    onset_rate: float
    median_level_db: float
    quiet_level_db: float
    quiet_flatness: float
    centroid_hz: float
    mode: float
    syllables: float
    pauses: float
    timbre: tuple[float, ...]
    change: tuple[float, ...]
    contrast: tuple[float, ...]


def ramp(value: float, low: float, high: float) -> float:
    """Linear from 0 at ``low`` to 1 at ``high``, clipped."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def features_of(m: Measures, loudness_db: float, duration_s: float, heard_s: float) -> Features:
    """Features by the measured values.

    Args:
        m: The measured values.
        loudness_db: Integrated loudness, LUFS.
        duration_s: Length of the recording, s.
        heard_s: Length that was analysed, s.
    """
    loud, dense = ramp(loudness_db, -30, -6), ramp(m.median_level_db, -15, -2)
    bright = ramp(math.log2(max(m.centroid_hz, 1) / 600), 0, math.log2(4000 / 600))
    danced = math.exp(-0.5 * (math.log2(m.tempo_bpm / 118) / 0.5) ** 2) if m.tempo_bpm else 0.0
    return Features(
        tempo_bpm=m.tempo_bpm,
        energy=100 * (0.5 * loud + 0.25 * ramp(m.onset_rate, 0.5, 6) + 0.25 * dense),
        danceability=100 * (0.7 * ramp(m.clarity, 0.1, 1) + 0.3 * danced),
        loudness_db=loudness_db,
        liveness=100 * ramp(m.quiet_level_db, -30, -4) * ramp(math.log10(max(m.quiet_flatness, 1e-6)), -4, -1),
        valence=100 * (0.4 * ramp(m.mode, -0.25, 0.25) + 0.3 * ramp(m.tempo_bpm, 60, 160) + 0.3 * bright),
        duration_s=duration_s,
        acousticness=100 * (0.4 * (1 - loud) + 0.3 * (1 - dense) + 0.3 * (1 - bright)),
        speechiness=100 * ramp(m.syllables, 0.15, 0.4) * ramp(m.pauses, 0.1, 0.4) * (1 - ramp(m.clarity, 0.15, 0.5)),
        brightness_hz=m.centroid_hz,
        timbre=m.timbre,
        change=m.change,
        contrast=m.contrast,
        heard_s=heard_s,
    )
