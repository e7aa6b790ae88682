"""Outcome of a play in the published data of an epoch (docs/settlement.md)."""

from __future__ import annotations

from enum import IntEnum


class PlayOutcome(IntEnum):
    """Append-only; the value is one byte of a play's row."""

    PAID_BY_STATION = 0
    REFUSED = 1
    PAID_BY_LISTENER = 2
