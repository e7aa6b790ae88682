""" "More like this": songs of the catalogue that sound alike, from the ``features`` field of their headers.

Each measure is standardised over the catalogue and weighted as
``pywallet.sps.likeness`` says; likeness is the Euclidean distance. Songs without
the field are still offered by the same artist or of the same genre.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Final, Literal, Protocol

from pywallet.sps.likeness import COLUMNS, unpack

FLOOR: Final = 0.02
"""Least standard deviation of a measure, as a share of its scale.

What hardly differs in a catalogue must not decide.
"""
LIMIT: Final = 4
MAX_LIMIT: Final = 50


class Described(Protocol):
    """What is asked of a song."""

    @property
    def name(self) -> str: ...
    @property
    def artist(self) -> str: ...
    @property
    def genre(self) -> str | None: ...
    @property
    def features(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Match:
    """A song that is like another one. ``distance`` in weighted standard deviations, for a match by ``sound`` only."""

    name: str
    by: Literal["sound", "artist", "genre"]
    distance: float | None = None


class Neighbours:
    """The songs of a catalogue as points; made once for each state of the shelf."""

    def __init__(self, songs: Iterable[Described]) -> None:
        self._songs: Mapping[str, Described] = {song.name: song for song in songs}
        found = {name: unpack(song.features) for name, song in self._songs.items()}
        values = {name: point for name, point in found.items() if point is not None}
        scales = []
        for column in COLUMNS:
            spread = _spread([point[column.name] for point in values.values()])
            scales.append(math.sqrt(column.weight) / max(spread, FLOOR * (column.high - column.low)))
        self._points = {
            name: tuple(point[column.name] * scale for column, scale in zip(COLUMNS, scales, strict=True))
            for name, point in values.items()
        }

    def distance(self, one: str, other: str) -> float | None:
        """How far apart two songs sound, the same either way; None if one of them doesn't say or isn't here."""
        a, b = self._points.get(one), self._points.get(other)
        return None if a is None or b is None else math.dist(a, b)

    def like(self, name: str, limit: int = LIMIT) -> Sequence[Match]:
        """The songs most like this one, nearest first, then by the same artist, then of the same genre.

        Never itself.
        """
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
        matches = [Match(found, "sound", apart) for apart, found in nsmallest(limit, near)]
        matches += [Match(found, "artist") for found in nsmallest(limit, artist)]
        matches += [Match(found, "genre") for found in nsmallest(limit, genre)]
        return matches[:limit]


def _spread(values: Sequence[float]) -> float:
    """Standard deviation; summed exactly, so that the order of the shelf never matters."""
    if not values:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
