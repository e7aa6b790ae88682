"""Blind reader of both layers: every watermark of a recording, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from pywallet.errors import InputError
from watermark.candidates import AddressCandidates
from watermark.detection import Detection
from watermark.inband_scan import InbandScanner
from watermark.parameters import BLOCK_S, LAYERS, READ_S
from watermark.scan import UltrasonicScanner
from watermark.source import SampleSource

Samples = NDArray[np.float32]

_NEAR_S: Final = 0.05
_KEPT_S: Final = 100.0


class SlidingWindows:
    """Overlapping windows cut from a stream of blocks: ``size`` samples every ``hop``."""

    def __init__(self, size: int, hop: int) -> None:
        self._size, self._hop = size, hop
        self._held: list[Samples] = []
        self._have = self._start = 0

    def push(self, block: Samples) -> Iterator[tuple[int, Samples]]:
        """Append samples; yields (first sample, samples) of each window that is now complete."""
        self._held.append(block)
        self._have += len(block)
        while self._have >= self._size:
            joined = np.concatenate(self._held)
            yield self._start, joined[: self._size]
            self._held, self._have = [joined[self._hop :]], self._have - self._hop
            self._start += self._hop

    def rest(self) -> Iterator[tuple[int, Samples]]:
        """The last, shorter window, if it has samples that no window had."""
        if self._have and (self._start == 0 or self._have > self._size - self._hop):
            yield self._start, np.concatenate(self._held)


class WatermarkReader:
    """Streaming reader.

    Args:
        rate: Sample rate of the blocks, 44,100 or 48,000 Hz.
        layers: Layers to detect.
        candidates: Listed addresses of 20 bytes, detected also by correlation.
        views: Columns of a block (``watermark.source.channel_views``). Views after the first are read only where blocks
            are missing in the first.

    Raises:
        InputError: ``message.schema``.
    """

    def __init__(
        self, rate: int, layers: Sequence[str] = LAYERS, candidates: Sequence[bytes] = (), views: int = 1
    ) -> None:
        if unknown := set(layers) - set(LAYERS):
            raise InputError("message.schema", field="layers", reason=min(unknown))
        if any(len(address) != 20 for address in candidates):
            raise InputError("message.schema", field="candidates", reason="addresses of 20 bytes")
        columns = range(views)
        self._rate = rate
        self._above = (
            [UltrasonicScanner(rate, AddressCandidates(candidates) if candidates else None) for _ in columns]
            if "ultrasonic" in layers
            else []
        )
        # The in-band layer is in magnitudes: the difference of channels adds nothing to the channels.
        self._inside = (
            [InbandScanner(rate, candidates) for _ in columns[: max(1, views - 1)]] if "inband" in layers else []
        )
        self._above_windows = SlidingWindows(self._above[0].size, self._above[0].hop) if self._above else None
        self._inside_windows = SlidingWindows(self._inside[0].size, self._inside[0].hop) if self._inside else None
        self._recent: list[Detection] = []

    def process(self, block: Samples) -> Iterator[Detection]:
        """Detections that a further block completes.

        Args:
            block: Samples of full scale 1, shape (samples,) or (samples, views).
        """
        if self._above_windows:
            for start, samples in self._above_windows.push(block):
                yield from self._ultrasonic(start, samples)
        if self._inside_windows:
            for start, samples in self._inside_windows.push(block):
                yield from self._inband(start, samples)

    def finish(self) -> Iterator[Detection]:
        """Detections at the end of the recording."""
        if self._above_windows:
            for start, samples in self._above_windows.rest():
                yield from self._ultrasonic(start, samples, last=True)
        if self._inside_windows:
            for start, samples in self._inside_windows.rest():
                yield from self._inband(start, samples)
            for scanner in self._inside:
                yield from self._unreported(scanner.finish())

    def _ultrasonic(self, start: int, samples: Samples, last: bool = False) -> Iterator[Detection]:
        columns = samples.reshape(len(samples), -1).T
        found = list(self._unreported(self._above[0].window(start, columns[0], last)))
        yield from found
        if len({f.block for f in found}) < len(samples) // (BLOCK_S * self._rate) - 1:
            for scanner, column in zip(self._above[1:], columns[1:], strict=False):
                yield from self._unreported(scanner.window(start, column, last))

    def _inband(self, start: int, samples: Samples) -> Iterator[Detection]:
        first, *others = self._inside
        columns = samples.reshape(len(samples), -1).T
        yield from self._unreported(first.window(start, columns[0]))
        for scanner, column in zip(others, columns[1:], strict=False):
            if first.covers(start) or not column.any():
                scanner.reset()
            else:
                yield from self._unreported(scanner.window(start, column))

    def _unreported(self, found: Iterable[Detection]) -> Iterator[Detection]:
        """Detections that no other view has yielded."""
        for detection in found:
            self._recent = [f for f in self._recent if detection.position_s - f.position_s < _KEPT_S]
            if not any(_is_same(detection, f) for f in self._recent):
                self._recent.append(detection)
                yield detection


def _is_same(first: Detection, second: Detection) -> bool:
    tolerance_s = _NEAR_S if first.block is not None else READ_S / 2
    same = (first.address, first.layer, first.block) == (second.address, second.layer, second.block)
    return same and abs(first.position_s - second.position_s) < tolerance_s


def stream(
    source: SampleSource, layers: Sequence[str] = LAYERS, candidates: Sequence[bytes] = ()
) -> Iterator[Detection]:
    """Yield the detections of an open source; the ultrasonic layer only where the file's rate can carry it.

    Args:
        source: The open file.
        layers: Layers to detect.
        candidates: Listed addresses.
    """
    possible = [layer for layer in layers if layer != "ultrasonic" or source.ultrasonic]
    reader = WatermarkReader(source.working_rate, possible, candidates, source.view_count)
    for block in source.blocks():
        yield from reader.process(block)
    yield from reader.finish()


def read(
    file: Path | str | BinaryIO, candidates: Sequence[bytes] = (), layers: Sequence[str] = LAYERS
) -> list[Detection]:
    """Detect the watermarks of an audio file.

    Args:
        file: Path, or a binary stream.
        candidates: Listed addresses of 20 bytes.
        layers: Layers to detect.

    Returns:
        The detections, by position.

    Raises:
        InputError: ``media.decode``, ``media.unsupported``, ``message.schema``.
    """
    with SampleSource(file) as source:
        return sorted(stream(source, layers, candidates), key=lambda found: found.position_s)


__all__ = ["Detection", "WatermarkReader", "read", "stream"]
