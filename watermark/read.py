"""Whose sound is this? Reads every mark of a recording, blind, in memory that does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pywallet.errors import InputError
from watermark.candidates import Candidates
from watermark.found import Found
from watermark.inband_scan import InbandScanner
from watermark.parameters import LAYERS
from watermark.scan import Scanner
from watermark.source import Source

Samples = NDArray[np.float32]


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


class Reader:
    """Takes mono blocks at ``rate`` (44,100 or 48,000 Hz), gives what they hold as soon as it is certain."""

    def __init__(self, rate: int, layers: Sequence[str] = LAYERS, candidates: Sequence[bytes] = ()) -> None:
        if strange := set(layers) - set(LAYERS):
            raise InputError("message.schema", field="layers", reason=min(strange))
        if any(len(address) != 20 for address in candidates):
            raise InputError("message.schema", field="candidates", reason="addresses of 20 bytes")
        self._above = Scanner(rate, Candidates(candidates) if candidates else None) if "ultrasonic" in layers else None
        self._inside = InbandScanner(rate, candidates) if "inband" in layers else None
        self._above_windows = Windows(self._above.size, self._above.hop) if self._above else None
        self._inside_windows = Windows(self._inside.size, self._inside.hop) if self._inside else None

    def process(self, block: Samples) -> Iterator[Found]:
        """What became certain with this block."""
        if self._above and self._above_windows:
            for start, samples in self._above_windows.push(block):
                yield from self._above.window(start, samples)
        if self._inside and self._inside_windows:
            for start, samples in self._inside_windows.push(block):
                yield from self._inside.window(start, samples)

    def finish(self) -> Iterator[Found]:
        """What the end makes certain."""
        if self._above and self._above_windows:
            for start, samples in self._above_windows.rest():
                yield from self._above.window(start, samples, last=True)
        if self._inside and self._inside_windows:
            for start, samples in self._inside_windows.rest():
                yield from self._inside.window(start, samples)
            yield from self._inside.finish()


def stream(source: Source, layers: Sequence[str] = LAYERS, candidates: Sequence[bytes] = ()) -> Iterator[Found]:
    """Every block of an open source, as it is read; a rate that cannot carry the ultrasonic layer is not searched for it."""
    reader = Reader(source.working, [layer for layer in layers if layer != "ultrasonic" or source.ultrasonic], candidates)
    for block in source.blocks():
        yield from reader.process(block)
    yield from reader.finish()


def read(file: Path | str | BinaryIO, candidates: Sequence[bytes] = (), layers: Sequence[str] = LAYERS) -> list[Found]:
    """Every mark of an audio file, by position. Raises InputError ``media.decode``, ``media.unsupported``, ``message.schema``."""
    with Source(file) as source:
        return sorted(stream(source, layers, candidates), key=lambda found: found.position_s)


__all__ = ["Found", "Reader", "read", "stream"]
