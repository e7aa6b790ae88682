"""Exploratory statistics of a table of songs: plots and a summary in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from features.data import songs_of
from features.plots import THEMES, draw
from features.song_table import read_tables
from features.statistics import Statistics, sentences, statistics

SUMMARY: Final = "summary.md"
_TITLES: Final = {
    "correlations": "Correlations",
    "histograms": "Distribution of each column",
    "families": "Columns by family of genres",
    "genres": "Genres",
}
_HEAD: Final = ("column", "songs", "missing", "mean", "deviation", "least", "median", "most", "skewness", "outliers")


def text(s: Statistics) -> str:
    """The summary as text for the terminal."""
    out = []
    for name, lines in sentences(s):
        out += [_TITLES[name], *(f"  {sentence}" for sentence in lines), ""]
    return "\n".join(out[:-1])


def _table(s: Statistics) -> Iterator[str]:
    yield f"| {' | '.join(_HEAD)} |"
    yield "|" + "---|" * len(_HEAD)
    for c in s.columns:
        numbers = (c.mean, c.deviation, c.low, c.median, c.high)
        cells = [
            c.name,
            str(len(c.values)),
            str(c.missing),
            *(f"{n:.1f}" for n in numbers),
            f"{c.skew:+.2f}",
            str(c.outliers),
        ]
        yield f"| {' | '.join(cells)} |"


def markdown(s: Statistics, themes: tuple[str, ...]) -> str:
    """The summary in Markdown with the plots; with two themes, the reader's colour scheme selects."""
    out = [f"# {s.songs} songs", ""]
    for name, lines in sentences(s):
        out += [f"## {_TITLES[name]}", "", *(f"- {sentence}" for sentence in lines), ""]
        if name == "histograms":
            out += [*_table(s), ""]
        image = f"![{_TITLES[name]}]({name}-{themes[0]}.png)"
        if len(themes) > 1:
            image = (
                f'<picture><source media="(prefers-color-scheme: dark)" srcset="{name}-dark.png">'
                f'<img alt="{_TITLES[name]}" src="{name}-light.png"></picture>'
            )
        out += [image, ""]
    return "\n".join(out)


def explore(data: Path, folder: Path, theme: str = "both") -> tuple[Statistics, list[Path]]:
    """Write plots and summary of a table.

    Args:
        data: A CSV file, or a folder with CSV files that have the column ``top genre``.
        folder: Output folder; created if missing.
        theme: ``light``, ``dark`` or ``both``.

    Returns:
        The statistics, and the files written.

    Raises:
        InputError: ``genre.table``: an invalid table.
        OSError: A file cannot be read or written.
    """
    songs = songs_of(read_tables(data))
    found = statistics(songs)
    themes = tuple(each for each in THEMES if theme in (each.name, "both"))
    folder.mkdir(parents=True, exist_ok=True)
    written = draw(songs, found, folder, themes)
    summary = folder / SUMMARY
    summary.write_text(markdown(found, tuple(each.name for each in themes)), encoding="utf-8", newline="\n")
    return found, [*written, summary]
