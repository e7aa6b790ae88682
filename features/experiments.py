"""Alternative genre models, for ``gomaa genre compare --tried``.

They are compared on splits of another seed than the reported comparison, so that selecting among them does not bias the
reported figures. docs/genre.md reports which ones helped.
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

from features.compare import ComparedModel, Genres, Predict
from features.data import Songs
from features.song_model import fit, inputs, regression

BASE: Final = 1000
"""Seed of the splits on which the models are compared."""

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
"""Patterns in titles and artists' names that may indicate a genre without identifying the artist."""


def _plain(songs: Songs) -> Array:
    """Audio columns and year without logarithms."""
    return np.hstack([songs.audio, songs.year])


def _all(songs: Songs) -> Array:
    return np.hstack([inputs(songs), songs.popularity])


def _marked(songs: Songs) -> Array:
    texts = {"title": [title.casefold() for title in songs.title.tolist()], "artist": songs.artist.tolist()}
    marks = [[bool(re.search(pattern, text)) for text in texts[field]] for field, pattern in _MARKS]
    return np.hstack([inputs(songs), np.array(marks, float).T])


def _on(columns: Callable[[Songs], Array], *steps: Callable[[], Any]) -> Predict:
    """A pipeline on given columns; missing numbers are imputed by the mean."""

    def predict(train: Songs, test: Songs) -> Genres:
        pipe = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), *(step() for step in steps))
        return np.asarray(pipe.fit(columns(train), train.genre).predict(columns(test)))

    return predict


def _logistic(strength: float, **options: Any) -> Callable[[], Any]:
    return lambda: LogisticRegression(C=strength, max_iter=5000, **options)


def _extra_trees() -> Any:
    return ExtraTreesClassifier(100, min_samples_leaf=3, random_state=0)


def _probabilities(model: Any, train: Songs, test: Songs, names: list[str]) -> Array:
    fitted = model.fit(inputs(train), train.genre)
    out = np.zeros((len(test), len(names)))
    out[:, [names.index(name) for name in fitted.classes_.tolist()]] = fitted.predict_proba(inputs(test))
    return out


def _vote(train: Songs, test: Songs) -> Genres:
    """Soft voting of the regression and extra trees."""
    names = sorted(set(train.genre.tolist()))
    total = _probabilities(regression(), train, test, names) + _probabilities(_extra_trees(), train, test, names)
    return np.asarray(np.array(names)[total.argmax(axis=1)])


def _family_first(train: Songs, test: Songs) -> Genres:
    """Probability of the family times that of the genre within it."""
    names = sorted(set(train.genre.tolist()))
    probabilities = np.zeros((len(test), len(names)))
    first = regression().fit(inputs(train), train.family)
    for family, weight in zip(first.classes_.tolist(), first.predict_proba(inputs(test)).T, strict=True):
        part = train.take(train.family == family)
        if len(set(part.genre.tolist())) == 1:
            probabilities[:, names.index(str(part.genre[0]))] += weight
        else:
            probabilities += weight[:, None] * _probabilities(regression(0.03), part, test, names)
    return np.asarray(np.array(names)[probabilities.argmax(axis=1)])


def _artist_words(train: Songs, test: Songs) -> Genres:
    """The regression with the words of the artist's name as further columns."""
    words = TfidfVectorizer(tokenizer=str.split, token_pattern=None, min_df=2).fit(train.artist.tolist())
    scale = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()).fit(inputs(train))

    def columns(songs: Songs) -> Any:
        return hstack([csr_matrix(scale.transform(inputs(songs))), 3 * words.transform(songs.artist.tolist())]).tocsr()

    return np.asarray(LogisticRegression(C=0.1, max_iter=5000).fit(columns(train), train.genre).predict(columns(test)))


def _known_first(other: Predict) -> Predict:
    """The genre of a known artist, otherwise another model's prediction."""

    def predict(train: Songs, test: Songs) -> Genres:
        artists = fit(train).artists
        pairs = zip(test.artist.tolist(), other(train, test).tolist(), strict=True)
        return np.array([artists.get(artist, genre) for artist, genre in pairs], str)

    return predict


def _spline() -> Any:
    return SplineTransformer(3, degree=2, knots="quantile", extrapolation="linear")


EXPERIMENTS: Final = (
    ComparedModel(
        "random forest, audio and year",
        "trees",
        _on(_plain, lambda: RandomForestClassifier(300, min_samples_leaf=2, random_state=0)),
    ),
    ComparedModel("extra trees, logarithms", "trees", _on(inputs, _extra_trees)),
    ComparedModel(
        "25 nearest neighbours, logarithms",
        "distance",
        _on(inputs, lambda: KNeighborsClassifier(25, weights="distance")),
    ),
    ComparedModel("support vectors, C 0.5, logarithms", "distance", _on(inputs, lambda: SVC(C=0.5))),
    ComparedModel(
        "linear discriminants, shrunk by 0.3",
        "linear",
        _on(inputs, lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3)),
    ),
    ComparedModel("logistic, C 1, no logarithms", "linear", _on(_plain, _logistic(1))),
    ComparedModel("logistic, C 0.1, no logarithms", "linear", _on(_plain, _logistic(0.1))),
    ComparedModel("logistic, C 0.1, logarithms", "linear", _on(inputs, _logistic(0.1))),
    ComparedModel("the same and popularity", "linear", _on(_all, _logistic(0.1))),
    ComparedModel("the same, rare genres weigh more", "linear", _on(inputs, _logistic(0.1, class_weight="balanced"))),
    ComparedModel("logistic, splines", "linear", _on(inputs, _spline, StandardScaler, _logistic(0.01))),
    ComparedModel(
        "logistic, products of two columns", "linear", _on(inputs, PolynomialFeatures, StandardScaler, _logistic(0.01))
    ),
    ComparedModel("the family first, then the genre", "linear", _family_first),
    ComparedModel("logistic and extra trees, mean", "mixed", _vote),
    ComparedModel("logistic, marks in title and artist", "text", _on(_marked, _logistic(0.1))),
    ComparedModel("logistic, words of the artist's name", "text", _artist_words),
    ComparedModel("known artist, else logistic (used)", "artists", _known_first(_on(inputs, _logistic(0.1)))),
    ComparedModel("known artist, else marks", "artists", _known_first(_on(_marked, _logistic(0.1)))),
)
