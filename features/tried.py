"""Attempts at a better genre model than the one that is used, for ``gomaa genre compare --tried``.

They are compared on splits of another seed than those of the reported comparison, so that choosing among them does not
flatter the reported figures. docs/genre.md says what helped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, SplineTransformer, StandardScaler
from sklearn.svm import SVC

from features.compare import Entry, Genres, Predict
from features.data import Songs
from features.song_model import fit, inputs, regression

BASE: Final = 1000
"""Seed of the splits on which the attempts are compared."""

Array = NDArray[np.float64]
_MARKS: Final = (
    ("title", r"remaster"),
    ("title", r"radio|edit"),
    ("title", r"mix\b|version"),
    ("title", r"feat\.|with "),
    ("title", r"single|mono|stereo"),
    ("title", r"love|heart|baby"),
    ("artist", r"^the "),
    ("artist", r"&| and "),
    ("artist", r"\bdj\b|\bmc\b|\blil\b|\d"),
    ("artist", r"^\S+$"),
    ("artist", r"^\S+ \S+$"),
)
"""Patterns in a song's title and its artist's name that may tell of a genre without telling of the artist."""


def _plain(songs: Songs) -> Array:
    """Audio and year without logarithms."""
    return np.hstack([songs.audio, songs.year])


def _all(songs: Songs) -> Array:
    return np.hstack([inputs(songs), songs.popularity])


def _marked(songs: Songs) -> Array:
    texts = {"title": [title.casefold() for title in songs.title.tolist()], "artist": songs.artist.tolist()}
    marks = [[bool(re.search(pattern, text)) for text in texts[field]] for field, pattern in _MARKS]
    return np.hstack([inputs(songs), np.array(marks, float).T])


def _on(columns: Callable[[Songs], Array], *steps: Callable[[], Any]) -> Predict:
    """A pipeline over some columns; missing numbers count as the median."""

    def predict(train: Songs, test: Songs) -> Genres:
        pipe = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), *(step() for step in steps))
        return np.asarray(pipe.fit(columns(train), train.genre).predict(columns(test)))

    return predict


def _logistic(strength: float, **options: Any) -> Callable[[], Any]:
    return lambda: LogisticRegression(C=strength, max_iter=5000, **options)


def _extra_trees() -> Any:
    return ExtraTreesClassifier(100, min_samples_leaf=3, random_state=0)


def _chances(model: Any, train: Songs, test: Songs, names: list[str]) -> Array:
    fitted = model.fit(inputs(train), train.genre)
    out = np.zeros((len(test), len(names)))
    out[:, [names.index(name) for name in fitted.classes_.tolist()]] = fitted.predict_proba(inputs(test))
    return out


def _vote(train: Songs, test: Songs) -> Genres:
    """The mean of the probabilities of the regression and of extra trees."""
    names = sorted(set(train.genre.tolist()))
    total = _chances(regression(), train, test, names) + _chances(_extra_trees(), train, test, names)
    return np.asarray(np.array(names)[total.argmax(axis=1)])


def _family_first(train: Songs, test: Songs) -> Genres:
    """Probability of the family times that of the genre within it."""
    names = sorted(set(train.genre.tolist()))
    chances = np.zeros((len(test), len(names)))
    first = regression().fit(inputs(train), train.family)
    for family, weight in zip(first.classes_.tolist(), first.predict_proba(inputs(test)).T, strict=True):
        part = train.take(train.family == family)
        if len(set(part.genre.tolist())) == 1:
            chances[:, names.index(str(part.genre[0]))] += weight
        else:
            chances += weight[:, None] * _chances(regression(0.03), part, test, names)
    return np.asarray(np.array(names)[chances.argmax(axis=1)])


def _artist_words(train: Songs, test: Songs) -> Genres:
    """The regression with the words of the artist's name as further columns."""
    words = TfidfVectorizer(tokenizer=str.split, token_pattern=None, min_df=2).fit(train.artist.tolist())
    scale = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()).fit(inputs(train))

    def columns(songs: Songs) -> Any:
        return hstack([csr_matrix(scale.transform(inputs(songs))), 3 * words.transform(songs.artist.tolist())]).tocsr()

    return np.asarray(LogisticRegression(C=0.1, max_iter=5000).fit(columns(train), train.genre).predict(columns(test)))


def _known_first(other: Predict) -> Predict:
    """The genre of a known artist, else another model's."""

    def predict(train: Songs, test: Songs) -> Genres:
        artists = fit(train).artists
        pairs = zip(test.artist.tolist(), other(train, test).tolist(), strict=True)
        return np.array([artists.get(artist, genre) for artist, genre in pairs], str)

    return predict


def _spline() -> Any:
    return SplineTransformer(3, degree=2, knots="quantile", extrapolation="linear")


TRIED: Final = (
    Entry(
        "random forest, audio and year",
        "trees",
        _on(_plain, lambda: RandomForestClassifier(300, min_samples_leaf=2, random_state=0)),
    ),
    Entry("extra trees, logarithms", "trees", _on(inputs, _extra_trees)),
    Entry(
        "25 nearest neighbours, logarithms",
        "distance",
        _on(inputs, lambda: KNeighborsClassifier(25, weights="distance")),
    ),
    Entry("support vectors, C 0.5, logarithms", "distance", _on(inputs, lambda: SVC(C=0.5))),
    Entry(
        "linear discriminants, shrunk by 0.3",
        "linear",
        _on(inputs, lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3)),
    ),
    Entry("logistic, C 1, no logarithms", "linear", _on(_plain, _logistic(1))),
    Entry("logistic, C 0.1, no logarithms", "linear", _on(_plain, _logistic(0.1))),
    Entry("logistic, C 0.1, logarithms", "linear", _on(inputs, _logistic(0.1))),
    Entry("the same and popularity", "linear", _on(_all, _logistic(0.1))),
    Entry("the same, rare genres weigh more", "linear", _on(inputs, _logistic(0.1, class_weight="balanced"))),
    Entry("logistic, splines", "linear", _on(inputs, _spline, StandardScaler, _logistic(0.01))),
    Entry(
        "logistic, products of two columns", "linear", _on(inputs, PolynomialFeatures, StandardScaler, _logistic(0.01))
    ),
    Entry("the family first, then the genre", "linear", _family_first),
    Entry("logistic and extra trees, mean", "mixed", _vote),
    Entry("logistic, marks in title and artist", "text", _on(_marked, _logistic(0.1))),
    Entry("logistic, words of the artist's name", "text", _artist_words),
    Entry("known artist, else logistic (used)", "artists", _known_first(_on(inputs, _logistic(0.1)))),
    Entry("known artist, else marks", "artists", _known_first(_on(_marked, _logistic(0.1)))),
)
