"""Watermarking of decoded frames; number and position of the samples do not change."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np
from av.audio.frame import AudioFrame

from pywallet.errors import InputError
from studio.audio import SampleFormat

LAYERS: Final = ("ultrasonic", "inband")
_BLOCK_S: Final = 2

Samples = np.ndarray[Any, np.dtype[np.float32]]


def available() -> bool:
    """True if the watermark package is installed."""
    try:
        importlib.import_module("watermark.embed")
    except ImportError:
        return False
    return True


def choose_layers(layers: Sequence[str] | None) -> tuple[str, ...]:
    """The layers to embed, in order; None: ultrasonic where the watermark package is installed.

    Raises:
        InputError: ``message.schema``.
    """
    if layers is None:
        return LAYERS[:1] if available() else ()
    if unknown := set(layers) - set(LAYERS):
        raise InputError("message.schema", field="watermark", reason=f"{min(unknown)} is none of {', '.join(LAYERS)}")
    if layers and not available():
        raise InputError(
            "message.schema",
            field="watermark",
            reason="the watermark package is not installed; --no-watermark goes without",
        )
    return tuple(layer for layer in LAYERS if layer in layers)


class Watermarker:
    """Embeds a content's address into one recording.

    Args:
        content: The content's address, 20 bytes.
        sound: Sample format of the frames.
        layers: Watermark layers.
        every: Mark one block of 2 s in so many.

    Attributes:
        header: The header's ``watermark``.
    """

    def __init__(self, content: bytes, sound: SampleFormat, layers: tuple[str, ...], every: int = 1) -> None:
        embed, parameters = importlib.import_module("watermark.embed"), importlib.import_module("watermark.parameters")
        self._sound = sound
        self._embedder = embed.Embedder(
            content, sound.rate, sound.channels, layers=layers, every=every, depth=sound.bits
        )
        self.header: Mapping[str, Any] = parameters.WatermarkParameters(sound.rate, layers=layers, every=every).to_map()

    def frames(self, frames: Iterable[AudioFrame]) -> Iterator[AudioFrame]:
        """The frames with the watermark, each but the last of ``sound.frame`` samples."""
        pending: list[np.ndarray[Any, Any]] = []
        rest = np.empty((0, self._sound.channels), self._dtype)
        for frame in frames:
            pending.append(frame.to_ndarray().reshape(-1, self._sound.channels))
            if len(pending) * self._sound.frame >= _BLOCK_S * self._sound.rate:
                rest = yield from self._cut(rest, self._embedder.process(self._floats(pending)))
                pending = []
        if pending:
            rest = yield from self._cut(rest, self._embedder.process(self._floats(pending)))
        rest = yield from self._cut(rest, self._embedder.finish())
        if len(rest):
            yield self._frame(rest)

    @property
    def _dtype(self) -> type[np.signedinteger[Any]]:
        return np.int16 if self._sound.bits == 16 else np.int32

    def _floats(self, pending: list[np.ndarray[Any, Any]]) -> Samples:
        scale = 2.0**15 if self._sound.bits == 16 else 2.0**31
        return (np.concatenate(pending) / scale).astype(np.float32 if self._sound.bits == 16 else np.float64)

    def _cut(self, rest: np.ndarray[Any, Any], marked: Samples) -> Any:
        """Yield whole frames of the marked samples; returns the remaining ones."""
        whole = np.rint(np.asarray(marked, np.float64) * 2.0 ** (self._sound.bits - 1))
        top = 2 ** (self._sound.bits - 1) - 1
        values = np.clip(whole, -top - 1, top).astype(self._dtype)
        if self._sound.bits == 24:
            values <<= 8
        joined, at, width = np.concatenate([rest, values]), 0, self._sound.frame
        while at + width <= len(joined):
            yield self._frame(joined[at : at + width])
            at += width
        return joined[at:]

    def _frame(self, values: np.ndarray[Any, Any]) -> AudioFrame:
        flat = np.ascontiguousarray(values).reshape(1, -1)
        frame = AudioFrame.from_ndarray(flat, format=self._sound.format, layout=self._sound.layout)
        frame.sample_rate, frame.time_base = self._sound.rate, Fraction(1, self._sound.rate)
        return frame
