"""Numbers of signed requests that fit the database."""

from __future__ import annotations

from pywallet.errors import InputError


def check_times(**values: int) -> None:
    """Times and counters that fit the database and are times at all. Raises InputError ``message.schema``."""
    for name, value in values.items():
        if value >= 1 << 53:
            raise InputError("message.schema", field=name, reason="too large")
