"""Plots of a table of songs (matplotlib), reproducible byte for byte, in a light and a dark theme."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from numpy.typing import NDArray

from features.data import NUMBERS, Songs
from features.statistics import Statistics

DPI: Final = 110
SHOWN: Final = 30
"""Most genres in the plot of genres; the others are one bar."""


@dataclass(frozen=True)
class Theme:
    """Colours of a picture: background, text, grid, filled shapes, a second shape, and the ends of the correlations."""

    name: str
    paper: str
    ink: str
    line: str
    fill: str
    mark: str
    negative: str
    positive: str


THEMES: Final = (
    Theme("light", "#fffcfa", "#2a1825", "#ddd0c9", "#7d2450", "#d58518", "#1f7a55", "#7d2450"),
    Theme("dark", "#171015", "#f7ede9", "#41333e", "#bf678b", "#f0ae4b", "#62c896", "#e78fae"),
)

Draw = Callable[[Songs, Statistics, Theme], Figure]


@contextmanager
def _style(theme: Theme) -> Iterator[None]:
    """Matplotlib's defaults, without the user's configuration, in the colours of the theme."""
    colours = dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), theme.ink)
    surfaces = dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), theme.paper)
    rest = {"axes.edgecolor": theme.line, "grid.color": theme.line, "font.size": 9, "axes.axisbelow": True}
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        # A dollar sign in a genre would start a formula.
        style: dict[Any, Any] = {**colours, **surfaces, **rest, "text.parse_math": False, "axes.titlesize": 10}
        matplotlib.rcParams.update(style)
        yield


def _label(text: str) -> str:
    """The text, shortened, with an escape for each character without a glyph in the font."""
    font = get_font(findfont(FontProperties()))
    short = text if len(text) <= 32 else text[:31] + "…"
    glyphs = (letter if letter.isprintable() and font.get_char_index(ord(letter)) else None for letter in short)
    return "".join(
        letter.encode("ascii", "backslashreplace").decode() if glyph is None else glyph
        for letter, glyph in zip(short, glyphs, strict=True)
    )


def _bare(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _grid(count: int, theme: Theme, title: str, height: float, below: float) -> tuple[Figure, list[Axes]]:
    """A figure with one axes per column, four in a row.

    Args:
        count: Number of axes.
        theme: Colours.
        title: Title of the figure.
        height: Height of a row, inches.
        below: Part of it below the axis, inches.
    """
    rows = -(-count // 4)
    whole = height * rows + 0.5
    figure = Figure(figsize=(12, whole))
    gap = (below + 0.3) / (height - below - 0.3)
    figure.subplots_adjust(0.05, below / whole, 0.99, 1 - 0.8 / whole, wspace=0.25, hspace=gap)
    figure.suptitle(title, fontsize=12, y=1 - 0.15 / whole, va="top")
    axes = [figure.add_subplot(rows, 4, n + 1) for n in range(count)]
    for axis in axes:
        _bare(axis)
        axis.grid(axis="y", color=theme.line, linewidth=0.6)
    return figure, axes


def _bins(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges of about 25 bins; each bin has the same number of integers, so that integer data shows no gaps."""
    low, high = values.min(), values.max()
    if np.all(values == np.round(values)) and high - low < 1e9:
        step = max(1.0, np.ceil((high - low + 1) / 25))
        return np.arange(low - 0.5, high + step, step)
    return np.linspace(low, high, 26) if high > low else np.array([low - 0.5, high + 0.5])


def correlations(songs: Songs, s: Statistics, theme: Theme) -> Figure:
    """A heat map of the correlation of every pair of columns, with its numbers."""
    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.add_subplot()
    colours = LinearSegmentedColormap.from_list("signed", [theme.negative, theme.paper, theme.positive])
    image = axes.imshow(np.ma.masked_invalid(s.correlations), cmap=colours, vmin=-1, vmax=1)
    for i, j in np.ndindex(*s.correlations.shape):
        value = s.correlations[i, j]
        text = f"{value:.2f}" if np.isfinite(value) else "–"
        # Numbers on strongly coloured cells have the background's colour.
        axes.text(
            j, i, text, ha="center", va="center", fontsize=8, color=theme.paper if abs(value) > 0.6 else theme.ink
        )
    for ticks in (axes.set_xticks, axes.set_yticks):
        ticks(range(len(NUMBERS)), NUMBERS)
    axes.set_title("Correlation of the columns (Pearson)", fontsize=12)
    figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def histograms(songs: Songs, s: Statistics, theme: Theme) -> Figure:
    """A histogram of each column, with its median."""
    figure, axes = _grid(len(s.columns), theme, "Distribution of each column; the line is the median", 2.2, 0.3)
    for axis, column in zip(axes, s.columns, strict=True):
        axis.set_title(f"{column.name}, skewness {column.skew:+.1f}" if len(column.values) else column.name)
        if len(column.values):
            axis.hist(column.values, bins=_bins(column.values).tolist(), color=theme.fill)
            axis.axvline(column.median, color=theme.mark, linewidth=1.6)
        axis.set_ylabel("songs")
    return figure


def families(songs: Songs, s: Statistics, theme: Theme) -> Figure:
    """A box plot of each column for each family: quartiles, whiskers of 1.5 interquartile ranges, outliers."""
    names = [name for name, _ in s.families]
    figure, axes = _grid(len(NUMBERS), theme, "Each column by family of genres", 3.1, 1.05)
    edge: dict[str, Any] = {"color": theme.ink, "linewidth": 0.8}
    for axis, name, raw in zip(axes, NUMBERS, songs.numbers.T, strict=True):
        axis.set_title(name)
        if not names:
            continue
        parts = [raw[(songs.family == family) & np.isfinite(raw)] for family in names]
        axis.boxplot(
            parts,
            widths=0.65,
            patch_artist=True,
            boxprops={"facecolor": theme.fill, "edgecolor": theme.ink, "linewidth": 0.8},
            medianprops={"color": theme.mark, "linewidth": 1.8},
            whiskerprops=edge,
            capprops=edge,
            flierprops={"marker": ".", "markersize": 4, "markerfacecolor": theme.ink, "markeredgecolor": theme.ink},
        )
        axis.set_xticks(range(1, len(names) + 1), names, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    return figure


def genres(songs: Songs, s: Statistics, theme: Theme) -> Figure:
    """The number of songs of each genre and of each family."""
    shown = [(_label(name), count) for name, count in s.genres[:SHOWN]]
    rest = s.genres[SHOWN:]
    if rest:
        shown.append((f"{len(rest)} other genres", sum(count for _, count in rest)))
    figure = Figure(figsize=(12, 7), layout="constrained")
    parts = (("Songs of each genre", shown), ("Songs of each family", list(s.families)))
    for axes, (title, bars) in zip(figure.subplots(1, 2), parts, strict=True):
        _bare(axes)
        axes.set_title(title)
        places = range(len(bars))
        drawn = axes.barh(places, [count for _, count in bars], color=theme.fill)
        axes.bar_label(drawn, padding=3, fontsize=8)
        axes.set_yticks(places, [name for name, _ in bars], fontsize=8)
        axes.invert_yaxis()
    return figure


PICTURES: Final[tuple[tuple[str, Draw], ...]] = (
    ("correlations", correlations),
    ("histograms", histograms),
    ("families", families),
    ("genres", genres),
)


def draw(songs: Songs, s: Statistics, folder: Path, themes: tuple[Theme, ...] = THEMES) -> list[Path]:
    """Write every plot as ``NAME-THEME.png``; returns the paths.

    Raises:
        OSError: A file cannot be written.
    """
    written = []
    for theme in themes:
        with _style(theme):
            for name, picture in PICTURES:
                figure = picture(songs, s, theme)
                FigureCanvasAgg(figure)
                path = folder / f"{name}-{theme.name}.png"
                figure.savefig(path, dpi=DPI, metadata={"Software": None})
                written.append(path)
    return written
