"""Serial transactions in one writer thread; a result is returned after its commit."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Final, TypeVar

from sqlalchemy import Connection as SqlConnection

from common.retry import Backoff
from pywallet.errors import Unavailable
from security_server.db.connection import Connection, Rows
from security_server.db.database import is_retryable, open_database
from security_server.db.writer_queue import BATCH, WriterQueue, WriterTimes

T = TypeVar("T")
_TRIM: Final = 1_000
"""Functions after which the memory of rows is limited."""
_ATTEMPTS: Final = 30
"""Attempts of a transaction that conflicts with other processes' (PostgreSQL, isolation level SERIALIZABLE)."""

_FIRST_PAUSE_S: Final = 0.002
"""First pause between two attempts, seconds."""

_PAUSE_S: Final = 0.2
"""Longest pause between two attempts, seconds."""


class Store:
    """A database with one writer thread.

    Functions that wait while another transaction is flushed are committed together, each in its own savepoint, so that
    one flush to disk serves many requests. A function may be called again after a conflict with another process: it
    must change nothing but the database.

    Where no other process can change the database, rows that were read stay in memory (decision 0062).

    Args:
        url: As for ``open_database``.
        on_commit: Called in the writer thread after each commit, with the seconds that the transaction took and the
            number of its functions; None: nothing is measured.

    Raises:
        InputError: ``message.schema``: no URL of a database.
        GomaaError: ``server.database.busy``, ``server.database.version``.
    """

    def __init__(self, url: str, on_commit: Callable[[float, int], None] | None = None) -> None:
        self._engine, self._lock = open_database(url)
        self._on_commit = on_commit
        self._raw: SqlConnection | None = None
        self._since_trim = 0
        self._is_alone = self._engine.dialect.name == "sqlite"
        self._rows = Rows(self._engine.dialect, is_kept=self._is_alone)
        self._queue: WriterQueue[_Job] = WriterQueue()
        self._times = WriterTimes()
        self._thread = threading.Thread(target=self._work, name="gomaa-store", daemon=True)
        self._thread.start()

    async def run(self, function: Callable[[Connection], T], *, for_listener: bool = False) -> T:
        """Run a function in a transaction of its own; its exception rolls that back.

        Args:
            function: Called in the writer thread.
            for_listener: True for a request about a play: others' functions are called before it.

        Returns:
            Its result, after the commit.

        Raises:
            Unavailable: ``server.database.busy``: too many conflicts with other processes.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Job(function, loop, future, for_listener), for_listener=for_listener)
        return await future

    def wait_s(self) -> float:
        """Estimated seconds until a function of a listener that is queued now is called, by recent times."""
        return self._times.wait_s(self._queue.listeners)

    async def leads(self) -> bool:
        """True if this process closes, posts and answers challenges: one of several on a PostgreSQL does."""
        return await asyncio.to_thread(self._lock.leads)

    def close(self) -> None:
        """Finish what is queued, then close."""
        self._queue.end()
        self._thread.join()
        self._lock.release()
        self._engine.dispose()

    def _work(self) -> None:
        try:
            self._serve()
        finally:
            self._disconnect()

    def _serve(self) -> None:
        while True:
            job = self._queue.take()
            if job is None:
                return
            jobs = [job]
            stop = False
            while len(jobs) < BATCH and not self._queue.empty():
                more = self._queue.take()
                if more is None:
                    stop = True
                    break
                jobs.append(more)
            self._commit(jobs)
            if stop:
                return

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            self._transaction(jobs)
        except Exception as error:
            if len(jobs) == 1 and not is_retryable(error):
                jobs[0].error = error
            else:
                # One by one, so that what fails for one, or conflicts with another process, does not fail the others.
                for job in jobs:
                    self._alone(job)
        _resolve(jobs)

    def _transaction(self, jobs: list[_Job]) -> None:
        for job in jobs:
            job.result = job.error = None
        if not self._is_alone:
            self._rows.forget()
        began_s = time.monotonic()
        try:
            # The same connection for all of them: the pool's work would cost more than SQLite's.
            self._raw = self._raw or self._engine.connect()
            with self._raw.begin():
                connection = Connection(self._raw, self._rows)
                for job in jobs:
                    # A savepoint keeps the rows in memory; without them a single function is the transaction.
                    job.run(connection, is_part=self._is_alone or len(jobs) > 1)
                functions_s = time.monotonic() - began_s
                connection.finish()
        except BaseException:
            self._rows.forget()
            self._disconnect()
            raise
        whole_s = time.monotonic() - began_s
        listeners = [job.took_s for job in jobs if job.for_listener]
        self._times.measured(len(listeners), sum(listeners), whole_s - functions_s)
        if self._on_commit is not None:
            self._on_commit(whole_s, len(jobs))
        self._since_trim += len(jobs)
        if self._since_trim >= _TRIM:
            self._rows.trim()
            self._since_trim = 0

    def _disconnect(self) -> None:
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.close()

    def _alone(self, job: _Job) -> None:
        pauses = Backoff(_FIRST_PAUSE_S, _PAUSE_S, jitter=True)
        for _ in range(_ATTEMPTS):
            try:
                self._transaction([job])
            except Exception as error:
                job.error = error
                if not is_retryable(error):
                    return
                time.sleep(pauses.next_s())
            else:
                return
        job.error = Unavailable("server.database.busy", reason="too many transactions at once")


class _Job:
    """A queued function and its future."""

    def __init__(
        self,
        function: Callable[[Connection], Any],
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
        for_listener: bool = False,
    ) -> None:
        self.function = function
        self.loop = loop
        self.future = future
        self.for_listener = for_listener
        self.took_s = 0.0
        self.result: Any = None
        self.error: Exception | None = None

    def run(self, connection: Connection, *, is_part: bool) -> None:
        """Call the function; as a part of a transaction its failure undoes nothing else."""
        began_s = time.monotonic()
        try:
            with connection.savepoint() if is_part else nullcontext():
                self.result = self.function(connection)
        except Exception as error:
            if not is_part or is_retryable(error):
                raise
            self.error = error
        self.took_s = time.monotonic() - began_s

    def resolve(self) -> None:
        """Hand the outcome to whoever waits for it; called in the event loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def _resolve(jobs: list[_Job]) -> None:
    """Wake each event loop once for all of its functions."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, own in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve_all, own)


def _resolve_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.resolve()
