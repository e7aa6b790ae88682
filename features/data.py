"""Songs of the notebook's table as arrays, and the families of its genres."""

from __future__ import annotations

import contextlib
import unicodedata
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.song_table import AUDIO, NUMBERS, SongRow, read_tables
from pywallet.errors import InputError

__all__ = ["AUDIO", "NUMBERS", "OTHER", "Songs", "artist_key", "family", "read", "songs_of"]

OTHER: Final = "other"

_FAMILIES: Final = (
    ("hip hop", ("hip hop", "rap", "g funk", "hip pop")),
    ("dance pop", ("=dance pop",)),
    ("rock", ("dance rock",)),
    ("adult standards", ("standards", "brill", "doo-wop", "british dance band", "girl group")),
    ("dance", ("europop", "dance", "house", "disco", "trance", "hi-nrg", "big room", "uk garage")),
    ("soul", ("soul", "r&b", "funk")),
    (OTHER, ("afro",)),
    ("rock", ("rock", "metal", "british invasion", "merseybeat", "punk", "permanent wave", "new wave")),
    ("pop", ("britpop",)),
    ("folk", ("folk", "country")),
    ("pop", ("pop", "boy band", "talent", "mellow")),
)
"""Family, and substrings of its genres; the first match counts, ``=`` marks a whole genre."""


def family(genre: str) -> str:
    """The family of one of the notebook's genres."""
    for name, words in _FAMILIES:
        if any(genre == word[1:] if word.startswith("=") else word in genre for word in words):
            return name
    return OTHER


@dataclass(frozen=True)
class Songs:
    """Songs of a table; every array has one entry for each song. Missing numbers are NaN.

    Attributes:
        audio: Columns ``AUDIO`` in the notebook's units, shape (songs, 9).
        year: Year of release, shape (songs, 1).
        popularity: Popularity, shape (songs, 1).
        genre: Genre; empty without one.
        family: Family of the genre; empty without one.
        artist: ``artist_key`` of the artist.
        title: Title.
    """

    audio: NDArray[np.float64]
    year: NDArray[np.float64]
    popularity: NDArray[np.float64]
    genre: NDArray[np.str_]
    family: NDArray[np.str_]
    artist: NDArray[np.str_]
    title: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.genre)

    @property
    def numbers(self) -> NDArray[np.float64]:
        """All number columns, in the order of ``NUMBERS``, shape (songs, 11)."""
        return np.hstack([self.audio, self.year, self.popularity])

    def columns(self, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Some audio columns, in this order."""
        return self.audio[:, [AUDIO.index(name) for name in names]]

    def take(self, index: NDArray[Any]) -> Songs:
        """A subset, by a mask or indices."""
        return Songs(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def at_least(self, songs: int) -> Songs:
        """The songs of genres with at least so many songs."""
        counts = Counter(self.genre.tolist())
        return self.take(np.array([counts[genre] >= songs for genre in self.genre.tolist()], bool))


def artist_key(name: str) -> str:
    """Normalised name of an artist: NFKC, case-folded, single spaces, UTF-8 misread as Windows-1252 repaired."""
    with contextlib.suppress(UnicodeError):  # not misread
        name = name.encode("cp1252").decode("utf-8")
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def songs_of(rows: tuple[SongRow, ...]) -> Songs:
    """Convert rows to arrays.

    Raises:
        InputError: ``genre.table``: a cell of a number column is not a number.
    """
    numbers = np.array([[row.number(name) for name in NUMBERS] for row in rows], float).reshape(len(rows), len(NUMBERS))
    genres = [row.label() for row in rows]
    return Songs(
        audio=numbers[:, : len(AUDIO)],
        year=numbers[:, len(AUDIO) : len(AUDIO) + 1],
        popularity=numbers[:, len(AUDIO) + 1 :],
        genre=np.array(genres, str),
        family=np.array([family(genre) if genre else "" for genre in genres], str),
        artist=np.array([artist_key(row.text("artist")) for row in rows], str),
        title=np.array([row.text("title") for row in rows], str),
    )


def read(source: Path, gaps: bool = False) -> Songs:
    """Songs with a genre from a CSV file, or from the files of a folder that have the column ``top genre``.

    Args:
        source: The file or the folder.
        gaps: Accept missing numbers of songs with a genre.

    Raises:
        InputError: ``genre.table``: no such song, or a malformed number.
        OSError: The path cannot be read.
    """
    rows = tuple(row for row in read_tables(source) if row.label())
    if not rows:
        raise InputError("genre.table", file=source.name, reason="no song with a 'top genre'")
    songs = songs_of(rows)
    if not gaps and np.isnan(songs.numbers).any():
        line, column = (int(n) for n in np.argwhere(np.isnan(songs.numbers))[0])
        rows[line].refuse(NUMBERS[column], "no number")
    return songs
