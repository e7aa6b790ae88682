"""Comparison of genre models on one split and on repeated splits, with and without artists in both parts."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from features import song_model
from features.data import Songs
from features.evaluate import REPEATS, TEST
from pywallet.errors import InputError

SEED: Final = 42
"""Seed of the single split; the notebook's is not recorded, 42 is the usual one."""
MIN_SONGS: Final = 3
"""Songs that a genre needs to be kept, as in the notebook."""

Genres = NDArray[np.str_]
Predict = Callable[[Songs, Songs], Genres]
Split = tuple[NDArray[np.int_], NDArray[np.int_]]


@dataclass(frozen=True)
class ComparedModel:
    """A model of the comparison; ``predict`` trains on the first songs and predicts a genre for each of the second."""

    name: str
    kind: str
    predict: Predict


def sklearn_model(make: Callable[[], Any]) -> Predict:
    """A scikit-learn classifier on all number columns, standardised, with missing numbers imputed by the median."""

    def predict(train: Songs, test: Songs) -> Genres:
        pipe = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), make())
        return np.asarray(pipe.fit(train.numbers, train.genre).predict(test.numbers))

    return predict


def majority(train: Songs, test: Songs) -> Genres:
    """Baseline: the most frequent genre of the training songs, ties by name."""
    counts = Counter(train.genre.tolist())
    return np.full(len(test), min(counts, key=lambda genre: (-counts[genre], genre)))


def _ours(lookup: bool) -> Predict:
    return lambda train, test: song_model.fit(train, lookup).predict(test)


ENTRIES: Final = (
    ComparedModel("commonest genre", "floor", majority),
    ComparedModel("logistic regression", "notebook", sklearn_model(lambda: LogisticRegression(max_iter=5000))),
    ComparedModel("support vector machine", "notebook", sklearn_model(SVC)),
    ComparedModel("k nearest neighbours", "notebook", sklearn_model(KNeighborsClassifier)),
    ComparedModel("Gaussian naive Bayes", "notebook", sklearn_model(GaussianNB)),
    ComparedModel("random forest", "notebook", sklearn_model(lambda: RandomForestClassifier(random_state=0))),
    ComparedModel("ours without artists", "ours", _ours(lookup=False)),
    ComparedModel("ours", "ours", _ours(lookup=True)),
)
"""The five models of the notebook have scikit-learn's defaults: the notebook's settings are not recorded."""


def splits(songs: Songs, repeats: int, seed: int, disjoint: bool) -> Iterator[Split]:
    """80/20 splits of songs, or (``disjoint``) of artists; training indices are sorted."""
    maker = GroupShuffleSplit if disjoint else ShuffleSplit
    groups = songs.artist if disjoint else None
    for train, test in maker(repeats, test_size=TEST, random_state=seed).split(songs.audio, groups=groups):
        yield np.sort(train), np.sort(test)


def score(predict: Predict, songs: Songs, split: Split) -> float:
    """Accuracy on the test part of a split."""
    train, test = (songs.take(part) for part in split)
    with warnings.catch_warnings():
        # Genres with one or two songs in the training part are part of the protocol.
        warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
        return float((predict(train, test) == test.genre).mean())


def summary(values: list[float]) -> dict[str, float]:
    """Mean, standard deviation, minimum and maximum of accuracies."""
    numbers = np.array(values)
    found = {"mean": numbers.mean(), "deviation": numbers.std(), "least": numbers.min(), "most": numbers.max()}
    return {name: round(float(value), 4) for name, value in found.items()}


def compare(
    songs: Songs, repeats: int = REPEATS, seed: int = SEED, entries: tuple[ComparedModel, ...] = ENTRIES, base: int = 0
) -> dict[str, Any]:
    """Accuracy of each model.

    Args:
        songs: Songs with a genre; those of genres with fewer than ``MIN_SONGS`` songs are left out.
        repeats: Splits of each kind.
        seed: Seed of the single split, drawn as scikit-learn's ``train_test_split`` draws it.
        entries: The models.
        base: Seed of the repeated splits.

    Raises:
        InputError: ``genre.table``: fewer than two genres or too few artists are left.
    """
    kept = songs.at_least(MIN_SONGS)
    genres, artists = len(set(kept.genre.tolist())), len(set(kept.artist.tolist()))
    if genres < 2 or artists < 5:
        reason = f"{genres} genres with {MIN_SONGS} songs or more by {artists} artists: too few to compare"
        raise InputError("genre.table", column="top genre", reason=reason)
    single = next(splits(kept, 1, seed, disjoint=False))
    repeated = {disjoint: list(splits(kept, repeats, base, disjoint)) for disjoint in (False, True)}
    return {
        "songs": len(kept),
        "genres": genres,
        "artists": artists,
        "seed": seed,
        "repeats": repeats,
        "known_artists": summary([float(np.isin(kept.artist[b], kept.artist[a]).mean()) for a, b in repeated[False]]),
        "models": [
            {
                "model": entry.name,
                "kind": entry.kind,
                "split": round(score(entry.predict, kept, single), 4),
                "songs": summary([score(entry.predict, kept, split) for split in repeated[False]]),
                "artists": summary([score(entry.predict, kept, split) for split in repeated[True]]),
            }
            for entry in entries
        ],
    }


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The result as lines for the terminal."""
    known = result["known_artists"]["mean"]
    yield (
        f"{result['songs']} songs of {result['genres']} genres by {result['artists']} artists; accuracy on test "
        f"parts of 20 %"
    )
    yield (
        f"one split: seed {result['seed']}; songs: mean +- deviation (least to most) of {result['repeats']} random "
        f"splits,"
    )
    yield (
        f"{known:.0%} of the test songs by an artist of the training part; artists: as many splits, no artist on "
        f"both sides"
    )
    yield ""
    yield f"{'model':38} {'kind':9} {'one split':>9}  {'songs':>30}  {'artists':>30}"
    for row in result["models"]:
        cells = [
            f"{part['mean']:.3f} +- {part['deviation']:.3f} ({part['least']:.3f} to {part['most']:.3f})"
            for part in (row["songs"], row["artists"])
        ]
        yield f"{row['model']:38} {row['kind']:9} {row['split']:9.3f}  {cells[0]:>30}  {cells[1]:>30}"
