"""Similar songs of the catalogue, by the ``features`` field of their headers.

Each measure is standardised over the catalogue and weighted as in ``pywallet.sps.likeness``; the distance is Euclidean.
Songs without the field match by artist or by genre.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Final, Literal, Protocol

from pywallet.sps.likeness import COLUMNS, unpack

FLOOR: Final = 0.02
"""Least standard deviation of a measure, as a share of its scale, so that nearly constant measures do not dominate."""
LIMIT: Final = 4
MAX_LIMIT: Final = 50


class Described(Protocol):
    """The fields of a song that are compared."""

    @property
    def name(self) -> str:
        """Name in URLs, unique."""

    @property
    def artist(self) -> str:
        """Artist."""

    @property
    def genre(self) -> str | None:
        """Genre, or None."""

    @property
    def features(self) -> bytes:
        """Packed measures (``pywallet.sps.likeness``), or empty."""


@dataclass(frozen=True, slots=True)
class SimilarSong:
    """A similar song; ``distance`` in weighted standard deviations, only for a match by ``sound``."""

    name: str
    by: Literal["sound", "artist", "genre"]
    distance: float | None = None


class Neighbours:
    """The songs of a catalogue as points in the space of measures; immutable."""

    def __init__(self, songs: Iterable[Described]) -> None:
        self._songs: Mapping[str, Described] = {song.name: song for song in songs}
        unpacked = {name: unpack(song.features) for name, song in self._songs.items()}
        values = {name: point for name, point in unpacked.items() if point is not None}
        scales = []
        for column in COLUMNS:
            spread = _spread([point[column.name] for point in values.values()])
            scales.append(math.sqrt(column.weight) / max(spread, FLOOR * (column.high - column.low)))
        self._points = {
            name: tuple(point[column.name] * scale for column, scale in zip(COLUMNS, scales, strict=True))
            for name, point in values.items()
        }

    def distance(self, name: str, other: str) -> float | None:
        """Distance between two songs; None where one has no measures or is not in the catalogue."""
        a, b = self._points.get(name), self._points.get(other)
        return None if a is None or b is None else math.dist(a, b)

    def like(self, name: str, limit: int = LIMIT) -> Sequence[SimilarSong]:
        """Similar songs without the song itself: nearest first, then the same artist, then the same genre."""
        song = self._songs.get(name)
        if song is None:
            return ()
        here = self._points.get(name)
        near: list[tuple[float, str]] = []
        artist: list[str] = []
        genre: list[str] = []
        for other in self._songs.values():
            if other.name == name:
                continue
            point = self._points.get(other.name)
            if here is not None and point is not None:
                near.append((math.dist(here, point), other.name))
            elif _same(song.artist, other.artist):
                artist.append(other.name)
            elif song.genre and other.genre and _same(song.genre, other.genre):
                genre.append(other.name)
        matches = [SimilarSong(near_name, "sound", apart) for apart, near_name in nsmallest(limit, near)]
        matches += [SimilarSong(other_name, "artist") for other_name in nsmallest(limit, artist)]
        matches += [SimilarSong(other_name, "genre") for other_name in nsmallest(limit, genre)]
        return matches[:limit]


def _spread(values: Sequence[float]) -> float:
    """Standard deviation, summed exactly: independent of the order of the songs."""
    if not values:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def _same(first: str, second: str) -> bool:
    return first.strip().casefold() == second.strip().casefold()
