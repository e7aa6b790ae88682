"""The leading process of several on a PostgreSQL, and its transactions (decision 0065)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from pywallet.errors import Unavailable
from security_server.db.sessions import BEAT_S, IDLE_S, STATEMENT_S, TRANSACTION_S, Deadlines

_TAKE: Final = text("select set_config('idle_session_timeout', :idle_ms, false), pg_try_advisory_lock(:key)")
"""The limit is set in the statement that takes the lock: a process that stops afterwards does not keep it."""

_FAILED: Final = "25P02"
"""SQLSTATE in_failed_sql_transaction."""


class Leader:
    """An advisory lock that one process at a time holds, and the session that holds it.

    What the leading process writes as such, it writes in that session: PostgreSQL ends the lock and the transaction
    together, so no process that has lost the lock can commit. PostgreSQL ends the session ``IDLE_S`` after the last
    statement of its process, which sends one every ``BEAT_S`` as long as it runs.

    Args:
        engine: The database.
        deadlines: Ends a connection that does not answer.
        key: Of the advisory lock.
    """

    def __init__(self, engine: Engine, deadlines: Deadlines, key: int) -> None:
        self._engine = engine
        self._deadlines = deadlines
        self._key = key
        self._session: _Session | None = None
        self._in_transaction = False
        # Held to begin and to end a transaction, and for everything outside of one.
        self._guard = threading.RLock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def leads(self) -> bool:
        """True if this process holds the lock, or takes it now."""
        with self._guard:
            try:
                if self._session is None and not self._take():
                    return False
                self._beat()
            except self._lost:
                self._drop()
            return self._session is not None

    def release(self) -> None:
        """Free the lock for another process."""
        self._ended.set()
        with self._guard:
            self._drop()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction in the session that holds the lock.

        Raises:
            Unavailable: ``server.database.busy``: another process leads.
        """
        with self._guard:
            session = self._session
            if session is None:
                raise Unavailable("server.database.busy", reason="another process leads")
            transaction = session.connection.begin()
            self._in_transaction = True
        try:
            yield session.connection
            with self._guard, self._deadlines.limit(session.driver, STATEMENT_S):
                transaction.commit()
        except BaseException:
            # A session that is lost, or does not answer, is discarded below.
            with self._guard, suppress(*self._lost), self._deadlines.limit(session.driver, TRANSACTION_S):
                transaction.rollback()
            raise
        finally:
            with self._guard:
                self._in_transaction = False
                if self._session is not session or session.is_lost:
                    self._session = None
                    self._discard(session)

    @property
    def _lost(self) -> tuple[type[BaseException], ...]:
        # The driver's own errors come from statements beside SQLAlchemy's.
        return (DBAPIError, self._engine.dialect.loaded_dbapi.Error)

    def _take(self) -> bool:
        session = _Session(self._engine.connect())
        try:
            with self._deadlines.limit(session.driver, TRANSACTION_S):
                values = {"key": self._key, "idle_ms": str(int(IDLE_S * 1000))}
                if session.connection.execute(_TAKE, values).one()[1]:
                    session.connection.commit()
                    self._session = session
                    self._start()
                    return True
                session.connection.execute(text("reset idle_session_timeout"))
                session.connection.commit()
        except BaseException:
            self._discard(session)
            raise
        session.connection.close()
        return False

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep, name="gomaa-leader", daemon=True)
            self._thread.start()

    def _keep(self) -> None:
        while not self._ended.wait(BEAT_S):
            with self._guard:
                try:
                    self._beat()
                except self._lost:
                    self._drop()

    def _beat(self) -> None:
        """One statement; it fails where the session has ended."""
        session = self._session
        if session is None:
            return
        if not self._in_transaction:
            with self._deadlines.limit(session.driver, TRANSACTION_S):
                session.connection.execute(text("select 1"))
                session.connection.commit()
            return
        # Beside the thread of the transaction: the driver's connection may be shared, SQLAlchemy's not.
        with self._deadlines.limit(session.driver, STATEMENT_S), session.driver.cursor() as cursor:
            try:
                cursor.execute("select 1")
            except self._engine.dialect.loaded_dbapi.Error as error:
                # The transaction has failed, its session lives.
                if getattr(error, "sqlstate", None) != _FAILED:
                    raise

    def _drop(self) -> None:
        """Stop leading. The thread of a transaction discards its session itself."""
        session, self._session = self._session, None
        if session is not None and not self._in_transaction:
            self._discard(session)

    def _discard(self, session: _Session) -> None:
        # Not back to the pool: the lock belongs to the session.
        with suppress(*self._lost):
            session.connection.invalidate()
        with suppress(*self._lost):
            session.connection.close()


class _Session:
    """A session with the database, by SQLAlchemy's and by the driver's connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.driver: Any = connection.connection.driver_connection

    @property
    def is_lost(self) -> bool:
        """True if it has ended: SQLAlchemy would go on in another one, which does not have the lock."""
        return self.connection.invalidated or bool(self.driver.closed)
