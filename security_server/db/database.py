"""Opening and migrating the database, and the locks between processes.

SQLite takes one process, PostgreSQL several of which one leads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection, create_engine, event, make_url, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError, DBAPIError

from pywallet.crypto import keccak256
from pywallet.errors import GomaaError, InputError, Unavailable
from security_server.db.leader import Leader
from security_server.db.sessions import START_S, Deadlines, arguments, execute_each, is_unavailable
from security_server.db.versions import THIS, Release, migrate, read_version, require_version

_LEADER, _MAKING = (int.from_bytes(keccak256(b"gomaa/1 " + name)[:7], "big") for name in (b"leader", b"schema"))
"""Keys of the advisory locks in PostgreSQL: of the leading process, and of a process that creates or migrates."""

_BUSY: Final = frozenset({"55P03", "40P01", "40001"})
"""SQLSTATE of an online migration that can be tried again: lock_not_available, deadlock_detected, serialization."""


def open_database(url: str, release: Release = THIS, deadlines: Deadlines | None = None) -> tuple[Engine, Lock]:
    """Open a database of a version that this program can use; an empty one gets its tables.

    Args:
        url: As SQLAlchemy takes it.
        release: What the program knows of versions.
        deadlines: Ends a connection that does not answer; None: one of its own.

    Returns:
        The engine, and the lock that keeps other processes from the same work.

    Raises:
        InputError: ``message.schema``: no URL of a database.
        GomaaError: ``server.database.busy``: another process has the SQLite file. ``server.database.version``: its
            tables are of another version, see ``versions.require_version``; nothing was changed.
        Unavailable: ``server.database.busy``: PostgreSQL does not answer, or takes no writes.
    """
    engine = _engine(url, limited=True)
    lock: Lock | None = None
    try:
        lock = _lock(engine, deadlines or Deadlines())
        with _exclusive(engine, START_S), engine.begin() as connection:
            require_version(connection, release)
    except BaseException as error:
        if lock is not None:
            lock.release()
        engine.dispose()
        if is_unavailable(error):
            raise Unavailable("server.database.busy", reason=error) from error
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
    engine = _engine(url, limited=False)
    lock: Lock | None = None
    try:
        lock = _lock(engine, Deadlines())
        with _exclusive(engine, 0):
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
    engine = _engine(url, limited=False)
    is_sqlite = engine.dialect.name == "sqlite"
    lock: Lock | None = None
    try:
        lock = _lock(engine, Deadlines())
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


def _engine(url: str, *, limited: bool) -> Engine:
    """The engine; ``limited``: with the time limits of a server, which a migration may exceed."""
    try:
        engine = (
            create_engine(
                url,
                isolation_level="SERIALIZABLE",
                hide_parameters=True,
                connect_args=arguments(make_url(url)) if limited else {},
            )
            if url.startswith("postgresql")
            else create_engine(url, hide_parameters=True)
        )
    except (ArgumentError, ValueError):
        # SQLAlchemy's message may repeat the URL, which may hold a password.
        raise InputError("message.schema", field="database", reason="no database URL") from None
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        event.listen(engine, "do_executemany", execute_each)
    return engine


@contextmanager
def _exclusive(engine: Engine, idle_s: float) -> Iterator[None]:
    """Wait until no other process creates or migrates the tables, and keep others waiting.

    On SQLite the lock file does that. The lock is taken before the transaction begins: a SERIALIZABLE transaction that
    waited for it would not see what the other process has committed meanwhile.

    Args:
        engine: The database.
        idle_s: Seconds after which PostgreSQL frees the lock of a process that has stopped; 0: it does not.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        limits = "select set_config('lock_timeout', '0', false), set_config('idle_session_timeout', :idle_ms, false)"
        connection.execute(text(limits), {"idle_ms": str(int(idle_s * 1000))})
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": _MAKING})
        try:
            yield
        finally:
            # Not back to the pool with these limits; the lock ends with the session.
            connection.invalidate()


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


class Lock(Protocol):
    """Mutual exclusion of processes with the same database."""

    def leads(self) -> bool:
        """True if this process closes, posts and answers now."""
        ...

    def release(self) -> None:
        """Free the lock for another process."""
        ...

    def transaction(self) -> AbstractContextManager[Connection]:
        """A transaction that commits only while this process leads.

        Raises:
            Unavailable: ``server.database.busy``: another process leads.
        """
        ...


def _lock(engine: Engine, deadlines: Deadlines) -> Lock:
    if engine.dialect.name == "postgresql":
        return Leader(engine, deadlines, _LEADER)
    path = engine.url.database
    return _Alone(engine) if path is None or path in ("", ":memory:") else _FileLock(engine, Path(path))


class _Alone:
    """A database in memory, which no other process can open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def leads(self) -> bool:
        return True

    def release(self) -> None:
        pass

    def transaction(self) -> AbstractContextManager[Connection]:
        return self._engine.begin()


class _FileLock(_Alone):
    """A lock file beside the database, held by the operating system: a crash frees it."""

    def __init__(self, engine: Engine, database: Path) -> None:
        super().__init__(engine)
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
