"""Opening and migrating the database, and the locks between processes.

SQLite takes one process, PostgreSQL several of which one leads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError, DBAPIError

from pywallet.crypto import keccak256
from pywallet.errors import GomaaError, InputError
from security_server.db.versions import THIS, Release, migrate, read_version, require_version

_LEADER, _MAKING = (int.from_bytes(keccak256(b"gomaa/1 " + name)[:7], "big") for name in (b"leader", b"schema"))
"""Keys of the advisory locks in PostgreSQL: of the leading process, and of a process that creates or migrates."""

_BUSY: Final = frozenset({"55P03", "40P01", "40001"})
"""SQLSTATE of an online migration that can be tried again: lock_not_available, deadlock_detected, serialization."""

_RETRYABLE: Final = frozenset({"40001", "40P01"})
"""SQLSTATE of transactions that can be tried again: serialization_failure, deadlock_detected."""


def open_database(url: str, release: Release = THIS) -> tuple[Engine, Lock]:
    """Open a database of a version that this program can use; an empty one gets its tables.

    Args:
        url: As SQLAlchemy takes it.
        release: What the program knows of versions.

    Returns:
        The engine, and the lock that keeps other processes from the same work.

    Raises:
        InputError: ``message.schema``: no URL of a database.
        GomaaError: ``server.database.busy``: another process has the SQLite file. ``server.database.version``: its
            tables are of another version, see ``versions.require_version``; nothing was changed.
    """
    engine = _engine(url)
    lock: Lock | None = None
    try:
        lock = _lock(engine)
        with _exclusive(engine), engine.begin() as connection:
            require_version(connection, release)
    except BaseException:
        if lock is not None:
            lock.release()
        engine.dispose()
        raise
    return engine, lock


def migrate_database(url: str, release: Release = THIS) -> str:
    """Migrate a database to this program's version in one transaction; all of it, or nothing where it fails.

    On PostgreSQL an online migration runs while servers of the version before use the database.

    Args:
        url: As SQLAlchemy takes it.
        release: What the program knows of versions.

    Returns:
        The version before.

    Raises:
        InputError: ``message.schema``: no URL of a database, or an empty one.
        GomaaError: ``server.database.busy``: a server uses it, or does not leave a table for the time of an online
            migration. ``server.database.version``: a newer or unknown version.
    """
    engine = _engine(url)
    lock: Lock | None = None
    try:
        lock = _lock(engine)
        with _exclusive(engine):
            with engine.connect() as connection:
                version = read_version(connection, release)
            if version == release.head:
                return version
            is_online = version is not None and release.is_online(version)
            # A server leads while it runs: only an online migration may change its tables.
            if not is_online and not lock.leads():
                raise GomaaError("server.database.busy")
            try:
                with engine.begin() as connection:
                    return migrate(connection, release)
            except DBAPIError as error:
                if is_online and getattr(error.orig, "sqlstate", None) in _BUSY:
                    raise GomaaError("server.database.busy", reason="a table is in use, try again") from None
                raise
    finally:
        if lock is not None:
            lock.release()
        engine.dispose()


def compact_database(url: str) -> tuple[int, int]:
    """Give the space of deleted rows back to the system: they leave free pages, which new rows use otherwise.

    On SQLite it writes the whole database anew, with as much free disk as that takes, while no server uses it. On
    PostgreSQL it is ``VACUUM (ANALYZE)`` beside running servers, which leaves the files as long as they are.

    Args:
        url: As SQLAlchemy takes it.

    Returns:
        Bytes of the database before and after.

    Raises:
        InputError: ``message.schema``: no URL of a database.
        GomaaError: ``server.database.busy``: a server uses the SQLite file.
    """
    engine = _engine(url)
    is_sqlite = engine.dialect.name == "sqlite"
    lock: Lock | None = None
    try:
        lock = _lock(engine)
        connection = engine.raw_connection()
        try:
            if not is_sqlite:
                connection.driver_connection.autocommit = True  # type: ignore[union-attr]
            cursor = connection.cursor()

            def size() -> int:
                cursor.execute(
                    "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
                    if is_sqlite
                    else "SELECT pg_database_size(current_database())"
                )
                return int(cursor.fetchall()[0][0])

            before = size()
            cursor.execute("VACUUM" if is_sqlite else "VACUUM (ANALYZE)")
            return before, size()
        finally:
            connection.close()
    finally:
        if lock is not None:
            lock.release()
        engine.dispose()


def _engine(url: str) -> Engine:
    try:
        engine = (
            create_engine(url, isolation_level="SERIALIZABLE", hide_parameters=True)
            if url.startswith("postgresql")
            else create_engine(url, hide_parameters=True)
        )
    except (ArgumentError, ValueError):
        # SQLAlchemy's message may repeat the URL, which may hold a password.
        raise InputError("message.schema", field="database", reason="no database URL") from None
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    return engine


@contextmanager
def _exclusive(engine: Engine) -> Iterator[None]:
    """Wait until no other process creates or migrates the tables, and keep others waiting.

    On SQLite the lock file does that. The lock is taken before the transaction begins: a SERIALIZABLE transaction that
    waited for it would not see what the other process has committed meanwhile.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": _MAKING})
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _MAKING})


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
        # Each transaction has it: an execution through SQLAlchemy would cost more than the statement.
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("BEGIN IMMEDIATE")


def is_retryable(error: BaseException) -> bool:
    """True if a transaction can be tried again: it failed because of a concurrent one."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _RETRYABLE


class Lock(Protocol):
    """Mutual exclusion of processes with the same database."""

    def leads(self) -> bool:
        """True if this process closes, posts and answers now."""
        ...

    def release(self) -> None:
        """Free the lock for another process."""
        ...


def _lock(engine: Engine) -> Lock:
    if engine.dialect.name == "postgresql":
        return _Leader(engine)
    path = engine.url.database
    return _Alone() if path is None or path in ("", ":memory:") else _FileLock(Path(path))


class _Alone:
    """A database in memory, which no other process can open."""

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
