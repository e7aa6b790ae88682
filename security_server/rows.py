"""Three small ways to read and write a row, in SQL that every database knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.sql.elements import ColumnElement


def _where(table: Table, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))


def get(connection: Connection, table: Table, **key: Any) -> RowMapping | None:
    """The row with this key, or None."""
    return connection.execute(select(table).where(_where(table, key))).mappings().first()


def put(connection: Connection, table: Table, key: Mapping[str, Any], **values: Any) -> None:
    """Write a row, whether it exists or not."""
    if connection.execute(update(table).where(_where(table, key)).values(**values)).rowcount == 0:
        connection.execute(insert(table).values(**key, **values))


def add(connection: Connection, table: Table, key: Mapping[str, Any], **amounts: int) -> None:
    """Add to a row's counters; a missing row starts from zero."""
    changes = {name: table.c[name] + amount for name, amount in amounts.items()}
    if connection.execute(update(table).where(_where(table, key)).values(**changes)).rowcount == 0:
        connection.execute(insert(table).values(**key, **amounts))
