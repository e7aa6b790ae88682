"""Linear-phase FIR low-pass that clears the band of the ultrasonic layer; streaming overlap-save convolution."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.signal import firwin, kaiserord

from watermark.parameters import CLEAN_HZ, CLEAN_WIDTH_HZ

Floats = NDArray[np.floating[Any]]

_STOP_DB = 100.0
"""Stop-band attenuation, dB; the passband ripple is as small: below 19.5 kHz gains deviate by at most 1e-5."""


@lru_cache(8)
def _response(rate: int, dtype: str) -> tuple[int, int, Any]:
    """Taps, FFT size and frequency response."""
    taps, beta = kaiserord(_STOP_DB, CLEAN_WIDTH_HZ / (rate / 2))
    taps |= 1
    size = scipy.fft.next_fast_len(max(16_384, 8 * taps), real=True)
    kernel = firwin(taps, CLEAN_HZ, window=("kaiser", beta), fs=rate)
    return taps, size, scipy.fft.rfft(kernel, size).astype("complex64" if dtype == "float32" else "complex128")


class Lowpass:
    """Filters a stream without delay between input and output samples; arrays are (channels, samples).

    ``process`` returns fewer samples than it got (half the filter, up to one FFT); ``finish`` returns the rest.
    """

    def __init__(self, rate: int, channels: int, dtype: str) -> None:
        self._taps, self._size, self._kernel = _response(rate, dtype)
        self._ahead = self._taps // 2
        self._held: Floats = np.zeros((channels, self._ahead), dtype)
        self._due = 0

    def process(self, block: Floats) -> Floats:
        """The filtered samples that are complete."""
        self._due += block.shape[1]
        self._held = np.concatenate([self._held, block], axis=1)
        return self._run()

    def finish(self) -> Floats:
        """The remaining samples; in total as many as were given."""
        step = self._size - self._taps + 1
        pieces = -(-self._due // step) if self._due else 0
        missing = self._taps - 1 + pieces * step - self._held.shape[1]
        self._held = np.pad(self._held, ((0, 0), (0, max(0, missing))))
        return self._run()

    def _run(self) -> Floats:
        step = self._size - self._taps + 1
        pieces = (self._held.shape[1] - self._taps + 1) // step
        out = [self._held[:, :0]]
        for piece in range(max(0, pieces)):
            part = self._held[:, piece * step : piece * step + self._size]
            out.append(scipy.fft.irfft(scipy.fft.rfft(part) * self._kernel, self._size)[:, self._taps - 1 :])
        if pieces > 0:
            self._held = self._held[:, pieces * step :]
        done = np.concatenate(out, axis=1)[:, : self._due]
        self._due -= done.shape[1]
        return done
