"""Streaming embedder of both watermark layers; number and position of the samples do not change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pywallet.errors import InputError
from watermark import ultrasonic
from watermark.inband import InbandEmbedder
from watermark.lowpass import Lowpass
from watermark.parameters import BLOCK_S, LAYERS, LEVEL_DB, WatermarkParameters

Floats = NDArray[np.floating[Any]]

_COUNTERS = 4096


class Embedder:
    """Embeds a content's address into one recording, in constant memory.

    Args:
        address: The content's address, 20 bytes.
        rate: Sample rate, Hz.
        channels: Number of channels.
        layers: Watermark layers.
        clean: Remove the recording's own sound above 20 kHz first.
        every: Embed block k in segment k (2 s each) of every n-th segment; the others have the pilot tone only.
        depth: 16: single precision; 24: double precision.
        level: Level of the ultrasonic layer, dBFS (rms).

    Raises:
        InputError: ``media.unsupported``: the rate cannot carry a layer; ``message.schema``.
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
        self.marks = WatermarkParameters(rate, tuple(layers), every, level)
        self._address, self._channels = address, channels
        self._dtype = "float32" if depth == 16 else "float64"
        ultra = "ultrasonic" in layers
        self._inband = InbandEmbedder(address, rate, channels, self._dtype) if "inband" in layers else None
        self._lowpass = Lowpass(rate, channels, self._dtype) if ultra and clean else None
        self._ultrasonic = ultra
        self._size = BLOCK_S * rate
        self._at = 0
        self._wave: tuple[int, Floats] | None = None

    def process(self, block: Floats) -> Floats:
        """Embed into the next samples.

        Args:
            block: Samples of full scale 1, shape (samples, channels).

        Returns:
            Marked samples of the same shape except for a delay; ``finish`` returns the rest.

        Raises:
            InputError: ``media.decode``: not finite; ``message.schema``: another shape.
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
        """The remaining samples."""
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
        """The ultrasonic signal of one segment; the latest one is cached."""
        if self._wave is None or self._wave[0] != segment:
            block = segment % _COUNTERS if segment % self.marks.every == 0 else None
            self._wave = (
                segment,
                ultrasonic.block_waveform(self._address, block, self.marks.rate, self.marks.level, self._dtype),
            )
        return self._wave[1]
