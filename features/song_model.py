"""The genre of a song from a table row: its artist's genre where the artist is known, else a logistic regression.

In the notebook's table the genre is the artist's: no artist has two. So a known artist decides. The regression, for the
others, hears the audio columns and the year, those with a long tail on a logarithmic scale. docs/genre.md has how often
each is right, and what else was tried.
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
"""Inverse strength of the L2 penalty. Chosen on splits of other seeds than those that docs/genre.md reports."""
_LONG_TAIL: Final = ("live", "acous", "spch")

Array = NDArray[np.float64]


def inputs(songs: Songs) -> Array:
    """The regression's columns (songs, 10): audio and year; NaN for a missing number."""
    audio = songs.audio.copy()
    for name in _LONG_TAIL:
        column = AUDIO.index(name)
        audio[:, column] = np.log1p(np.maximum(audio[:, column], 0))
    for name in ("bpm", "dur"):
        column = AUDIO.index(name)
        audio[:, column] = np.log(np.maximum(audio[:, column], 1))
    return np.hstack([audio, songs.year])


def regression(strength: float = STRENGTH) -> Any:
    """An untrained logistic regression over standardised columns; a missing number counts as the training's median."""
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=strength, max_iter=5000),
    )


@dataclass(frozen=True)
class SongModel:
    """Artists with their genre, and the regression for other artists."""

    artists: Mapping[str, str]
    other: Any

    def predict(self, songs: Songs) -> NDArray[np.str_]:
        """A genre for each song, whatever the other songs are."""
        if not len(songs):
            return np.array([], str)
        guessed = self.other.predict(inputs(songs)).tolist()
        pairs = zip(songs.artist.tolist(), guessed, strict=True)
        return np.array([self.artists.get(artist, genre) for artist, genre in pairs], str)


def fit(songs: Songs, lookup: bool = True) -> SongModel:
    """Train on songs that all have a genre.

    Args:
        songs: The training songs. Their order doesn't matter, except to the last bits of the regression.
        lookup: Let a known artist decide.

    Raises:
        InputError: ``genre.table`` with fewer than two genres, between which there is nothing to learn.
    """
    if len(set(songs.genre.tolist())) < 2:
        raise InputError("genre.table", column="top genre", reason="fewer than two genres")
    heard: dict[str, Counter[str]] = {}
    for artist, genre in zip(songs.artist.tolist(), songs.genre.tolist(), strict=True):
        if artist and lookup:
            heard.setdefault(artist, Counter())[genre] += 1
    # The commonest of an artist's genres, the first by name among equals.
    artists = {artist: min(counts, key=lambda genre: (-counts[genre], genre)) for artist, counts in heard.items()}
    return SongModel(artists, regression().fit(inputs(songs), songs.genre))
