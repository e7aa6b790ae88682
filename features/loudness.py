"""Integrated loudness by ITU-R BS.1770-4: K-weighting, blocks of 400 ms, absolute and relative gate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from features.values import SILENCE_DB

_OFFSET: Final = -0.691
"""Offset of the loudness formula, dB."""
_RELATIVE: Final = -10.0
"""Relative gate, LU."""


def k_weighting(rate: int) -> NDArray[np.float64]:
    """K-weighting filter as second-order sections, shape (2, 6): the standard's 48 kHz filter by bilinear transform.

    Args:
        rate: Sample rate, Hz.
    """
    k, q = math.tan(math.pi * 1681.974450955533 / rate), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0,
        1,
        2 * (k * k - 1) / a0,
        (1 - k / q + k * k) / a0,
    ]
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    a0 = 1 + k / q + k * k
    return np.array([shelf, [1, -2, 1, 1, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]])


def loudness(excerpts: Sequence[NDArray[np.floating[Any]]], rate: int) -> float:
    """Integrated loudness of excerpts together, LUFS; -70 where all blocks are below the gate.

    Args:
        excerpts: Samples of full scale 1, each of shape (samples, channels); a shorter excerpt is one block.
        rate: Sample rate, Hz.
    """
    sections = k_weighting(rate)
    powers = []
    for excerpt in excerpts:
        if not len(excerpt):
            continue
        squares = np.sum(signal.sosfilt(sections, excerpt, axis=0) ** 2, axis=1)
        block, hop = int(0.4 * rate), int(0.1 * rate)
        sums = np.concatenate([[0.0], np.cumsum(squares)])
        starts = np.arange(0, max(1, len(squares) - block + 1), hop)
        powers.append((sums[np.minimum(starts + block, len(squares))] - sums[starts]) / min(block, len(squares)))
    power = np.concatenate(powers) if powers else np.zeros(0)
    power = power[power > 10 ** ((SILENCE_DB - _OFFSET) / 10)]
    if not len(power):
        return SILENCE_DB
    power = power[power > power.mean() * 10 ** (_RELATIVE / 10)]
    return max(SILENCE_DB, float(_OFFSET + 10 * np.log10(power.mean())))
