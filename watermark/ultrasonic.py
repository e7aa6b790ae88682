"""Modulator of the ultrasonic layer: a block of 2 s is one inverse FFT at any sample rate."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from watermark.coding import CODED_BIT, PILOT, SPREAD, codeword
from watermark.parameters import BLOCK_S, CARRIER_HZ, CHIP_HZ, CHIPS, GUARD, LEVEL_DB, ROLLOFF, SLOTS, TONE_DB, TONE_HZ

Complex = NDArray[np.complexfloating[Any, Any]]

_REACH: Final = int(BLOCK_S * CHIP_HZ * (1 + ROLLOFF) / 2)
"""Bins of 0.5 Hz on either side of the carrier that the pulse occupies."""
OFFSETS: Final = np.arange(-_REACH, _REACH + 1)


def root_raised_cosine(frequency: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Spectrum of the root-raised-cosine pulse; ``frequency`` in units of the chip rate, 1 in the flat part."""
    f = np.abs(np.asarray(frequency, np.float64))
    low, high = (1 - ROLLOFF) / 2, (1 + ROLLOFF) / 2
    slope: NDArray[np.float64] = np.where(f >= high, 0.0, np.cos(np.pi / (2 * ROLLOFF) * np.clip(f - low, 0, ROLLOFF)))
    return slope


SHAPE: Final = root_raised_cosine(OFFSETS / (BLOCK_S * CHIP_HZ))


def chips(address: bytes, block: int) -> Complex:
    """The 1900 complex chips of a block: pilot as real part, data as imaginary part."""
    return spread(codeword(address, block))


def spread(word: NDArray[np.int8]) -> Complex:
    """The chips of 420 coded bits given as +1 and -1."""
    return np.asarray(PILOT + 1j * SPREAD * word[CODED_BIT])


def spectrum(values: Complex) -> Complex:
    """Fourier coefficients at ``OFFSETS`` of a block's complex envelope, of mean power 1 for chips of power 2."""
    slots = np.zeros(SLOTS, complex)
    slots[GUARD : GUARD + CHIPS] = values
    series = scipy.fft.fft(slots)[OFFSETS % SLOTS] * SHAPE
    # A chip is in the middle of its slot.
    return np.asarray(series * np.exp(-1j * np.pi * OFFSETS / SLOTS) / np.sqrt(2 * CHIPS * SLOTS))


@lru_cache(8)
def _tone(rate: int, level: int, dtype: str) -> NDArray[np.floating[Any]]:
    t = np.arange(BLOCK_S * rate) / rate
    return np.asarray(10 ** ((level + TONE_DB) / 20) * np.sqrt(2) * np.cos(2 * np.pi * TONE_HZ * t), dtype)


def block_waveform(
    address: bytes, block: int | None, rate: int, level: int = LEVEL_DB, dtype: str = "float32"
) -> NDArray[np.floating[Any]]:
    """Two seconds of the ultrasonic signal, of full scale 1.

    Args:
        address: The content's address, 20 bytes.
        block: The block's counter; None: the pilot tone alone.
        rate: Sample rate, Hz.
        level: Level, dBFS (rms).
        dtype: "float32" or "float64".
    """
    if block is None:
        return _tone(rate, level, dtype)
    size = BLOCK_S * rate
    half = np.zeros(size // 2 + 1, "complex64" if dtype == "float32" else "complex128")
    middle = BLOCK_S * CARRIER_HZ
    half[middle - _REACH : middle + _REACH + 1] = spectrum(chips(address, block)) * (
        size / np.sqrt(2) * 10 ** (level / 20)
    )
    return np.asarray(scipy.fft.irfft(half, size) + _tone(rate, level, dtype))
