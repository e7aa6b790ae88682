"""The shipped genre model: coefficients in ``genre.json``, applied without scikit-learn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features.values import Features, Genre
from pywallet.errors import InputError

SHIPPED: Final = Path(__file__).with_name("genre.json")
VERSION: Final = 1
COLUMNS: Final = ("bpm", "dB", "dur", "nrgy", "dnce", "acous", "spch")
"""Columns of the model; ``live`` and ``val`` are left out, because their approximations are unreliable."""
EXACT: Final = ("bpm", "dB", "dur")
"""Columns that are measured; the others are approximated."""

Array = NDArray[np.float64]


def row(features: Features) -> Array:
    """A recording's values of ``COLUMNS``, in the notebook's units."""
    f = features
    return np.array(
        [f.tempo_bpm, f.loudness_db, f.duration_s, f.energy, f.danceability, f.acousticness, f.speechiness], float
    )


@dataclass(frozen=True)
class Model:
    """A multinomial logistic regression over standardised columns.

    Attributes:
        columns: Names of the columns.
        genres: Names of the classes.
        mean: Mean of each column, shape (columns,).
        scale: Standard deviation of each column, shape (columns,).
        low: Smallest value of each column in the training data.
        high: Largest value of each column in the training data.
        weights: Coefficients, shape (genres, columns).
        bias: Intercepts, shape (genres,).
        threshold: Probability below which no genre is returned.
        unreported: Classes that are never returned.
    """

    columns: tuple[str, ...]
    genres: tuple[str, ...]
    mean: Array
    scale: Array
    low: Array
    high: Array
    weights: Array
    bias: Array
    threshold: float
    unreported: tuple[str, ...]

    def probabilities(self, rows: Array) -> Array:
        """Class probabilities, shape (rows, genres), of rows in the notebook's units, shape (rows, columns)."""
        logits = (rows - self.mean) / self.scale @ self.weights.T + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def classify(self, features: Features) -> Genre | None:
        """The most probable genre; None for silence, outside the training range, and below the threshold."""
        values = row(features)
        exact = [self.columns.index(name) for name in EXACT]
        if features.silent or np.any(values[exact] < self.low[exact]) or np.any(values[exact] > self.high[exact]):
            return None
        probabilities = self.probabilities(np.clip(values, self.low, self.high)[None])[0]
        best = int(probabilities.argmax())
        if probabilities[best] < self.threshold or self.genres[best] in self.unreported:
            return None
        return Genre(self.genres[best], float(probabilities[best]))

    def to_json(self) -> str:
        """Text of ``genre.json``; six significant digits, so that it does not depend on the machine."""

        def short(value: Any) -> Any:
            return [short(v) for v in value] if isinstance(value, list) else float(f"{value:.6g}")

        numbers = {
            name: short(getattr(self, name).tolist()) for name in ("mean", "scale", "low", "high", "weights", "bias")
        }
        fields = {
            "version": VERSION,
            "columns": self.columns,
            "genres": self.genres,
            **numbers,
            "threshold": self.threshold,
            "unsaid": self.unreported,
        }
        return (
            "{\n" + ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items()) + "\n}\n"
        )

    @classmethod
    def from_json(cls, text: str) -> Model:
        """Parse ``genre.json``.

        Raises:
            InputError: ``message.schema``.
        """
        try:
            raw = json.loads(text)
            arrays = {name: np.array(raw[name], float) for name in ("mean", "scale", "low", "high", "weights", "bias")}
            columns, genres, unreported = tuple(raw["columns"]), tuple(raw["genres"]), tuple(raw["unsaid"])
            valid = (
                raw["version"] == VERSION
                and columns == COLUMNS
                and len(set(genres)) == len(genres) > 0
                and all(arrays[name].shape == (len(columns),) for name in ("mean", "scale", "low", "high"))
                and arrays["weights"].shape == (len(genres), len(columns))
                and arrays["bias"].shape == (len(genres),)
                and all(np.isfinite(array).all() for array in arrays.values())
                and bool((arrays["scale"] > 0).all())
                and 0 <= raw["threshold"] <= 1
            )
        except (KeyError, TypeError, ValueError, RecursionError) as e:
            raise InputError("message.schema", field="genre model", reason=e) from e
        if not valid:
            raise InputError("message.schema", field="genre model")
        return cls(columns, genres, **arrays, threshold=float(raw["threshold"]), unreported=unreported)


@lru_cache(maxsize=1)
def shipped() -> Model:
    """The model of this package."""
    return Model.from_json(SHIPPED.read_text(encoding="utf-8"))
