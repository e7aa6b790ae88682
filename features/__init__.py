"""Audio features of a recording, an estimate of its genre, and the header fields made of them.

librosa (the extra ``features``) is imported on first use.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from features.values import PCM, Features, Genre

__all__ = ["PCM", "Features", "Genre", "classify", "extract", "for_header"]


def extract(source: Path | str | PCM) -> Features:
    """Measure a file or a stream of samples, in constant memory (``features.analysis``).

    Raises:
        InputError: ``media.decode``: no readable sound; ``media.unsupported``: the extra ``features`` is missing.
        OSError: The file cannot be read.
    """
    from features.analysis import analyse

    return analyse(source)


def classify(features: Features) -> Genre | None:
    """Genre by the shipped model, or None below its threshold; docs/genre.md reports its accuracy."""
    from features.classifier import shipped

    return shipped().classify(features)


def for_header(source: Path | str | PCM) -> dict[str, Any]:
    """Fields of ``pywallet.sps.Header``; {} for silence.

    Returns:
        ``features`` (at most 64 bytes) and, where a genre is recognised, ``genre`` (text) and ``genre_confidence``
        (integer per cent).

    Raises:
        InputError, OSError: As ``extract``.
    """
    measured = extract(source)
    if measured.silent:
        return {}
    genre = classify(measured)
    return {
        "features": measured.vector(),
        **({} if genre is None else {"genre": genre.name, "genre_confidence": round(100 * genre.confidence)}),
    }
