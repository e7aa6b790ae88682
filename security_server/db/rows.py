"""Rows of one table in memory: read once, changed there, and written with the transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Column, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ColumnElement

from security_server.db.tables.columns import Wei

Row = Mapping[str, Any]
"""Values by column name. Never changed: a changed row is another mapping."""

Key = tuple[Any, ...]
"""Values of a primary key, in the order of its columns."""

Columns = frozenset[str] | None
"""Columns of a row that are not written yet; None: it is not inserted yet."""

CLEAN: Final[frozenset[str]] = frozenset()
"""Columns of a row that is written: none."""

_MOST_ROWS: Final = 30_000
"""Rows of a table that stay in memory after a transaction. Beyond that the older half is read again when needed."""

_MOST_GROUPS: Final = 20_000
"""Groups of a selection that stay in memory after a transaction."""


@dataclass(frozen=True, eq=False)
class Selection:
    """Rows of a table that fulfil a condition, grouped by the value of a column.

    Attributes:
        table: The table.
        column: Name of the column whose value names a group. It never changes in a row.
        holds: The condition in Python.
        condition: The same condition in SQL.
        amounts: Numbers of a row that are summed over its group.
    """

    table: Table
    column: str
    holds: Callable[[Row], bool]
    condition: ColumnElement[bool]
    amounts: Callable[[Row], tuple[int, ...]] = lambda _: ()


class Group:
    """Rows of a selection with one value of its column.

    Attributes:
        rows: By primary key, in the order in which they entered.
        sums: Of the selection's amounts.
    """

    def __init__(self, selection: Selection, key_of: Callable[[Row], Key], rows: Iterable[Row]) -> None:
        self._selection = selection
        self.rows: dict[Key, Row] = {}
        self.sums: list[int] = [0] * len(selection.amounts(_Zeros()))
        for row in rows:
            self.replace(key_of(row), None, row)

    def replace(self, key: Key, before: Row | None, after: Row | None) -> None:
        """Take a changed row of this group; None stands for a row outside of the group."""
        if before is not None:
            self._add(before, -1)
        if after is None:
            self.rows.pop(key, None)
            return
        self.rows[key] = after
        self._add(after, 1)

    def _add(self, row: Row, sign: int) -> None:
        for index, amount in enumerate(self._selection.amounts(row)):
            self.sums[index] += sign * amount


class _Zeros(dict[str, Any]):
    """A row of zeros, which tells how many amounts a selection has."""

    def __missing__(self, _: str) -> int:
        return 0


class TableRows:
    """Rows of a table that were read or changed, and what of them is not written yet.

    Args:
        table: The table.
        dialect: Of the database, for the SQL of single rows.

    Attributes:
        rows: By primary key; None: there is no such row.
        unwritten: Columns to write, by primary key.
        version: A number that grows with every change.
        sql: The SQL of single rows.
    """

    def __init__(self, table: Table, dialect: Dialect) -> None:
        self.table = table
        self.sql = RowSql(table, dialect)
        self.rows: dict[Key, Row | None] = {}
        self.unwritten: dict[Key, Columns] = {}
        self.version = 0
        self._groups: dict[Selection, dict[Any, Group]] = {}
        self._is_kept: bool = table.info.get("is_kept", True)

    def set(self, key: Key, row: Row, columns: Columns) -> None:
        """Change or insert a row.

        Args:
            key: Its primary key.
            row: Its values afterwards.
            columns: The changed columns; None: it is new.
        """
        before = self.rows.get(key)
        self.rows[key] = row
        self.mark(key, columns)
        self.version += 1
        for selection, groups in self._groups.items():
            old = before if before is not None and selection.holds(before) else None
            new = row if selection.holds(row) else None
            group = groups.get(row[selection.column])
            if group is not None and (old is not None or new is not None):
                group.replace(key, old, new)

    def drop(self, key: Key) -> None:
        """Take out a row that was deleted."""
        row = self.rows.pop(key, None)
        self.version += 1
        for selection, groups in self._groups.items():
            if row is None:
                # Which group it was in is not known.
                groups.clear()
            elif selection.holds(row) and (group := groups.get(row[selection.column])) is not None:
                group.replace(key, row, None)

    def mark(self, key: Key, columns: Columns) -> None:
        """Note columns as unwritten, beside those that are already."""
        if columns is None:
            self.unwritten[key] = None
        elif columns:
            noted = self.unwritten.get(key, CLEAN)
            self.unwritten[key] = None if noted is None else noted | columns

    def restore(self, key: Key, row: Row | None, columns: Columns) -> None:
        """Put a row back as it was. The table's groups are read again after ``refresh``."""
        if row is None:
            self.rows.pop(key, None)
            self.unwritten.pop(key, None)
            return
        self.rows[key] = row
        self.mark(key, columns)

    def refresh(self) -> None:
        """Read groups again when they are needed: their rows have changed in a way that they cannot follow."""
        self._groups.clear()
        self.version += 1

    def forget(self) -> None:
        """Read everything again when it is needed."""
        self.rows.clear()
        self.unwritten.clear()
        self.refresh()

    def group(self, selection: Selection, value: Any) -> Group | None:
        """A group in memory, or None."""
        return self._groups.setdefault(selection, {}).get(value)

    def keep_group(self, selection: Selection, value: Any, rows: Iterable[Row]) -> Group:
        """Keep a group that was read, and its rows."""
        group = Group(selection, self.sql.key_of, rows)
        for key, row in group.rows.items():
            self.rows.setdefault(key, row)
        self._groups.setdefault(selection, {})[value] = group
        return group

    def trim(self) -> None:
        """Limit the memory after a commit."""
        if not self._is_kept:
            self.rows.clear()
        elif len(self.rows) > _MOST_ROWS:
            for key in list(self.rows)[: len(self.rows) // 2]:
                del self.rows[key]
        for groups in self._groups.values():
            if len(groups) > _MOST_GROUPS:
                groups.clear()


class RowSql:
    """SQL of single rows of a table, and the conversion of their values, for one database driver."""

    def __init__(self, table: Table, dialect: Dialect) -> None:
        quote = dialect.identifier_preparer.quote
        self._mark = "?" if dialect.paramstyle == "qmark" else "%s"
        self._table = quote(table.name)
        self._quoted = {column.name: quote(column.name) for column in table.columns}
        self.names: tuple[str, ...] = tuple(self._quoted)
        self.key: tuple[str, ...] = tuple(column.name for column in table.primary_key.columns)
        self._key_of: Callable[[Row], Any] = itemgetter(*self.key)
        self._texts: frozenset[str] = frozenset(column.name for column in table.columns if isinstance(column.type, Wei))
        self.defaults: dict[str, Any] = {column.name: _default(column) for column in table.columns}
        named = ", ".join(self._quoted.values())
        self.select: str = " ".join(("SELECT", named, "FROM", self._table, "WHERE", self._match()))
        marks = ", ".join(self._mark for _ in self.names)
        self.insert: str = " ".join(("INSERT INTO", self._table, f"({named}) VALUES ({marks})"))
        self.delete: str = " ".join(("DELETE FROM", self._table, "WHERE", self._match()))
        self._updates: dict[frozenset[str], tuple[str, tuple[str, ...]]] = {}

    def is_key(self, values: Row) -> bool:
        """True if these are the values of the primary key and nothing else."""
        return len(values) == len(self.key) and all(map(values.__contains__, self.key))

    def key_of(self, values: Row) -> Key:
        """The primary key in a row, or in values that contain one."""
        key = self._key_of(values)
        return key if len(self.key) > 1 else (key,)

    def update(self, columns: frozenset[str]) -> tuple[str, tuple[str, ...]]:
        """An UPDATE of columns of one row, and the names of its parameters in order."""
        made = self._updates.get(columns)
        if made is None:
            ordered = tuple(name for name in self.names if name in columns)
            values = ", ".join(f"{self._quoted[name]} = {self._mark}" for name in ordered)
            made = (" ".join(("UPDATE", self._table, "SET", values, "WHERE", self._match())), (*ordered, *self.key))
            self._updates[columns] = made
        return made

    def encode(self, row: Row, names: Sequence[str]) -> tuple[Any, ...]:
        """Values of these columns as the driver takes them."""
        texts = self._texts
        return tuple(str(row[name]) if name in texts and row[name] is not None else row[name] for name in names)

    def encode_key(self, key: Sequence[Any]) -> tuple[Any, ...]:
        """A primary key as the driver takes it: PostgreSQL compares no text with a number."""
        if self._texts.isdisjoint(self.key):
            return tuple(key)
        return tuple(str(value) if name in self._texts else value for name, value in zip(self.key, key, strict=True))

    def decode(self, values: Sequence[Any]) -> Row:
        """A row of ``select``."""
        row = dict(zip(self.names, values, strict=True))
        for name in self._texts:
            if row[name] is not None:
                row[name] = int(row[name])
        return row

    def _match(self) -> str:
        return " AND ".join(f"{self._quoted[name]} = {self._mark}" for name in self.key)


def _default(column: Column[Any]) -> Any:
    """The server's default of a column as a Python value; None: it has none."""
    default = getattr(column.server_default, "arg", None)
    if default is None:
        return None
    return int(default) if column.type.python_type is int or isinstance(column.type, Wei) else str(default)
