"""Descriptive statistics of a table of songs, and their summary in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.data import NUMBERS, Songs

STRONG: Final = 0.5
"""Smallest absolute correlation that the summary lists."""
SKEWED: Final = 1.0
"""Skewness beyond which a distribution is called skewed."""
WHISKER: Final = 1.5
"""Outliers lie this many interquartile ranges outside the quartiles (Tukey 1977)."""
FEW: Final = 3
"""Genres with fewer songs are counted as rare."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ColumnStatistics:
    """Statistics of one number column.

    Attributes:
        name: The column.
        values: Its present values.
        missing: Number of missing values.
        mean: Mean.
        deviation: Standard deviation.
        low: Minimum.
        median: Median.
        high: Maximum.
        skew: Fisher-Pearson skewness.
        outliers: Values outside the whiskers.
        spread: Correlation ratio: share of the variance that lies between families.
    """

    name: str
    values: Array
    missing: int
    mean: float
    deviation: float
    low: float
    median: float
    high: float
    skew: float
    outliers: int
    spread: float


@dataclass(frozen=True)
class Statistics:
    """Statistics of a table.

    Attributes:
        songs: Number of songs.
        artists: Number of artists.
        unlabelled: Songs without a genre.
        duplicates: Songs whose artist and title occur before.
        several: Artists with more than one song with a genre.
        unanimous: Those of them with one genre.
        genres: Genres by number of songs.
        families: Families by number of songs.
        columns: Number columns in the order of ``NUMBERS``.
        correlations: Pearson correlations, shape (11, 11); NaN where undefined.
    """

    songs: int
    artists: int
    unlabelled: int
    duplicates: int
    several: int
    unanimous: int
    genres: tuple[tuple[str, int], ...]
    families: tuple[tuple[str, int], ...]
    columns: tuple[ColumnStatistics, ...]
    correlations: Array

    def pairs(self) -> list[tuple[float, str, str]]:
        """Correlation of every pair of columns, strongest first."""
        names = [column.name for column in self.columns]
        found = [
            (float(self.correlations[i, j]), names[i], names[j])
            for i in range(len(names))
            for j in range(i)
            if np.isfinite(self.correlations[i, j])
        ]
        return sorted(found, key=lambda pair: (-abs(pair[0]), pair[1:]))


def _skew(values: Array) -> float:
    """Fisher-Pearson skewness; 0 for a constant."""
    deviation = values.std()
    return float((((values - values.mean()) / deviation) ** 3).mean()) if deviation > 1e-9 else 0.0


def _spread(values: Array, families: NDArray[np.str_]) -> float:
    """Correlation ratio: share of a column's variance that lies between the families' means; 0 for a constant."""
    total = ((values - values.mean()) ** 2).sum()
    if total < 1e-9:
        return 0.0
    parts = [values[families == name] for name in np.unique(families)]
    return float(sum(len(part) * (part.mean() - values.mean()) ** 2 for part in parts) / total)


def _column(name: str, raw: Array, families: NDArray[np.str_]) -> ColumnStatistics:
    present = np.isfinite(raw)
    values, labelled = raw[present], present & (families != "")
    if not len(values):
        none = float("nan")
        return ColumnStatistics(name, values, len(raw), none, none, none, none, none, none, 0, 0.0)
    first, third = np.quantile(values, [0.25, 0.75])
    reach = WHISKER * (third - first)
    return ColumnStatistics(
        name=name,
        values=values,
        missing=int((~present).sum()),
        mean=float(values.mean()),
        deviation=float(values.std()),
        low=float(values.min()),
        median=float(np.median(values)),
        high=float(values.max()),
        skew=_skew(values),
        outliers=int(((values < first - reach) | (values > third + reach)).sum()),
        spread=_spread(raw[labelled], families[labelled]) if labelled.any() else 0.0,
    )


def _correlations(numbers: Array) -> Array:
    """Pearson correlation of each pair of columns over the songs that have both; NaN for a constant column."""
    count = numbers.shape[1]
    out = np.full((count, count), np.nan)
    for i in range(count):
        for j in range(i + 1):
            both = np.isfinite(numbers[:, i]) & np.isfinite(numbers[:, j])
            a, b = numbers[both, i], numbers[both, j]
            if len(a) > 1 and a.std() > 1e-9 and b.std() > 1e-9:
                out[i, j] = out[j, i] = ((a - a.mean()) * (b - b.mean())).mean() / (a.std() * b.std())
    return out


def _counted(names: NDArray[np.str_]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(names[names != ""].tolist()).items(), key=lambda item: (-item[1], item[0])))


def statistics(songs: Songs) -> Statistics:
    """Compute the statistics of songs with and without a genre."""
    titles = Counter(zip(songs.artist.tolist(), (title.casefold() for title in songs.title.tolist()), strict=True))
    by_artist: dict[str, set[str]] = {}
    counts = Counter(artist for artist, genre in zip(songs.artist.tolist(), songs.genre.tolist(), strict=True) if genre)
    for artist, genre in zip(songs.artist.tolist(), songs.genre.tolist(), strict=True):
        if genre and counts[artist] > 1:
            by_artist.setdefault(artist, set()).add(genre)
    numbers = songs.numbers
    return Statistics(
        songs=len(songs),
        artists=len(set(songs.artist.tolist())),
        unlabelled=int((songs.genre == "").sum()),
        duplicates=sum(count - 1 for count in titles.values()),
        several=len(by_artist),
        unanimous=sum(len(genres) == 1 for genres in by_artist.values()),
        genres=_counted(songs.genre),
        families=_counted(songs.family),
        columns=tuple(_column(name, numbers[:, n], songs.family) for n, name in enumerate(NUMBERS)),
        correlations=_correlations(numbers),
    )


def _listed(items: list[str], none: str) -> str:
    return ", ".join(items) if items else none


def sentences(s: Statistics) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each plot and sentences about it."""
    strong = [f"{a} and {b} {r:+.2f}" for r, a, b in s.pairs() if abs(r) >= STRONG]
    lines = [f"Correlated by {STRONG} or more: {_listed(strong, 'no pair')}."]
    if s.pairs():
        r, a, b = s.pairs()[0]
        lines.append(f"The strongest is {r:+.2f}: {a} explains {r * r:.0%} of the variance of {b}.")
    flat = [column.name for column in s.columns if column.deviation <= 1e-9]
    if flat:
        lines.append(f"Constant, so without correlation: {', '.join(flat)}.")
    yield "correlations", lines

    right = [f"{c.name} {c.skew:+.1f}" for c in s.columns if c.skew >= SKEWED]
    left = [f"{c.name} {c.skew:+.1f}" for c in s.columns if c.skew <= -SKEWED]
    far = sorted((c for c in s.columns if c.outliers), key=lambda c: -c.outliers)
    gaps = [f"{c.name} {c.missing}" for c in s.columns if c.missing]
    yield (
        "histograms",
        [
            f"Skewed to the right (skewness {SKEWED:g} or more): {_listed(right, 'none')}; to the left: "
            f"{_listed(left, 'none')}.",
            f"Outliers, more than {WHISKER} interquartile ranges outside the quartiles: "
            f"{_listed([f'{c.name} {c.outliers}' for c in far], 'none')}.",
            f"Missing numbers: {_listed(gaps, 'none')}.",
        ],
    )

    by_spread = sorted(s.columns, key=lambda c: -c.spread)
    yield (
        "families",
        [
            "Share of a column's variance that lies between the families (correlation ratio): "
            + ", ".join(f"{c.name} {c.spread:.2f}" for c in by_spread)
            + ".",
            f"{by_spread[0].name} tells the families apart best, {by_spread[-1].name} least.",
        ],
    )

    labelled = s.songs - s.unlabelled
    lines = [f"{labelled} of {s.songs} songs have a genre, {s.unlabelled} have none."]
    if s.genres:
        name, count = s.genres[0]
        few = sum(count < FEW for _, count in s.genres)
        top = sum(count for _, count in s.genres[:3])
        lines += [
            f"{len(s.genres)} genres; the commonest, {name}, has {count} songs ({count / labelled:.0%}), and the three "
            f"commonest have {top} ({top / labelled:.0%}).",
            f"{few} genres have fewer than {FEW} songs; {len(s.genres) - few} genres with "
            f"{sum(count for _, count in s.genres if count >= FEW)} songs are left without them.",
            f"{s.artists} artists; {s.several} have more than one song with a genre, and {s.unanimous} of these "
            f"always the same genre.",
        ]
    if s.duplicates:
        lines.append(f"Songs that stand more than once by artist and title: {s.duplicates}.")
    yield "genres", lines
