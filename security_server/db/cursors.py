"""Cursors: single numbers in the database by name."""

from __future__ import annotations

from typing import Final

from security_server.db.connection import Connection
from security_server.db.queries import get, put
from security_server.db.tables import cursors

EVENTS: Final = "events"
"""The first block whose events are not final in the database yet."""

COMPARED: Final = "compared"
"""Epochs before this one agree with the chain and are final."""

FLOOR: Final = "floor"
"""The first epoch that new counts may enter.

Set by an import, because the lost database may have signed receipts of earlier ones.
"""

ENDED: Final = "ended"
"""Every epoch before this one in which something happened is closed."""

TICKETS_SEEN: Final = "tickets_seen"
"""Tickets that ended before this, Unix seconds, are deleted where they may be."""

SESSIONS_SEEN: Final = "sessions_seen"
"""Sessions that ended before this, Unix seconds, are deleted where they may be."""


def read_cursor(connection: Connection, name: str) -> int | None:
    """A cursor's value, or None where it was never set."""
    row = get(connection, cursors, name=name)
    return None if row is None else int(row["value"])


def set_cursor(connection: Connection, name: str, value: int) -> None:
    """Store a cursor's value."""
    put(connection, cursors, {"name": name}, value=value)
