"""Demodulation of the band above 20 kHz of one window, for each hypothesis of the playback speed.

The complex envelope has four samples per chip whatever the speed, so what follows is the same for every speed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from watermark.coding import PILOT
from watermark.parameters import CARRIER_HZ, CHIP_HZ, CHIPS, GUARD, ROLLOFF, SLOTS, TONE_HZ
from watermark.ultrasonic import Complex, root_raised_cosine

Floats = NDArray[np.floating[Any]]

WINDOW_S: Final = 18.5
HOP_S: Final = 16.0
"""A block that begins within the hop ends within the window, even when slowed by 4 %."""
OVERSAMPLING: Final = 4
RATE: Final = OVERSAMPLING * CHIP_HZ
SIZE: Final = round(RATE * WINDOW_S)
MAX_SPEED: Final = 0.042
"""Largest deviation of the playback speed from 1."""
FIRST_CHIP: Final = OVERSAMPLING * GUARD + OVERSAMPLING // 2
"""Envelope sample of a block's first chip."""
_LENGTH: Final = scipy.fft.next_fast_len(round(SIZE * (1 + MAX_SPEED)) + OVERSAMPLING * SLOTS)
_PIECES: Final = 8
_TONE_S: Final = 4.0
_TONE_SNR: Final = 40.0
_MAX_SPEEDS: Final = 6
_SPEED_TOLERANCE: Final = 4e-5


def band_spectrum(samples: Floats, rate: int) -> Complex:
    """Fourier coefficients around the carrier of one window, zero-padded to ``WINDOW_S``.

    Args:
        samples: Mono samples of full scale 1.
        rate: Sample rate, Hz.

    Returns:
        ``SIZE`` coefficients, 1 / ``WINDOW_S`` Hz apart, in FFT order: the carrier first.
    """
    size = round(rate * WINDOW_S)
    spectrum = scipy.fft.rfft(np.asarray(samples, np.float32), size)
    middle = round(CARRIER_HZ * WINDOW_S)
    out = np.zeros(SIZE, np.complex64)
    above = min(SIZE // 2, len(spectrum) - middle)
    out[:above] = spectrum[middle : middle + above]
    out[-(SIZE // 2) :] = spectrum[middle - SIZE // 2 : middle]
    return out / np.float32(size)


class SpeedHypothesis:
    """A hypothesis of the playback speed: ``ratio`` is 1.04 for a recording played 4 % faster."""

    def __init__(self, ratio: float) -> None:
        self.size = round(SIZE * ratio)
        self.ratio = self.size / SIZE
        self._centre = round(CARRIER_HZ * (ratio - 1) * WINDOW_S)
        reach = int((1 + ROLLOFF) / 2 * CHIP_HZ * self.ratio * WINDOW_S)
        self._offsets = np.arange(-reach, reach + 1)
        self._shape = root_raised_cosine(self._offsets / (CHIP_HZ * self.ratio * WINDOW_S)).astype(np.float32)

    def envelope(self, band: Complex) -> Complex:
        """The window's complex envelope after the matched filter, ``OVERSAMPLING`` samples per chip at this speed."""
        spectrum = np.zeros(self.size, np.complex64)
        spectrum[self._offsets] = band[(self._centre + self._offsets) % SIZE] * self._shape
        return np.asarray(scipy.fft.ifft(spectrum, norm="forward"))

    def band(self, chips: Complex, start: float) -> Complex:
        """The spectrum (as ``band_spectrum``) of a block of chips.

        Args:
            chips: The block's chips.
            start: Its begin, envelope samples into the window.
        """
        whole = int(np.floor(start))
        grid = np.zeros(self.size, np.complex64)
        positions = whole + FIRST_CHIP + OVERSAMPLING * np.arange(CHIPS)
        inside = (positions >= 0) & (positions < self.size)
        grid[positions[inside]] = chips[inside]
        spectrum = scipy.fft.fft(grid, norm="forward")[self._offsets % self.size] * self._shape
        out = np.zeros(SIZE, np.complex64)
        out[(self._centre + self._offsets) % SIZE] = spectrum * np.exp(
            -2j * np.pi * self._offsets * (start - whole) / self.size
        )
        return out


@lru_cache(1)
def _pilots() -> Complex:
    grid = np.zeros((_PIECES, _LENGTH), np.complex64)
    for piece, part in enumerate(np.array_split(np.arange(CHIPS), _PIECES)):
        grid[piece, FIRST_CHIP + OVERSAMPLING * part] = PILOT[part]
    return np.asarray(np.conj(scipy.fft.fft(grid)))


def pilot_correlation(envelope: Complex) -> Floats:
    """Normalised correlation with the pilot for a block that begins at each sample: 0.06 by chance, 0.7 without host.

    The pilot is correlated coherently in eight pieces and the magnitudes are added, so that a small speed error or a
    varying channel costs little.
    """
    count = len(envelope) - OVERSAMPLING * (SLOTS - GUARD) + 1
    spectrum = scipy.fft.fft(envelope, _LENGTH)
    total = np.zeros(count, np.float32)
    for pilot in _pilots():
        total += np.abs(scipy.fft.ifft(spectrum * pilot)[:count])
    energy = np.concatenate([[0.0], np.cumsum(np.abs(envelope) ** 2, dtype=np.float64)])
    power = (energy[-count:] - energy[:count]) / (len(energy) - count)
    # The floor keeps rounding errors of silence from being normalised to a high correlation.
    floor = max(1e-9 * float(power.max(initial=0)), 1e-30)
    return np.asarray(total / (CHIPS * np.sqrt(np.maximum(power, floor))), np.float32)


def peaks(values: Floats, threshold: float, limit: int) -> list[tuple[float, float]]:
    """The highest peaks as (position in samples, interpolated by a parabola; height); side lobes are skipped."""
    remaining = values.copy()
    out: list[tuple[float, float]] = []
    while len(out) < limit:
        at = int(remaining.argmax())
        height = float(remaining[at])
        if height < threshold:
            break
        shift = 0.0
        if 0 < at < len(values) - 1:
            a, b, c = (float(v) for v in values[at - 1 : at + 2])
            if a - 2 * b + c < 0:
                shift = 0.5 * (a - c) / (a - 2 * b + c)
        out.append((at + max(-0.5, min(0.5, shift)), height))
        near = remaining[max(0, at - 5 * OVERSAMPLING) : at + 5 * OVERSAMPLING + 1]
        near[near < 0.4 * height] = 0
        remaining[max(0, at - OVERSAMPLING) : at + OVERSAMPLING + 1] = 0
    return out


def speed_candidates(band: Complex) -> list[float]:
    """Speed ratios of the pilot tones detected in a window, most reliable first; 1.0 is always included."""
    time = scipy.fft.ifft(band, norm="forward")
    size = round(_TONE_S * RATE)
    parts = np.lib.stride_tricks.sliding_window_view(time, size)[:: size // 2]
    power = np.abs(scipy.fft.fft(parts * np.hanning(size).astype(np.float32), 2 * size)) ** 2
    frequency = scipy.fft.fftfreq(2 * size, 1 / RATE) + CARRIER_HZ
    ratio = frequency / TONE_HZ
    chosen = np.flatnonzero(np.abs(ratio - 1) < MAX_SPEED)
    chosen = chosen[np.argsort(frequency[chosen])]
    power, ratio = power[:, chosen], ratio[chosen]
    # The noise floor around a line is the median of 25 Hz: wide for a line, narrow for the slope of a low-pass.
    width = 200
    count = power.shape[1] // width
    floors = np.median(power[:, : count * width].reshape(len(power), count, width), axis=2)
    snr = power[:, : count * width] / np.maximum(np.repeat(floors, width, axis=1), 1e-30)
    found: list[tuple[float, float]] = []
    for row, line in zip(power, snr, strict=False):
        for _ in range(4):
            at = int(line.argmax())
            if line[at] < _TONE_SNR:
                break
            shift = 0.0
            if 0 < at < len(row) - 1:
                a, b, c = np.log(row[at - 1 : at + 2] + 1e-30)
                shift = 0.5 * (a - c) / (a - 2 * b + c - 1e-12)
            found.append((float(line[at]), float(ratio[at] + max(-0.5, min(0.5, shift)) * (ratio[1] - ratio[0]))))
            line[max(0, at - 32) : at + 33] = 0
    return _merge(found)


def _merge(found: list[tuple[float, float]]) -> list[float]:
    """Ratios detected at least twice within 0.8 Hz, by number of detections, then by SNR."""
    groups: list[list[tuple[float, float]]] = []
    for snr, value in sorted(found, reverse=True):
        near = next((group for group in groups if abs(group[0][1] - value) < _SPEED_TOLERANCE), None)
        if near is None:
            groups.append([(snr, value)])
        else:
            near.append((snr, value))
    groups.sort(key=lambda group: (-len(group), -group[0][0]))
    out = [group[0][1] for group in groups if len(group) > 1][:_MAX_SPEEDS]
    return out if any(abs(value - 1) < _SPEED_TOLERANCE for value in out) else [*out, 1.0]
