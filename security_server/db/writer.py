"""Serial transactions in a writer thread, and those of the leading process in another one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection as SqlConnection

from security_server.db.connection import Connection, Rows
from security_server.db.database import open_database
from security_server.db.sessions import ANSWER_S, TRANSACTION_S, Deadlines
from security_server.db.transaction_thread import Job, TransactionThread

T = TypeVar("T")


class Store:
    """A database with one writer thread, and on PostgreSQL another one for what the leading process writes.

    A function may be called again after a conflict with another process or a lost connection: it must change nothing
    but the database.

    Where no other process can change the database, rows that were read stay in memory (decision 0062).

    Args:
        url: As for ``open_database``.
        on_commit: Called in the writer thread after each commit, with the seconds that the transaction took and the
            number of its functions; None: nothing is measured.
        on_conflict: Called in the writer thread after each attempt that failed because of another process, with its
            processor time, seconds; None: nothing is measured.

    Raises:
        InputError: ``message.schema``: no URL of a database.
        GomaaError: ``server.database.busy``, ``server.database.version``.
    """

    def __init__(
        self,
        url: str,
        on_commit: Callable[[float, int], None] | None = None,
        on_conflict: Callable[[float], None] | None = None,
    ) -> None:
        self._deadlines = Deadlines()
        self._engine, self._lock = open_database(url, deadlines=self._deadlines)
        dialect = self._engine.dialect
        self._is_alone = dialect.name == "sqlite"
        self._kept: SqlConnection | None = None
        self._writer = TransactionThread(
            "gomaa-store",
            self._begin if self._is_alone else self._limited,
            Rows(dialect, is_kept=self._is_alone),
            end=self._disconnect,
            reconnects=not self._is_alone,
            on_commit=on_commit,
            on_conflict=on_conflict,
        )
        self._leading = (
            self._writer
            if self._is_alone
            else TransactionThread(
                "gomaa-leading", self._lock.transaction, Rows(dialect, is_kept=False), reconnects=False
            )
        )

    async def run(self, function: Callable[[Connection], T], *, for_listener: bool = False) -> T:
        """Run a function in a transaction of its own; its exception rolls that back.

        Args:
            function: Called in the writer thread.
            for_listener: True for a request about a play: others' functions are called before it.

        Returns:
            Its result, after the commit.

        Raises:
            Unavailable: ``server.database.busy``: too many conflicts with other processes, or PostgreSQL does not
                answer within ``ANSWER_S``: then the transaction may be in the database all the same.
        """
        job = _job(function, for_listener)
        # SQLite is in this process: what it does not answer yet, it does.
        limit = None if self._is_alone else job.loop.call_later(ANSWER_S, job.give_up)
        self._writer.put(job)
        try:
            result: T = await job.future
            return result
        finally:
            if limit is not None:
                limit.cancel()

    async def lead(self, function: Callable[[Connection], T]) -> T:
        """As ``run``, for what one process does for all: it commits only while this process leads.

        Args:
            function: Called in a thread of the store.

        Returns:
            Its result, after the commit.

        Raises:
            Unavailable: ``server.database.busy``: another process leads, or as of ``run``.
        """
        job = _job(function)
        self._leading.put(job)
        result: T = await job.future
        return result

    def wait_s(self) -> float:
        """Estimated seconds until a function of a listener that is queued now is called, by recent times."""
        return self._writer.wait_s()

    async def leads(self) -> bool:
        """True if this process closes, posts and answers challenges: one of several on a PostgreSQL does."""
        return await asyncio.to_thread(self._lock.leads)

    def close(self) -> None:
        """Finish what is queued, then close."""
        self._writer.close()
        if self._leading is not self._writer:
            self._leading.close()
        self._lock.release()
        self._deadlines.close()
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[SqlConnection]:
        # The same connection for all transactions: the pool's work would cost more than SQLite's.
        if self._kept is None:
            self._kept = self._engine.connect()
        connection = self._kept
        try:
            with connection.begin():
                yield connection
        except BaseException:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        connection, self._kept = self._kept, None
        if connection is not None:
            connection.close()

    @contextmanager
    def _limited(self) -> Iterator[SqlConnection]:
        with (
            self._engine.connect() as connection,
            self._deadlines.limit(connection.connection.driver_connection, TRANSACTION_S),
            connection.begin(),
        ):
            yield connection


def _job(function: Callable[[Connection], Any], for_listener: bool = False) -> Job:
    loop = asyncio.get_running_loop()
    return Job(function, loop, loop.create_future(), for_listener)
