"""The tables of a database: made where there are none, and never those of another version."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from pywallet.crypto import keccak256
from pywallet.errors import GomaaError


def make_tables(engine: Engine, wanted: sa.MetaData) -> None:
    """Make the tables, all of them or none, or see that they are those of this version; nothing else is changed.

    Raises:
        GomaaError: ``station.database.version``, with the version ``found`` and the one ``expected``.
    """
    with engine.begin() as db:
        there = sa.inspect(db)
        present = sorted(wanted.tables.keys() & set(there.get_table_names()))
        if not present:
            wanted.create_all(db)
            return
        found = _version(f"{table}.{column['name']}" for table in present for column in there.get_columns(table))
        expected = _version(f"{table.name}.{column.name}" for table in wanted.sorted_tables for column in table.columns)
        if found != expected:
            raise GomaaError("station.database.version", found=found, expected=expected)


def _version(columns: Iterable[str]) -> int:
    """A number that follows from all tables and columns: another version of this program has another one."""
    return int.from_bytes(keccak256("\n".join(sorted(columns)).encode())[:7], "big")
