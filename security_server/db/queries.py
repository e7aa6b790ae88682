"""Read, insert and update single rows by key, in portable SQL.

Statements are cached per table and set of columns: building one costs more than running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Insert, Select, Table, Update, and_, bindparam, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

Names = tuple[str, ...]


def _where(table: Table, names: Names) -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(f"key_{name}", type_=table.c[name].type) for name in names))


def _keys(key: Mapping[str, Any]) -> dict[str, Any]:
    return {f"key_{name}": value for name, value in key.items()}


@lru_cache(maxsize=256)
def _select(table: Table, names: Names) -> Select[Any]:
    return select(table).where(_where(table, names))


@lru_cache(maxsize=256)
def _update(table: Table, names: Names, values: Names) -> Update:
    new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in values}
    return update(table).where(_where(table, names)).values(new)


@lru_cache(maxsize=256)
def _increase(table: Table, names: Names, values: Names) -> Update:
    new = {name: table.c[name] + bindparam(f"new_{name}", type_=table.c[name].type) for name in values}
    return update(table).where(_where(table, names)).values(new)


@lru_cache(maxsize=256)
def _insert(table: Table, names: Names) -> Insert:
    return insert(table).values({name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names})


def get(connection: Connection, table: Table, **key: Any) -> dict[str, Any] | None:
    """The row with this key, or None."""
    row = connection.execute(_select(table, tuple(key)), _keys(key)).mappings().first()
    return None if row is None else dict(row)


def new(connection: Connection, table: Table, **values: Any) -> None:
    """Insert a row."""
    connection.execute(_insert(table, tuple(values)), {f"new_{name}": value for name, value in values.items()})


def change(connection: Connection, table: Table, key: Mapping[str, Any], **values: Any) -> int:
    """Update the rows with a key; returns their number."""
    fields = {f"new_{name}": value for name, value in values.items()}
    return connection.execute(_update(table, tuple(key), tuple(values)), {**_keys(key), **fields}).rowcount


def put(connection: Connection, table: Table, key: Mapping[str, Any], **values: Any) -> None:
    """Update a row, or insert it."""
    if change(connection, table, key, **values) == 0:
        new(connection, table, **key, **values)


def add(connection: Connection, table: Table, key: Mapping[str, Any], **amounts: int) -> None:
    """Add to counters of a row; a missing row is inserted with these amounts."""
    fields = {f"new_{name}": amount for name, amount in amounts.items()}
    if connection.execute(_increase(table, tuple(key), tuple(amounts)), {**_keys(key), **fields}).rowcount == 0:
        new(connection, table, **key, **amounts)
