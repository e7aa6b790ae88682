"""``python -m features.train DATA``: train the shipped genre model from the notebook's table. Needs scikit-learn.

Four of the seven columns are approximations with unknown errors. The model is trained on copies of the songs whose
approximated columns have added noise of one standard deviation, so that it weighs them accordingly and its
probabilities stay calibrated under such errors (docs/genre.md).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.classifier import COLUMNS, EXACT, SHIPPED, Model
from features.data import OTHER, Songs, read

BLUR: Final = 1.0
"""Noise added to the approximated columns, in standard deviations."""
COPIES: Final = 20
STRENGTH: Final = 0.3
"""Inverse strength of the L2 penalty, per copy."""
THRESHOLD: Final = 0.5
"""Smallest probability of a genre that is written; docs/genre.md reports the accuracy above it."""
SEED: Final = 0

Array = NDArray[np.float64]


def fit(rows: Array, labels: NDArray[np.str_], blur: float = BLUR) -> tuple[Model, Any]:
    """Train a model.

    Args:
        rows: Values of ``COLUMNS``, shape (songs, 7).
        labels: Class of each song.
        blur: Noise on the approximated columns, standard deviations.

    Returns:
        The model, and scikit-learn's own, which takes standardised rows.
    """
    from sklearn.linear_model import LogisticRegression

    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
    blurred = np.array([name not in EXACT for name in COLUMNS])
    draw = np.random.default_rng(SEED)
    standard = np.tile((rows - mean) / scale, (COPIES, 1))
    standard += blur * blurred * draw.standard_normal(standard.shape)
    estimator = LogisticRegression(C=STRENGTH / COPIES, max_iter=5000, tol=1e-8).fit(standard, np.tile(labels, COPIES))
    weights, bias, genres = estimator.coef_, estimator.intercept_, tuple(map(str, estimator.classes_))
    if len(genres) == 2:  # for two classes scikit-learn has one row: the log-odds of the second
        weights, bias = np.vstack([np.zeros_like(weights), weights]), np.array([0.0, bias[0]])
    low, high = rows.min(axis=0), rows.max(axis=0)
    unreported = tuple(name for name in genres if name == OTHER)
    return Model(COLUMNS, genres, mean, scale, low, high, weights, bias, THRESHOLD, unreported), estimator


def train(songs: Songs) -> Model:
    """Train the shipped model: families of genres by seven columns."""
    return fit(songs.columns(COLUMNS), songs.family)[0]


def main(arguments: list[str] | None = None) -> int:
    """Command line: train and write the model."""
    parser = argparse.ArgumentParser(prog="python -m features.train", description="Train the genre model.")
    parser.add_argument("data", type=Path, help="the notebook's folder or its training CSV")
    parser.add_argument(
        "-o", "--output", type=Path, default=SHIPPED, help="where to write it (default: the package's own)"
    )
    options = parser.parse_args(arguments)
    songs = read(options.data)
    options.output.write_text(train(songs).to_json(), encoding="utf-8")
    print(f"{options.output}: {len(songs)} songs, {len(set(songs.family.tolist()))} families")
    return 0


if __name__ == "__main__":
    sys.exit(main())
