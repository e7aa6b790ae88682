"""The ``features`` field of a header: measures of a recording's sound, for comparing songs.

Layout: version of the layout (one byte, 1), then one byte for each of ``COLUMNS``, on a fixed scale: 0 is ``low`` or
less, 255 is ``high`` or more. A reader ignores a field of another version.
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
    """One measure: name, scale, and weight in a comparison of two songs."""

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
"""Tempo in log2(BPM/60); six measures 0 to 100; loudness in LUFS; brightness in log2(Hz/100); 31 measures of timbre.

Those of timbre together have the weight of the other nine.
"""


def pack(values: Mapping[str, float]) -> bytes:
    """Pack measures by name; one that is missing or not finite counts as ``low``."""
    out = bytearray([VERSION])
    for column in COLUMNS:
        value = values.get(column.name, column.low)
        share = (value - column.low) / (column.high - column.low) if math.isfinite(value) else 0.0
        out.append(round(255 * min(1.0, max(0.0, share))))
    return bytes(out)


def unpack(field: bytes) -> dict[str, float] | None:
    """Unpack measures by name, to within half a step; None for an empty field or another version."""
    if len(field) != 1 + len(COLUMNS) or field[0] != VERSION:
        return None
    return {
        column.name: column.low + byte / 255 * (column.high - column.low)
        for column, byte in zip(COLUMNS, field[1:], strict=True)
    }
