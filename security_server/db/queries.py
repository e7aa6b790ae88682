"""Single rows by key: read, insert, change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table

from security_server.db.connection import Connection
from security_server.db.rows import Row


def get(connection: Connection, table: Table, **key: Any) -> Row | None:
    """The row with this key, or None."""
    return connection.row(table, key)


def new(connection: Connection, table: Table, **values: Any) -> None:
    """Insert a row."""
    connection.insert(table, values)


def change(connection: Connection, table: Table, key: Mapping[str, Any], **values: Any) -> int:
    """Update a row by its primary key and other columns; returns the number of rows, 0 or 1."""
    return connection.update(table, key, values)


def put(connection: Connection, table: Table, key: Mapping[str, Any], **values: Any) -> None:
    """Update a row, or insert it."""
    if not connection.update(table, key, values):
        connection.insert(table, {**key, **values})


def add(connection: Connection, table: Table, key: Mapping[str, Any], **amounts: int) -> None:
    """Add to counters of a row; a missing row is inserted with these amounts."""
    row = connection.row(table, key)
    if row is None:
        connection.insert(table, {**key, **amounts})
    else:
        connection.update(table, key, {name: row[name] + amount for name, amount in amounts.items()})
