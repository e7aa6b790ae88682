"""Demodulation of a block to soft bits, and cancellation of a decoded block, so that weaker ones can be decoded."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from pywallet.sps import mark
from watermark.band import FIRST_CHIP, OVERSAMPLING, SIZE, SpeedHypothesis
from watermark.coding import CODED_BIT, PILOT, SPREAD
from watermark.parameters import CHIPS, SLOTS
from watermark.ultrasonic import Complex, spread

Floats = NDArray[np.floating[Any]]

PIECE: Final = 50
"""Chips over which the channel's gain and phase are assumed constant (52 ms)."""
_TAPS: Final = 5
_SECTION: Final = 960


def chips(envelope: Complex, start: float) -> Complex:
    """Chips of the block that begins at ``start`` (envelope samples), by cubic interpolation."""
    whole = int(np.floor(start))
    x = start - whole
    weights = (
        -x * (x - 1) * (x - 2) / 6,
        (x + 1) * (x - 1) * (x - 2) / 2,
        -(x + 1) * x * (x - 2) / 2,
        (x + 1) * x * (x - 1) / 6,
    )
    first, last = whole + FIRST_CHIP - 1, whole + FIRST_CHIP + OVERSAMPLING * (CHIPS - 1) + 3
    before, after = max(0, -first), max(0, last - len(envelope))
    part = np.pad(envelope[max(0, first) : last], (before, after))
    return np.asarray(
        sum(w * part[k : k + OVERSAMPLING * (CHIPS - 1) + 1 : OVERSAMPLING] for k, w in enumerate(weights))
    )


def soft_bits(values: Complex) -> NDArray[np.float32]:
    """Soft coded bits (positive for 0) of 1900 chips; the pilot gives gain, phase and noise of each piece."""
    pieces = values.reshape(-1, PIECE)
    pilot = PILOT.reshape(-1, PIECE)
    gain = (pieces * pilot).mean(axis=1)
    gain = np.convolve(np.pad(gain, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    size = np.abs(gain)[:, None] + 1e-20
    turned = pieces * np.conj(gain)[:, None] / size
    noise = ((turned.real - size * pilot) ** 2).mean(axis=1)[:, None] + 1e-2 * size**2
    data = (turned.imag * size / noise).ravel() * SPREAD
    return np.bincount(CODED_BIT, data, mark.CODED_BITS).astype(np.float32)


def cancel(band: Complex, speed: SpeedHypothesis, start: float, word: NDArray[np.int8]) -> Complex:
    """The band spectrum minus one known block, fitted by least squares with five taps in each quarter of a second."""
    time = scipy.fft.ifft(band, norm="forward")
    shape = scipy.fft.ifft(speed.band(spread(word).astype(np.complex64), start), norm="forward")
    low = max(0, int(start / speed.ratio) - 8)
    high = min(SIZE, int((start + OVERSAMPLING * SLOTS) / speed.ratio) + 8)
    observed = time[low:high]
    taps = np.stack([np.roll(shape, k)[low:high] for k in range(-(_TAPS // 2), _TAPS // 2 + 1)], axis=1)
    sections = max(1, (high - low) // _SECTION)
    edges = np.linspace(0, high - low, sections + 1).astype(int)
    gains = np.zeros((sections, _TAPS), np.complex64)
    half = (high - low) // sections // 2
    for section in range(sections):
        part = slice(max(0, edges[section] - half), edges[section + 1] + half)
        known = taps[part]
        square = known.conj().T @ known
        square += 1e-3 * np.trace(square).real / _TAPS * np.eye(_TAPS) + 1e-20 * np.eye(_TAPS)
        gains[section] = np.linalg.solve(square, known.conj().T @ observed[part])
    middles, at = (edges[1:] + edges[:-1]) / 2, np.arange(high - low)
    estimate = np.zeros(high - low, np.complex64)
    for tap in range(_TAPS):
        gain = np.interp(at, middles, gains[:, tap].real) + 1j * np.interp(at, middles, gains[:, tap].imag)
        estimate += taps[:, tap] * gain
    time[low:high] -= estimate
    return np.asarray(scipy.fft.fft(time, norm="forward"))
