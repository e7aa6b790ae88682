"""``python -m features.evaluate DATA``: accuracy of genre models on the notebook's table, also for unseen artists."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.classifier import COLUMNS, EXACT, Model
from features.data import AUDIO, Songs, read
from features.train import BLUR, fit

REPEATS: Final = 20
TEST: Final = 0.2
ERROR: Final = 0.75
"""Assumed error of an approximated column, in its standard deviations: once as bias, once as noise of each song."""
THRESHOLDS: Final = (0.3, 0.4, 0.5, 0.6, 0.7)

Array = NDArray[np.float64]
Split = tuple[NDArray[np.int_], NDArray[np.int_]]


def splits(songs: Songs, repeats: int, unseen: bool) -> Iterator[Split]:
    """Random 80/20 splits of songs, or (``unseen``) of artists."""
    from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit

    if unseen:
        yield from GroupShuffleSplit(repeats, test_size=TEST, random_state=0).split(songs.audio, groups=songs.artist)
    else:
        yield from ShuffleSplit(repeats, test_size=TEST, random_state=0).split(songs.audio)


def majority(rows: Array, labels: NDArray[np.str_], split: Split) -> float:
    """Accuracy of the baseline: the most frequent label of the training part."""
    train, test = split
    return float((labels[test] == Counter(labels[train].tolist()).most_common(1)[0][0]).mean())


def forest(rows: Array, labels: NDArray[np.str_], split: Split) -> float:
    """Accuracy of a random forest, as in the notebook."""
    from sklearn.ensemble import RandomForestClassifier

    train, test = split
    model = RandomForestClassifier(300, min_samples_leaf=2, random_state=0).fit(rows[train], labels[train])
    return float((model.predict(rows[test]) == labels[test]).mean())


def logistic(rows: Array, labels: NDArray[np.str_], split: Split) -> float:
    """Accuracy of a logistic regression trained without noise."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, test = split
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000)).fit(rows[train], labels[train])
    return float((model.predict(rows[test]) == labels[test]).mean())


Score = Callable[[Array, NDArray[np.str_], Split], float]


def repeated(
    score: Score, rows: Array, labels: NDArray[np.str_], songs: Songs, repeats: int, unseen: bool
) -> dict[str, float]:
    """Mean and standard deviation over the splits."""
    values = [score(rows, labels, split) for split in splits(songs, repeats, unseen)]
    return {"accuracy": round(float(np.mean(values)), 3), "deviation": round(float(np.std(values)), 3)}


def shipped_model(songs: Songs, repeats: int, error: float, blur: float = BLUR) -> dict[str, Any]:
    """Scores of the shipped kind of model on unseen artists.

    Args:
        songs: The songs.
        repeats: Number of splits.
        error: Error added to the approximated columns of the test part, standard deviations.
        blur: Noise of the training, standard deviations.
    """
    rows, labels = songs.columns(COLUMNS), songs.family
    approximated = np.array([name not in EXACT for name in COLUMNS])
    draw = np.random.default_rng(1)
    accuracy, right, confidences, genres = [], [], [], []
    for train, test in splits(songs, repeats, unseen=True):
        model: Model = fit(rows[train], labels[train], blur)[0]
        errors = (
            error
            * approximated
            * model.scale
            * (draw.standard_normal((1, len(approximated))) + draw.standard_normal((len(test), len(approximated))))
        )
        probabilities = model.probabilities(np.clip(rows[test] + errors, model.low, model.high))
        best = probabilities.argmax(axis=1)
        hits = np.array(model.genres)[best] == labels[test]
        accuracy.append(float(hits.mean()))
        keep = ~np.isin(np.array(model.genres)[best], model.unreported)
        right += list(hits[keep])
        confidences += list(probabilities.max(axis=1)[keep])
        genres += [*np.array(model.genres)[best][keep].tolist()]
    hit, sure = np.array(right), np.array(confidences)
    total = sum(len(test) for _, test in splits(songs, repeats, unseen=True))
    table = [
        {
            "threshold": t,
            "written": round(float((sure >= t).sum() / total), 3),
            "confidence": round(float(sure[sure >= t].mean()), 3) if (sure >= t).any() else None,
            "right": round(float(hit[sure >= t].mean()), 3) if (sure >= t).any() else None,
            "genres": dict(Counter(name for name, p in zip(genres, sure, strict=True) if p >= t).most_common()),
        }
        for t in THRESHOLDS
    ]
    mean, deviation = round(float(np.mean(accuracy)), 3), round(float(np.std(accuracy)), 3)
    return {"blur": blur, "error": error, "accuracy": mean, "deviation": deviation, "thresholds": table}


def evaluate(songs: Songs, repeats: int = REPEATS) -> dict[str, Any]:
    """All figures of docs/genre.md, as JSON."""
    common = songs.at_least(3)
    with_year = np.hstack([songs.audio, songs.year])
    plans: list[tuple[str, Score, Array, NDArray[np.str_], Songs]] = [
        ("genres, majority", majority, songs.audio, songs.genre, songs),
        ("genres, forest, audio and year", forest, with_year, songs.genre, songs),
        ("genres, forest, audio", forest, songs.audio, songs.genre, songs),
        ("genres with 3 songs, majority", majority, common.audio, common.genre, common),
        (
            "genres with 3 songs, forest, audio and year",
            forest,
            np.hstack([common.audio, common.year]),
            common.genre,
            common,
        ),
        ("families, majority", majority, songs.audio, songs.family, songs),
        ("families, forest, audio and year", forest, with_year, songs.family, songs),
        ("families, forest, audio", forest, songs.audio, songs.family, songs),
        ("families, logistic, audio", logistic, songs.audio, songs.family, songs),
        ("families, logistic, the shipped 7", logistic, songs.columns(COLUMNS), songs.family, songs),
        ("families, logistic, bpm dB dur", logistic, songs.columns(EXACT), songs.family, songs),
    ]
    return {
        "songs": len(songs),
        "artists": len(set(songs.artist.tolist())),
        "genres": len(set(songs.genre.tolist())),
        "genres_with_3": len(set(common.genre.tolist())),
        "families": dict(Counter(songs.family.tolist()).most_common()),
        "columns": list(AUDIO),
        "repeats": repeats,
        "models": [
            {
                "model": name,
                "songs": repeated(score, rows, labels, part, repeats, False),
                "artists": repeated(score, rows, labels, part, repeats, True),
            }
            for name, score, rows, labels, part in plans
        ],
        "shipped": [shipped_model(songs, repeats, error) for error in (0.0, ERROR)],
        "without_blur": [shipped_model(songs, repeats, error, 0.0) for error in (0.0, ERROR)],
    }


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The result as lines for the terminal."""
    yield (
        f"{result['songs']} songs, {result['artists']} artists, {result['genres']} genres; {result['repeats']} "
        f"random 80/20 splits"
    )
    yield f"{'accuracy of':46} {'unseen songs':>15} {'unseen artists':>15}"
    for row in result["models"]:
        cells = [f"{row[key]['accuracy']:.3f} +- {row[key]['deviation']:.3f}" for key in ("songs", "artists")]
        yield f"{row['model']:46} {cells[0]:>15} {cells[1]:>15}"
    for row in (*result["shipped"], *result["without_blur"]):
        name = "shipped" if row["blur"] else "without blur"
        yield f"{name}, unseen artists, columns off by {row['error']}: {row['accuracy']:.3f} +- {row['deviation']:.3f}"
        for entry in row["thresholds"]:
            genres = ", ".join(f"{name} {count}" for name, count in entry["genres"].items())
            right = "-" if entry["right"] is None else f"{entry['right']:.3f}"
            mean = "-" if entry["confidence"] is None else f"{entry['confidence']:.3f}"
            yield (
                f"  from {entry['threshold']}: written for {entry['written']:.3f}, mean confidence {mean}, right "
                f"{right} ({genres})"
            )


def main(arguments: list[str] | None = None) -> int:
    """Command line: evaluate and print."""
    parser = argparse.ArgumentParser(prog="python -m features.evaluate", description="Evaluate genre models.")
    parser.add_argument("data", type=Path, help="the notebook's folder or its training CSV")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="random splits of each kind")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    result = evaluate(read(options.data), options.repeats)
    print(json.dumps(result) if options.json else "\n".join(lines(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
