"""The epoch that new counts enter."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, select, union_all

from security_server.db.connection import Connection
from security_server.db.cursors import FLOOR
from security_server.db.tables import cursors, epochs

_FIRST_OPEN: Final = union_all(
    select((func.max(epochs.c.epoch) + 1).label("first")),
    select(cursors.c.value.label("first")).where(cursors.c.name == FLOOR),
).subquery()
_QUERY: Final = select(func.max(_FIRST_OPEN.c.first))


def running_epoch(connection: Connection, epoch: int) -> int:
    """The epoch that new counts enter: the clock's, or a later one.

    Later where the clock's is closed already, or where a lost database may have signed receipts of it.

    Args:
        connection: Of the transaction that will count.
        epoch: The clock's epoch.
    """
    first = connection.remember("first open epoch", (epochs, cursors), lambda: connection.execute(_QUERY).scalar())
    return epoch if first is None else max(epoch, first)
