"""Whose sound is this? Reads every mark of a recording, blind, in memory that does not grow with its length."""

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
from watermark.scan import Scanner
from watermark.source import SampleSource

Samples = NDArray[np.float32]

_NEAR_S: Final = 0.05
_REMEMBERED_S: Final = 100.0


class Windows:
    """Overlapping windows cut from a stream of blocks: ``size`` samples every ``hop``."""

    def __init__(self, size: int, hop: int) -> None:
        self._size, self._hop = size, hop
        self._held: list[Samples] = []
        self._have = self._start = 0

    def push(self, block: Samples) -> Iterator[tuple[int, Samples]]:
        """The windows that are now whole: first sample and samples."""
        self._held.append(block)
        self._have += len(block)
        while self._have >= self._size:
            joined = np.concatenate(self._held)
            yield self._start, joined[: self._size]
            self._held, self._have = [joined[self._hop :]], self._have - self._hop
            self._start += self._hop

    def rest(self) -> Iterator[tuple[int, Samples]]:
        """The last, shorter one, if there is anything that no window held."""
        if self._have and (self._start == 0 or self._have > self._size - self._hop):
            yield self._start, np.concatenate(self._held)


class WatermarkReader:
    """Takes blocks at ``rate`` (44,100 or 48,000 Hz), gives what they hold as soon as it is certain.

    A block is (samples) or (samples, views), see ``watermark.source.views``. Views after the first are read where the
    first one does not give everything away.
    """

    def __init__(
        self, rate: int, layers: Sequence[str] = LAYERS, candidates: Sequence[bytes] = (), views: int = 1
    ) -> None:
        if strange := set(layers) - set(LAYERS):
            raise InputError("message.schema", field="layers", reason=min(strange))
        if any(len(address) != 20 for address in candidates):
            raise InputError("message.schema", field="candidates", reason="addresses of 20 bytes")
        many = range(views)
        self._rate = rate
        self._above = (
            [Scanner(rate, AddressCandidates(candidates) if candidates else None) for _ in many]
            if "ultrasonic" in layers
            else []
        )
        # The in-band layer is in magnitudes: a difference of channels shows nothing that the channels don't.
        self._inside = (
            [InbandScanner(rate, candidates) for _ in many[: max(1, views - 1)]] if "inband" in layers else []
        )
        self._above_windows = Windows(self._above[0].size, self._above[0].hop) if self._above else None
        self._inside_windows = Windows(self._inside[0].size, self._inside[0].hop) if self._inside else None
        self._recent: list[Detection] = []

    def process(self, block: Samples) -> Iterator[Detection]:
        """What became certain with this block."""
        if self._above_windows:
            for start, samples in self._above_windows.push(block):
                yield from self._ultrasonic(start, samples)
        if self._inside_windows:
            for start, samples in self._inside_windows.push(block):
                yield from self._inband(start, samples)

    def finish(self) -> Iterator[Detection]:
        """What the end makes certain."""
        if self._above_windows:
            for start, samples in self._above_windows.rest():
                yield from self._ultrasonic(start, samples, last=True)
        if self._inside_windows:
            for start, samples in self._inside_windows.rest():
                yield from self._inband(start, samples)
            for scanner in self._inside:
                yield from self._new(scanner.finish())

    def _ultrasonic(self, start: int, samples: Samples, last: bool = False) -> Iterator[Detection]:
        columns = samples.reshape(len(samples), -1).T
        found = list(self._new(self._above[0].window(start, columns[0], last)))
        yield from found
        if len({f.block for f in found}) < len(samples) // (BLOCK_S * self._rate) - 1:
            for scanner, column in zip(self._above[1:], columns[1:], strict=False):
                yield from self._new(scanner.window(start, column, last))

    def _inband(self, start: int, samples: Samples) -> Iterator[Detection]:
        first, *others = self._inside
        columns = samples.reshape(len(samples), -1).T
        yield from self._new(first.window(start, columns[0]))
        for scanner, column in zip(others, columns[1:], strict=False):
            if first.covers(start) or not column.any():
                scanner.forget()
            else:
                yield from self._new(scanner.window(start, column))

    def _new(self, found: Iterable[Detection]) -> Iterator[Detection]:
        """What no other view has given."""
        for one in found:
            self._recent = [f for f in self._recent if one.position_s - f.position_s < _REMEMBERED_S]
            if not any(_same(one, f) for f in self._recent):
                self._recent.append(one)
                yield one


def _same(one: Detection, other: Detection) -> bool:
    near = _NEAR_S if one.block is not None else READ_S / 2
    same = (one.address, one.layer, one.block) == (other.address, other.layer, other.block)
    return same and abs(one.position_s - other.position_s) < near


def stream(
    source: SampleSource, layers: Sequence[str] = LAYERS, candidates: Sequence[bytes] = ()
) -> Iterator[Detection]:
    """Every block of an open source, as it is read.

    A rate that cannot carry the ultrasonic layer is not searched for it.
    """
    possible = [layer for layer in layers if layer != "ultrasonic" or source.ultrasonic]
    reader = WatermarkReader(source.working, possible, candidates, source.views)
    for block in source.blocks():
        yield from reader.process(block)
    yield from reader.finish()


def read(
    file: Path | str | BinaryIO, candidates: Sequence[bytes] = (), layers: Sequence[str] = LAYERS
) -> list[Detection]:
    """Every mark of an audio file, by position.

    Raises InputError ``media.decode``, ``media.unsupported``, ``message.schema``.
    """
    with SampleSource(file) as source:
        return sorted(stream(source, layers, candidates), key=lambda found: found.position_s)


__all__ = ["Detection", "WatermarkReader", "read", "stream"]
