"""How a recording sounds, in numbers: features of the audio, a guess at its genre, and the header fields made of them.

Imports nothing heavy until something is measured: librosa comes with the extra ``features``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from features.values import PCM, Features, Genre

__all__ = ["PCM", "Features", "Genre", "classify", "extract", "for_header"]


def extract(source: Path | str | PCM) -> Features:
    """Measure a file or a stream of samples; memory does not grow with its length. See ``features.analysis``.

    Raises:
        InputError: ``media.decode`` without readable sound, ``media.unsupported`` without the extra ``features``.
        OSError: when the file can't be read.
    """
    from features.analysis import analyse

    return analyse(source)


def classify(features: Features) -> Genre | None:
    """The genre the shipped model hears, or None when it is not sure enough.

    See docs/genre.md for how often it errs.
    """
    from features.classifier import shipped

    return shipped().classify(features)


def for_header(source: Path | str | PCM) -> dict[str, Any]:
    """Fields of ``pywallet.sps.Header``; none for silence.

    ``features`` (bytes, at most 64) and, where a genre is recognised, ``genre`` (text) and ``genre_confidence`` (whole
    per cent).

    Raises:
        InputError, OSError: as ``extract``.
    """
    measured = extract(source)
    if measured.silent:
        return {}
    genre = classify(measured)
    return {
        "features": measured.vector(),
        **({} if genre is None else {"genre": genre.name, "genre_confidence": round(100 * genre.confidence)}),
    }
