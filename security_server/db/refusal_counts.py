"""Counts of refusals by day, kind of request and code."""

from __future__ import annotations

from typing import Final

from security_server.db.connection import Connection
from security_server.db.queries import add
from security_server.db.tables import refusal_counts

DAY_MS: Final = 86_400_000


def count_refusal(connection: Connection, time_ms: int, kind: str, code: str) -> None:
    """Count one refusal.

    Args:
        connection: Of the transaction that writes.
        time_ms: Time of the refusal, Unix milliseconds.
        kind: ``ticket`` or ``invocation``.
        code: The error's code.
    """
    add(connection, refusal_counts, {"day": time_ms // DAY_MS, "request_kind": kind, "code": code}, count=1)
