"""The genre model as shipped: a table of numbers in ``genre.json``, read and applied without scikit-learn."""

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
"""The columns used. Not ``live`` and ``val``: our approximations of those stand on too little."""
EXACT: Final = ("bpm", "dB", "dur")
"""The columns that mean the same when we measure them; the others are approximated."""

Array = NDArray[np.float64]


def row(features: Features) -> Array:
    """The columns of one recording in the notebook's units, as ``COLUMNS``."""
    f = features
    return np.array(
        [f.tempo_bpm, f.loudness_db, f.duration_s, f.energy, f.danceability, f.acousticness, f.speechiness], float
    )


@dataclass(frozen=True)
class Model:
    """A multinomial logistic regression over standardised columns.

    ``low`` and ``high``: the range of the training data; ``weights`` (genres,
    columns); ``threshold``: the probability below which nothing is said;
    ``unsaid``: genres that are no answer.
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
    unsaid: tuple[str, ...]

    def probabilities(self, rows: Array) -> Array:
        """Probability of each genre for each row (rows, columns) in the notebook's units; rows sum to 1."""
        logits = (rows - self.mean) / self.scale @ self.weights.T + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def classify(self, features: Features) -> Genre | None:
        """The most probable genre, or None.

        For silence, outside of the data the model has seen, or below the threshold.
        """
        values = row(features)
        exact = [self.columns.index(name) for name in EXACT]
        if features.silent or np.any(values[exact] < self.low[exact]) or np.any(values[exact] > self.high[exact]):
            return None
        chances = self.probabilities(np.clip(values, self.low, self.high)[None])[0]
        best = int(chances.argmax())
        if chances[best] < self.threshold or self.genres[best] in self.unsaid:
            return None
        return Genre(self.genres[best], float(chances[best]))

    def to_json(self) -> str:
        """The file's text; six significant digits, so that it is the same wherever it is trained."""

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
            "unsaid": self.unsaid,
        }
        return (
            "{\n" + ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items()) + "\n}\n"
        )

    @classmethod
    def from_json(cls, text: str) -> Model:
        """Read a model. Raises InputError message.schema."""
        try:
            raw = json.loads(text)
            arrays = {name: np.array(raw[name], float) for name in ("mean", "scale", "low", "high", "weights", "bias")}
            columns, genres, unsaid = tuple(raw["columns"]), tuple(raw["genres"]), tuple(raw["unsaid"])
            sound = (
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
        if not sound:
            raise InputError("message.schema", field="genre model")
        return cls(columns, genres, **arrays, threshold=float(raw["threshold"]), unsaid=unsaid)


@lru_cache(maxsize=1)
def shipped() -> Model:
    """The model in this package."""
    return Model.from_json(SHIPPED.read_text(encoding="utf-8"))
