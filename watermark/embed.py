"""Marking a recording as it streams by: as many samples out as in, each in its place, memory flat in length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pywallet.errors import InputError
from watermark import ultrasonic
from watermark.inband import Inband
from watermark.lowpass import Lowpass
from watermark.parameters import BLOCK_S, LAYERS, LEVEL_DB, Marks

Floats = NDArray[np.floating[Any]]

_COUNTERS = 4096


class Embedder:
    """Marks one recording with a content's address.

    ``rate`` in Hz; ``every``: a block in every n-th segment of two seconds, block k in segment k; ``clean`` takes the
    host's own sound above 20 kHz away first; ``depth`` 16 computes in single precision, 24 in double; ``level`` of the
    ultrasonic layer in dBFS. Raises InputError ``media.unsupported``, ``message.schema``.
    """

    def __init__(
        self,
        address: bytes,
        rate: int,
        channels: int,
        layers: Sequence[str] = LAYERS,
        clean: bool = True,
        every: int = 1,
        depth: int = 16,
        level: int = LEVEL_DB,
    ) -> None:
        if len(address) != 20:
            raise InputError("message.schema", field="address", reason="20 bytes")
        if not 1 <= channels <= 64 or depth not in (16, 24):
            raise InputError("message.schema", field="channels" if depth in (16, 24) else "depth")
        self.marks = Marks(rate, tuple(layers), every, level)
        self._address, self._channels = address, channels
        self._dtype = "float32" if depth == 16 else "float64"
        ultra = "ultrasonic" in layers
        self._inband = Inband(address, rate, channels, self._dtype) if "inband" in layers else None
        self._lowpass = Lowpass(rate, channels, self._dtype) if ultra and clean else None
        self._ultrasonic = ultra
        self._size = BLOCK_S * rate
        self._at = 0
        self._wave: tuple[int, Floats] | None = None

    def process(self, block: Floats) -> Floats:
        """Marked frames, shape (frames, channels), for frames of full scale 1; they may lag.

        Raises InputError ``media.decode``.
        """
        given = np.asarray(block)
        if given.ndim != 2 or given.shape[1] != self._channels:
            raise InputError("message.schema", field="block", reason=f"frames of {self._channels} channels")
        samples = np.ascontiguousarray(given.T, self._dtype)
        if not np.isfinite(samples).all():
            raise InputError("media.decode", reason="samples that are not numbers")
        if self._inband:
            samples = self._inband.process(samples)
        if self._lowpass:
            samples = self._lowpass.process(samples)
        return self._add(samples)

    def finish(self) -> Floats:
        """The frames that are left."""
        rest = self._inband.finish() if self._inband else np.zeros((self._channels, 0), self._dtype)
        if self._lowpass:
            rest = np.concatenate([self._lowpass.process(rest), self._lowpass.finish()], axis=1)
        return self._add(rest)

    def _add(self, samples: Floats) -> Floats:
        out = samples.T.copy()
        if not self._ultrasonic:
            return out
        done = 0
        while done < len(out):
            segment, inside = divmod(self._at, self._size)
            part = self._segment(segment)[inside : inside + len(out) - done]
            out[done : done + len(part)] += part[:, None]
            done += len(part)
            self._at += len(part)
        return out

    def _segment(self, segment: int) -> Floats:
        """The mark of one segment, kept until the next is asked for."""
        if self._wave is None or self._wave[0] != segment:
            block = segment % _COUNTERS if segment % self.marks.every == 0 else None
            self._wave = segment, ultrasonic.wave(self._address, block, self.marks.rate, self.marks.level, self._dtype)
        return self._wave[1]
