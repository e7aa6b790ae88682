"""Plots as inline SVG: bars, lines, and a waveform with the passages that were heard most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 640
WIDE: Final = 1300
"""Width of a plot that fills the page."""
HEIGHT: Final = 220
LEFT: Final = 44
BOTTOM: Final = 192
TOP: Final = 12
HEAT: Final = 5
"""Steps of the scale from heard less to heard more."""
WAVE_BARS: Final = 220
WAVE_HEIGHT: Final = 96


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid: its height in the plot, and its value in words."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, or a part of a stacked one.

    Attributes:
        x: Left edge.
        y: Upper edge.
        width: Width.
        height: Height.
        series: Number of its series, from 0.
        text: Its value in words, for a tooltip.
    """

    x: float
    y: float
    width: float
    height: float
    series: int
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Parts of a plot, for a template.

    Attributes:
        ticks: Lines of the grid.
        labels: Place and text of the labels of the horizontal axis.
        bars: Bars, empty for lines.
        lines: For each series the points of its line.
        width: Width of the drawing.
    """

    ticks: tuple[Tick, ...]
    labels: tuple[tuple[float, str], ...]
    bars: tuple[Bar, ...] = ()
    lines: tuple[str, ...] = ()
    width: int = WIDTH


def top_of(most: float) -> float:
    """The end of an axis for values up to ``most``: 1, 2, 2.5 or 5 times a power of ten, four steps of it."""
    if most <= 0:
        return 4.0
    size = 1.0
    while size * 4 < most:
        size *= 10
    while size * 4 / 10 >= most:
        size /= 10
    for factor in (0.1, 0.2, 0.25, 0.5, 1.0):
        if size * factor * 4 >= most:
            return size * factor * 4
    return size * 4


def stacked_bars(series: Sequence[Sequence[float]], names: Sequence[str], words: Sequence[str]) -> Plot:
    """Bars of several series, one on the other.

    Args:
        series: For each series its values, all of one length.
        names: A label for each bar; an empty one is not drawn.
        words: A tooltip for each bar.
    """
    count = len(names)
    totals = [sum(values[at] for values in series) for at in range(count)]
    top = top_of(max(totals, default=0))
    step = (WIDTH - LEFT) / max(1, count)
    bars = []
    for at in range(count):
        bottom = 0.0
        for number, values in enumerate(series):
            height = values[at] / top * (BOTTOM - TOP)
            if height > 0:
                x, y = LEFT + step * at + step * 0.1, BOTTOM - bottom - height
                bars.append(Bar(round(x, 1), round(y, 1), round(step * 0.8, 1), round(height, 1), number, words[at]))
            bottom += height
    return Plot(_ticks(top), _labels(names, step), bars=tuple(bars))


def lines(series: Sequence[Sequence[float]], names: Sequence[str]) -> Plot:
    """Lines of several series over the same steps, as wide as the page.

    Args:
        series: For each series its values, all of one length.
        names: A label for each step; an empty one is not drawn.
    """
    count = len(names)
    top = top_of(max((value for values in series for value in values), default=0))
    step = (WIDE - LEFT) / max(1, count)
    drawn = tuple(
        " ".join(
            f"{LEFT + step * (at + 0.5):.1f},{BOTTOM - value / top * (BOTTOM - TOP):.1f}"
            for at, value in enumerate(values)
        )
        for values in series
    )
    return Plot(_ticks(top), _labels(names, step), lines=drawn, width=WIDE)


def passage_bars(waveform: bytes, listeners: dict[int, int], duration_ms: int, segment_s: int) -> tuple[Bar, ...]:
    """A waveform whose bars have one of ``HEAT`` colours by how many listeners heard their passage.

    Args:
        waveform: One byte per bucket, peak 0 to 255; empty: bars of one height.
        listeners: By stretch of ``segment_s``, the listeners that heard it; a missing one had too few.
        duration_ms: Length of the song, ms.
        segment_s: Length of a stretch, s.
    """
    most, bars = max(listeners.values(), default=0), []
    for at in range(WAVE_BARS):
        segment = at * duration_ms // WAVE_BARS // (segment_s * 1000)
        heard = listeners.get(segment, 0)
        heat = 0 if most == 0 else min(HEAT - 1, heard * HEAT // (most + 1))
        height = max(3.0, _peak(waveform, at) / 255 * WAVE_HEIGHT)
        bars.append(Bar(1 + 5 * at, round((WAVE_HEIGHT - height) / 2, 1), 3, round(height, 1), heat, ""))
    return tuple(bars)


def _peak(waveform: bytes, at: int) -> int:
    if not waveform:
        return 96
    start = at * len(waveform) // WAVE_BARS
    return max(waveform[start : max(start + 1, (at + 1) * len(waveform) // WAVE_BARS)])


def _ticks(top: float) -> tuple[Tick, ...]:
    values = [top * part / 4 for part in range(5)]
    return tuple(Tick(round(BOTTOM - value / top * (BOTTOM - TOP), 1), f"{value:,.10g}") for value in values)


def _labels(names: Sequence[str], step: float) -> tuple[tuple[float, str], ...]:
    return tuple((round(LEFT + step * (at + 0.5), 1), name) for at, name in enumerate(names) if name)
