"""The notebook's table of songs, and the families its many genres fall into."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pywallet.errors import InputError

AUDIO: Final = ("bpm", "nrgy", "dnce", "dB", "live", "val", "dur", "acous", "spch")
"""The audio columns; ``year`` and ``pop`` are facts about a release, not about its sound."""
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
"""Family and words in the genres it takes; the first row that fits counts, ``=`` is the whole genre."""


def family(genre: str) -> str:
    """The family of one of the notebook's genres."""
    for name, words in _FAMILIES:
        if any(genre == word[1:] if word.startswith("=") else word in genre for word in words):
            return name
    return OTHER


@dataclass(frozen=True)
class Songs:
    """Labelled songs: ``audio`` (songs, 9) as ``AUDIO`` in the notebook's units, ``year`` (songs, 1), and text per song."""

    audio: NDArray[np.float64]
    year: NDArray[np.float64]
    genre: NDArray[np.str_]
    family: NDArray[np.str_]
    artist: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.genre)

    def columns(self, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Some audio columns, in this order."""
        return self.audio[:, [AUDIO.index(name) for name in names]]

    def at_least(self, songs: int) -> Songs:
        """Only genres with so many songs."""
        counts = Counter(self.genre.tolist())
        keep = np.array([counts[genre] >= songs for genre in self.genre.tolist()])
        return Songs(self.audio[keep], self.year[keep], self.genre[keep], self.family[keep], self.artist[keep])


def read(source: Path) -> Songs:
    """Songs with a genre from a CSV file, or from the files of a folder that have the column ``top genre``.

    Raises:
        InputError: ``message.schema`` when no such song is there or a number can't be read.
        OSError: when the path can't be read.
    """
    rows: list[dict[str, str]] = []
    for path in sorted(source.glob("*.csv")) if source.is_dir() else [source]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "top genre" in (reader.fieldnames or ()):
                rows += [row for row in reader if (row["top genre"] or "").strip()]
    if not rows:
        raise InputError("message.schema", file=source.name, reason="no song with a 'top genre'")
    try:
        audio = np.array([[float(row[name]) for name in AUDIO] for row in rows])
        year = np.array([[float(row["year"])] for row in rows])
        artist = np.array([row["artist"].strip().lower() for row in rows])
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise InputError("message.schema", file=source.name, reason=e) from e
    genres = [row["top genre"].strip() for row in rows]
    return Songs(audio, year, np.array(genres), np.array([family(genre) for genre in genres]), artist)
