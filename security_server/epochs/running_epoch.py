"""The epoch that new counts enter."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, select

from security_server.db.connection import Connection
from security_server.db.cursors import FLOOR, read_cursor
from security_server.db.tables import epochs

_NEWEST: Final = select(func.max(epochs.c.epoch))


def last_closed_epoch(connection: Connection) -> int | None:
    """The newest closed epoch, or None."""
    return connection.remember("last closed epoch", (epochs,), lambda: connection.execute(_NEWEST).scalar())


def running_epoch(connection: Connection, epoch: int) -> int:
    """The epoch that new counts enter: the clock's, or a later one.

    Later where the clock's is closed already, or where a lost database may have signed receipts of it.

    Args:
        connection: Of the transaction that will count.
        epoch: The clock's epoch.
    """
    closed, floor = last_closed_epoch(connection), read_cursor(connection, FLOOR)
    return max(epoch, -1 if closed is None else closed + 1, -1 if floor is None else floor)
