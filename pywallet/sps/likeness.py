"""The ``features`` field of a header: how a recording sounds, as one byte per measure, for "more like this".

Layout: the version of the layout (one byte, 1), then one byte per column of
``COLUMNS``, each a value on a fixed scale: 0 is ``low`` or less, 255 is
``high`` or more. It describes the sound for comparing songs with one another
and grants nothing. A reader that meets another version ignores the field.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

VERSION: Final = 1
MAX_LENGTH: Final = 64
"""Longest ``features`` field of any version, bytes."""


@dataclass(frozen=True, slots=True)
class Column:
    """One measure and its scale; ``weight`` is what it counts for when two songs are compared."""

    name: str
    low: float
    high: float
    weight: float = 1.0


def _columns() -> tuple[Column, ...]:
    words = ("energy", "danceability", "liveness", "valence", "acousticness", "speechiness")
    timbre = 9 / 31
    return (
        Column("tempo", -1, 2),
        *(Column(name, 0, 100) for name in words),
        Column("loudness", -60, 0),
        Column("brightness", 0, 7),
        *(Column(f"timbre_{n}", -100, 300 if n == 1 else 100, timbre) for n in range(1, 13)),
        *(Column(f"change_{n}", 0, 64, timbre) for n in range(1, 13)),
        *(Column(f"contrast_{n}", 0, 60, timbre) for n in range(7)),
    )


COLUMNS: Final = _columns()
"""Tempo in log2(BPM/60); six measures 0 to 100; loudness in LUFS; brightness in log2(Hz/100).

The 31 of timbre weigh as the nine do.
"""


def pack(values: Mapping[str, float]) -> bytes:
    """The field's bytes. A value missing or not a number stands as ``low``."""
    out = bytearray([VERSION])
    for column in COLUMNS:
        value = values.get(column.name, column.low)
        share = (value - column.low) / (column.high - column.low) if math.isfinite(value) else 0.0
        out.append(round(255 * min(1.0, max(0.0, share))))
    return bytes(out)


def unpack(field: bytes) -> dict[str, float] | None:
    """Value by column's name, each within half a step of what was packed; None if empty or of another layout."""
    if len(field) != 1 + len(COLUMNS) or field[0] != VERSION:
        return None
    return {
        column.name: column.low + byte / 255 * (column.high - column.low)
        for column, byte in zip(COLUMNS, field[1:], strict=True)
    }
