"""The columns of Spotify's audio features as we approximate them: plain formulas over physical measures.

Spotify publishes what its columns mean, not how they are computed, and there
is no audio beside the data to calibrate against. So the anchors below (where 0
and 100 stand) are our choice. docs/genre.md says which columns transfer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from features.values import Features


@dataclass(frozen=True)
class Measures:
    """What is measured before any choice of ours.

    ``clarity`` autocorrelation of the onsets at the beat (0 to 1);
    ``onset_rate`` per second; ``median_level_db`` the median frame under the
    95th percentile; ``quiet_level_db`` the 10th percentile under the median;
    ``quiet_flatness`` spectral flatness of those quiet frames (0 a tone, 1
    noise); ``mode`` fit to the best major key less to the best minor one;
    ``syllables`` share of modulation at 3 to 6 Hz; ``pauses`` share of frames
    below half the level around them; timbre as in ``Features``.
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
    """0 at ``low`` and beyond, 1 at ``high`` and beyond, straight between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def features_of(m: Measures, loudness_db: float, duration_s: float, heard_s: float) -> Features:
    """The columns for measures of ``heard_s`` seconds of a recording."""
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
