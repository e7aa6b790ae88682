"""Bounds of the numbers in signed requests."""

from __future__ import annotations

from pywallet.errors import InputError


def check_times(**values: int) -> None:
    """Require times and counters below 2^53, as database and JSON hold them. Raises InputError ``message.schema``."""
    for name, value in values.items():
        if value >= 1 << 53:
            raise InputError("message.schema", field=name, reason="too large")
