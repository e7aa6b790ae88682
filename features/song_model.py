"""Genre of a song by its table row: the artist's genre if the artist is known, otherwise a logistic regression.

In the notebook's table genres are assigned to artists: no artist has two. The regression uses the audio columns and the
year, columns with a long tail on a logarithmic scale. docs/genre.md reports accuracies and other models tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from features.data import AUDIO, Songs
from pywallet.errors import InputError

STRENGTH: Final = 0.1
"""Inverse strength of the L2 penalty, chosen on other splits than those reported in docs/genre.md."""
_LONG_TAIL: Final = ("live", "acous", "spch")

Array = NDArray[np.float64]


def inputs(songs: Songs) -> Array:
    """Inputs of the regression, shape (songs, 10): audio columns and year; NaN for a missing number."""
    audio = songs.audio.copy()
    for name in _LONG_TAIL:
        column = AUDIO.index(name)
        audio[:, column] = np.log1p(np.maximum(audio[:, column], 0))
    for name in ("bpm", "dur"):
        column = AUDIO.index(name)
        audio[:, column] = np.log(np.maximum(audio[:, column], 1))
    return np.hstack([audio, songs.year])


def regression(strength: float = STRENGTH) -> Any:
    """An untrained logistic regression on standardised columns; missing numbers are imputed by the median."""
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=strength, max_iter=5000),
    )


@dataclass(frozen=True)
class SongModel:
    """A trained model: genres of known artists, and ``other``, the regression for other artists."""

    artists: Mapping[str, str]
    other: Any

    def predict(self, songs: Songs) -> NDArray[np.str_]:
        """Predict a genre for each song, independently of the other songs."""
        if not len(songs):
            return np.array([], str)
        guessed = self.other.predict(inputs(songs)).tolist()
        pairs = zip(songs.artist.tolist(), guessed, strict=True)
        return np.array([self.artists.get(artist, genre) for artist, genre in pairs], str)


def fit(songs: Songs, lookup: bool = True) -> SongModel:
    """Train on songs that all have a genre.

    Args:
        songs: The training songs; their order changes only the last bits of the regression.
        lookup: Use the genres of known artists.

    Raises:
        InputError: ``genre.table``: fewer than two genres.
    """
    if len(set(songs.genre.tolist())) < 2:
        raise InputError("genre.table", column="top genre", reason="fewer than two genres")
    genres_of: dict[str, Counter[str]] = {}
    for artist, genre in zip(songs.artist.tolist(), songs.genre.tolist(), strict=True):
        if artist and lookup:
            genres_of.setdefault(artist, Counter())[genre] += 1
    # The most frequent of an artist's genres, ties by name.
    artists = {artist: min(counts, key=lambda genre: (-counts[genre], genre)) for artist, counts in genres_of.items()}
    return SongModel(artists, regression().fit(inputs(songs), songs.genre))
