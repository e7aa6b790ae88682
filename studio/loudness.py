"""Loudness by EBU R 128 (ITU-R BS.1770, EBU Tech 3342): integrated, range, true peak. Uses FFmpeg's ``ebur128``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av
from av.audio.frame import AudioFrame
from av.filter import Graph

from studio.audio import SampleFormat

_GATE: Final = -70.0
"""Absolute gate of ITU-R BS.1770, LUFS: sound below it has no integrated loudness."""


@dataclass(frozen=True)
class Loudness:
    """``integrated`` in LUFS, ``range`` in LU, ``true_peak`` in dBTP; None for silence and below 0.4 s."""

    integrated: float | None
    range: float | None
    true_peak: float | None


class LoudnessMeter:
    """Measures frames in order, in constant memory."""

    def __init__(self, sound: SampleFormat) -> None:
        self._time_base = Fraction(1, sound.rate)
        graph: Any = Graph()
        source = graph.add_abuffer(
            sample_rate=sound.rate, format=sound.format, layout=sound.layout, time_base=self._time_base
        )
        meter = graph.add("ebur128", "metadata=1:framelog=quiet:peak=true")
        sink = graph.add("abuffersink")
        source.link_to(meter)
        meter.link_to(sink)
        graph.configure()
        self._graph, self._source, self._sink = graph, source, sink
        self._samples = 0
        self._metadata: dict[str, str] = {}

    def add(self, frame: AudioFrame) -> None:
        """Measure a frame; sets its time stamp."""
        frame.pts, frame.time_base = self._samples, self._time_base
        self._samples += frame.samples
        self._source.push(frame)
        self._drain()

    def result(self) -> Loudness:
        """The loudness of all frames; ends the measurement."""
        self._source.push(None)
        self._drain()
        integrated, loudness_range, peak = (self._number(name) for name in ("I", "LRA", "true_peak"))
        if integrated is None or integrated <= _GATE:
            integrated = loudness_range = None
        return Loudness(integrated, loudness_range, 20 * math.log10(peak) if peak else None)

    def _number(self, name: str) -> float | None:
        value = float(self._metadata.get(f"lavfi.r128.{name}", "nan"))
        return value if math.isfinite(value) else None

    def _drain(self) -> None:
        while True:
            try:
                self._metadata = dict(self._sink.pull().metadata) or self._metadata
            except (av.BlockingIOError, av.EOFError):
                return
