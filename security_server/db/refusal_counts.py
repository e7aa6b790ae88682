"""How often something was refused, by day and code: a row per day and code, however many are refused."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from security_server.db.queries import add
from security_server.db.tables import refusals

DAY_MS: Final = 86_400_000


def note(connection: Connection, time_ms: int, what: str, code: str) -> None:
    """Count one refusal.

    Args:
        connection: The transaction to write in.
        time_ms: When, Unix milliseconds.
        what: ``ticket`` or ``invocation``.
        code: The error's code.
    """
    add(connection, refusals, {"day": time_ms // DAY_MS, "what": what, "code": code}, count=1)
