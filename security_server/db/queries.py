"""Three small ways to read and write a row, in SQL that every database knows.

Statements are built once for each table and set of columns: building them
costs more than running them.
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
    """Write a row that doesn't exist yet."""
    connection.execute(_insert(table, tuple(values)), {f"new_{name}": value for name, value in values.items()})


def change(connection: Connection, table: Table, key: Mapping[str, Any], **values: Any) -> int:
    """Change a row; how many there were."""
    fields = {f"new_{name}": value for name, value in values.items()}
    return connection.execute(_update(table, tuple(key), tuple(values)), {**_keys(key), **fields}).rowcount


def put(connection: Connection, table: Table, key: Mapping[str, Any], **values: Any) -> None:
    """Write a row, whether it exists or not."""
    if change(connection, table, key, **values) == 0:
        new(connection, table, **key, **values)


def add(connection: Connection, table: Table, key: Mapping[str, Any], **amounts: int) -> None:
    """Add to a row's counters; a missing row starts from zero."""
    fields = {f"new_{name}": amount for name, amount in amounts.items()}
    if connection.execute(_increase(table, tuple(key), tuple(amounts)), {**_keys(key), **fields}).rowcount == 0:
        new(connection, table, **key, **amounts)
