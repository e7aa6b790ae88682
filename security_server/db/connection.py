"""A transaction's connection: single rows in memory, other statements in SQL (decision 0062)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar, overload

from sqlalchemy import Connection as SqlConnection
from sqlalchemy import CursorResult, Table, select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Executable
from sqlalchemy.sql.selectable import TypedReturnsRows

from security_server.db.rows import CLEAN, Columns, Group, Key, Row, Selection, TableRows
from security_server.db.sessions import execute_each
from security_server.db.tables import METADATA

T = TypeVar("T")
R = TypeVar("R", bound=tuple[Any, ...])

_MOST_MEMOS: Final = 10_000
"""Values that stay in memory after a transaction."""


class Rows:
    """Rows of all tables in memory, from one transaction to the next.

    They are what the database holds as long as one process alone changes it. Otherwise they are forgotten before each
    transaction.

    Args:
        dialect: Of the database.
        is_kept: False where they are forgotten before each transaction.
    """

    def __init__(self, dialect: Dialect, *, is_kept: bool = True) -> None:
        self.dialect = dialect
        self.is_kept = is_kept
        self.tables: dict[Table, TableRows] = {table: TableRows(table, dialect) for table in METADATA.tables.values()}
        self.memos: dict[Hashable, tuple[tuple[int, ...], Any]] = {}

    def forget(self) -> None:
        """Read everything again when it is needed."""
        for rows in self.tables.values():
            rows.forget()
        self.memos.clear()

    def trim(self) -> None:
        """Limit the memory after a commit."""
        for rows in self.tables.values():
            rows.trim()
        if len(self.memos) > _MOST_MEMOS:
            self.memos.clear()


class _Changes:
    """Changes inside a savepoint, which the database gets before the first statement that changes it."""

    def __init__(self) -> None:
        self.is_open = False
        self.before: dict[tuple[TableRows, Key], tuple[Row | None, Columns]] = {}
        self.written: list[tuple[TableRows, Key, Row, Columns]] = []
        self.forgotten: list[TableRows] = []

    def undo(self) -> None:
        """Put the rows back as they were: the database has gone back to the savepoint."""
        for rows in self.forgotten:
            rows.forget()
        # Written inside the savepoint, and so no longer written.
        for rows, key, row, columns in self.written:
            rows.restore(key, row, columns)
        for (rows, key), (before, columns) in self.before.items():
            rows.restore(key, before, columns)
        touched = {rows for rows, *_ in self.written} | {rows for rows, _ in self.before}
        for rows in touched:
            rows.refresh()

    def add(self, inner: _Changes) -> None:
        """Add what was done inside a savepoint that is released."""
        for key, before in inner.before.items():
            self.before.setdefault(key, before)
        self.written += inner.written
        self.forgotten += inner.forgotten


class Connection:
    """The connection of a running transaction.

    Args:
        raw: Of SQLAlchemy, in a transaction.
        rows: Rows in memory; ``finish`` has to be called before the commit.
    """

    def __init__(self, raw: SqlConnection, rows: Rows) -> None:
        self._raw = raw
        self._rows = rows
        self._cursor = raw.connection.cursor()
        self._savepoints: list[_Changes] = []

    @property
    def raw(self) -> SqlConnection:
        """SQLAlchemy's connection."""
        return self._raw

    @property
    def is_kept(self) -> bool:
        """True if rows and groups stay in memory from one transaction to the next."""
        return self._rows.is_kept

    def row(self, table: Table, key: Mapping[str, Any]) -> Row | None:
        """The row with these values of its primary key, or of any other columns; None: there is none."""
        rows = self._rows.tables[table]
        if rows.sql.is_key(key):
            return self._row(rows, rows.sql.key_of(key))
        conditions = (table.c[name] == value for name, value in key.items())
        found = self.execute(select(table).where(*conditions)).mappings().first()
        return None if found is None else dict(found)

    def insert(self, table: Table, values: Mapping[str, Any]) -> None:
        """Insert a row; columns without a value get their default."""
        rows = self._rows.tables[table]
        row = {**rows.sql.defaults, **values}
        key = rows.sql.key_of(row)
        if rows.rows.get(key) is not None:
            # The database refuses a second row with this key.
            self.flush()
            self._open()
            self._run(rows.sql.insert, rows.sql.encode(row, rows.sql.names))
        self._note(rows, key)
        rows.set(key, row, None)

    def update(self, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """Change columns of a row.

        Args:
            table: The table.
            key: Its primary key, and other columns that must have these values.
            values: The columns' new values.

        Returns:
            The number of rows, 0 or 1.
        """
        rows = self._rows.tables[table]
        identity = rows.sql.key_of(key)
        row = self._row(rows, identity)
        if row is None or (len(key) > len(identity) and any(row[name] != value for name, value in key.items())):
            return 0
        changed = frozenset([name for name, value in values.items() if row[name] != value])
        if changed:
            self._note(rows, identity)
            rows.set(identity, {**row, **values}, changed)
        return 1

    def delete(self, table: Table, keys: Sequence[Sequence[Any]]) -> None:
        """Delete the rows with these primary keys, each found by its index."""
        rows = self._rows.tables[table]
        self.flush()
        self._open()
        if keys:
            self._run(rows.sql.delete, [rows.sql.encode_key(key) for key in keys])
        for key in keys:
            rows.drop(tuple(key))
        self._forgotten(rows)

    def group(self, selection: Selection, value: Any) -> Group:
        """The rows of a selection with this value of its column."""
        rows = self._rows.tables[selection.table]
        group = rows.group(selection, value)
        if group is None:
            query = select(selection.table).where(selection.table.c[selection.column] == value, selection.condition)
            found = [dict(row) for row in self.execute(query).mappings()]
            group = rows.keep_group(selection, value, found)
        return group

    def remember(self, key: Hashable, tables: tuple[Table, ...], read: Callable[[], T]) -> T:
        """A value that is read again only after a change of one of the tables that it depends on."""
        versions = tuple(self._rows.tables[table].version for table in tables)
        noted = self._rows.memos.get(key)
        if noted is not None and noted[0] == versions:
            value: T = noted[1]
            return value
        value = read()
        self._rows.memos[key] = (tuple(self._rows.tables[table].version for table in tables), value)
        return value

    @overload
    def execute(self, statement: TypedReturnsRows[R], parameters: Any = None) -> CursorResult[R]: ...
    @overload
    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]: ...
    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run any other statement. It sees every change before it; what it changes is read again."""
        self.flush()
        if not statement.is_select:
            self._open()
        result: CursorResult[Any] = self._raw.execute(statement, parameters)
        if not statement.is_select:
            table = getattr(statement, "table", None)
            for rows in [self._rows.tables[table]] if table in self._rows.tables else self._rows.tables.values():
                rows.forget()
                self._forgotten(rows)
        return result

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the transaction that an exception undoes alone."""
        changes = _Changes()
        self._savepoints.append(changes)
        try:
            yield
        except BaseException:
            if changes.is_open:
                self._run("ROLLBACK TO SAVEPOINT part")
                self._run("RELEASE SAVEPOINT part")
            changes.undo()
            raise
        else:
            if changes.is_open:
                self._run("RELEASE SAVEPOINT part")
            if len(self._savepoints) > 1:
                self._savepoints[-2].add(changes)
        finally:
            self._savepoints.pop()

    def finish(self) -> None:
        """Write every changed row; the connection is not used afterwards."""
        self.flush()
        self._cursor.close()

    def flush(self) -> None:
        """Write every changed row."""
        changed = [rows for rows in self._rows.tables.values() if rows.unwritten]
        if changed:
            self._open()
        for rows in changed:
            self._write(rows)

    def _open(self) -> None:
        """Tell the database of the savepoints that it does not have yet."""
        for changes in self._savepoints:
            if not changes.is_open:
                self._run("SAVEPOINT part")
                changes.is_open = True

    def _write(self, rows: TableRows) -> None:
        new: list[tuple[Any, ...]] = []
        changed: dict[frozenset[str], list[tuple[Any, ...]]] = {}
        unwritten, rows.unwritten = rows.unwritten, {}
        for key, columns in unwritten.items():
            row = rows.rows[key]
            assert row is not None
            if self._savepoints:
                self._savepoints[-1].written.append((rows, key, row, columns))
            if columns is None:
                new.append(rows.sql.encode(row, rows.sql.names))
            else:
                changed.setdefault(columns, []).append(rows.sql.encode(row, rows.sql.update(columns)[1]))
        if new:
            self._run(rows.sql.insert, new)
        for columns, values in changed.items():
            self._run(rows.sql.update(columns)[0], values)

    def _forgotten(self, rows: TableRows) -> None:
        if self._savepoints:
            self._savepoints[-1].forgotten.append(rows)

    def _row(self, rows: TableRows, key: Key) -> Row | None:
        if key in rows.rows:
            return rows.rows[key]
        self._run(rows.sql.select, rows.sql.encode_key(key))
        found = self._cursor.fetchall()
        row = rows.rows[key] = rows.sql.decode(found[0]) if found else None
        return row

    def _note(self, rows: TableRows, key: Key) -> None:
        """Note a row before its first change inside the savepoint."""
        if self._savepoints:
            before = (rows.rows.get(key), rows.unwritten.get(key, CLEAN))
            self._savepoints[-1].before.setdefault((rows, key), before)

    def _run(self, sql: str, parameters: tuple[Any, ...] | list[tuple[Any, ...]] = ()) -> None:
        try:
            if isinstance(parameters, list) and self._rows.dialect.name == "postgresql":
                execute_each(self._cursor, sql, parameters)
            elif isinstance(parameters, list):
                self._cursor.executemany(sql, parameters)
            else:
                self._cursor.execute(sql, parameters)
        except self._rows.dialect.loaded_dbapi.Error as error:
            raise DBAPIError.instance(sql, None, error, self._rows.dialect.loaded_dbapi.Error) from error
