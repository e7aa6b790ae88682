"""Waveform of a recording: absolute peaks in equal parts, computed in constant memory."""

from __future__ import annotations

from typing import Final

import numpy as np
from av.audio.frame import AudioFrame

from studio.audio import SampleFormat

BUCKETS: Final = 1000
_PEAKS_PER_FRAME: Final = 5
_MAX_PEAKS: Final = 1 << 15
"""Peaks held: 20 ms each for eleven minutes; the part of each peak doubles when they are full."""


class Waveform:
    """Collects the peaks of frames in order."""

    def __init__(self, sound: SampleFormat) -> None:
        self._shift = 7 if sound.bits == 16 else 23
        self._width = -(-sound.frame // _PEAKS_PER_FRAME) * sound.channels
        self._peaks, self._pending, self._stride = bytearray(), bytearray(), 1

    def add(self, frame: AudioFrame) -> None:
        """Add a frame."""
        values = frame.to_ndarray().reshape(-1)
        for at in range(0, len(values), self._width):
            part = values[at : at + self._width]
            self._pending.append(min(255, max(int(part.max()), -int(part.min())) >> self._shift))
            if len(self._pending) == self._stride:
                self._peaks.append(max(self._pending))
                self._pending.clear()
        if len(self._peaks) >= _MAX_PEAKS:
            pairs = np.frombuffer(bytes(self._peaks[: len(self._peaks) // 2 * 2]), dtype=np.uint8).reshape(-1, 2)
            self._pending[:0] = self._peaks[len(pairs) * 2 :]
            self._peaks, self._stride = bytearray(pairs.max(axis=1).tobytes()), self._stride * 2

    def result(self, buckets: int = BUCKETS) -> bytes:
        """Peaks, 0 to 255, in at most ``buckets`` equal parts."""
        last = bytes([max(self._pending)]) if self._pending else b""
        peaks = np.frombuffer(bytes(self._peaks) + last, dtype=np.uint8)
        if len(peaks) <= buckets:
            return peaks.tobytes()
        edges = np.arange(buckets) * len(peaks) // buckets
        return np.maximum.reduceat(peaks, edges).tobytes()
