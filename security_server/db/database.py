"""Opening the database.

One process on SQLite, several on PostgreSQL of which one leads, and never another version's tables.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError, DBAPIError

from pywallet.crypto import keccak256
from pywallet.errors import GomaaError, InputError
from security_server.db.cursors import mark, set_mark
from security_server.db.tables import METADATA

SCHEMA: Final = "schema"
"""The mark that names the tables' version."""

_LEADER, _MAKING = (int.from_bytes(keccak256(b"gomaa/1 " + name)[:7], "big") for name in (b"leader", b"schema"))
"""PostgreSQL's advisory locks of this program."""

_AGAIN: Final = frozenset({"40001", "40P01"})
"""SQLSTATE of transactions that can be tried again: serialization_failure, deadlock_detected."""


def schema_version() -> int:
    """A number that follows from all tables and columns: another version of this program has another one."""
    lines = [
        f"{table.name}.{column.name} {type(column.type).__name__} {column.nullable} {column.primary_key}"
        for table in METADATA.sorted_tables
        for column in table.columns
    ]
    return int.from_bytes(keccak256("\n".join(sorted(lines)).encode())[:7], "big")


def open_database(url: str) -> tuple[Engine, Lock]:
    """The database with its tables, made where there are none, and the lock that was taken on it first.

    Args:
        url: As SQLAlchemy wants it.

    Raises:
        InputError: ``message.schema``: no URL of a database.
        GomaaError: ``server.database.busy``: another process has the SQLite file; ``server.database.version``: tables
            of another
            version are there, with the one ``found`` (0: none is named) and the one ``expected``; nothing was changed.
    """
    try:
        engine = (
            create_engine(url, isolation_level="SERIALIZABLE") if url.startswith("postgresql") else create_engine(url)
        )
    except (ArgumentError, ValueError):
        # The library's own words may repeat the URL, which may hold a password.
        raise InputError("message.schema", field="database", reason="no database URL") from None
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    lock: Lock | None = None
    try:
        lock = _lock(engine)
        with engine.begin() as connection:
            _make_tables(connection)
    except BaseException:
        if lock is not None:
            lock.release()
        engine.dispose()
        raise
    return engine, lock


def _make_tables(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _MAKING})
    present = set(inspect(connection).get_table_names()) & METADATA.tables.keys()
    if not present:
        METADATA.create_all(connection)
        set_mark(connection, SCHEMA, schema_version())
        return
    found = mark(connection, SCHEMA) if "marks" in present else None
    if found != schema_version():
        raise GomaaError("server.database.version", found=found or 0, expected=schema_version())


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # SQLAlchemy's own BEGIN below: the driver's would break savepoints.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            "busy_timeout=5000",
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def again(error: BaseException) -> bool:
    """Whether a transaction failed only because another one ran beside it."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _AGAIN


class Lock(Protocol):
    """Keeps two processes from doing the same work."""

    def leads(self) -> bool:
        """Whether this process closes, posts and answers now."""
        ...

    def release(self) -> None:
        """Let another process in."""
        ...


def _lock(engine: Engine) -> Lock:
    if engine.dialect.name == "postgresql":
        return _Leader(engine)
    path = engine.url.database
    return _Alone() if path is None or path in ("", ":memory:") else _FileLock(Path(path))


class _Alone:
    """A database in memory: nobody else can have it."""

    def leads(self) -> bool:
        return True

    def release(self) -> None:
        pass


class _FileLock(_Alone):
    """A lock file beside the database, held by the operating system: a crash frees it."""

    def __init__(self, database: Path) -> None:
        self._file = database.with_name(database.name + ".lock").open("ab")
        try:
            _hold(self._file.fileno())
        except OSError:
            self._file.close()
            raise GomaaError("server.database.busy") from None

    def release(self) -> None:
        self._file.close()


def _hold(descriptor: int) -> None:
    """Take the whole file, or raise OSError."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class _Leader:
    """PostgreSQL: one process at a time holds an advisory lock.

    It is free as soon as that process or its connection ends.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def leads(self) -> bool:
        try:
            if self._connection is None:
                connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                if not connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": _LEADER}).scalar():
                    connection.close()
                    return False
                self._connection = connection
            return bool(self._connection.execute(text("select 1")).scalar())
        except DBAPIError:
            self.release()
            return False

    def release(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # Not back to the pool: the lock belongs to the session.
            connection.invalidate()
            connection.close()
