"""Short transactions, one after the other, and never an answer before its commit."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError

from pywallet.errors import InputError
from security_server.tables import METADATA

T = TypeVar("T")
_BATCH: Final = 64


class Store:
    """A database with one writer thread.

    Work that waits while another transaction is being flushed is committed
    together with its neighbours (each in its own savepoint), so that one
    flush to disk serves many requests. A future is resolved only after the
    commit that holds its work.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        METADATA.create_all(self._engine)
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="gomaa-store", daemon=True)
        self._thread.start()

    async def run(self, function: Callable[[Connection], T]) -> T:
        """The result of ``function`` in a transaction of its own, after its commit; its exception rolls it back."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Job(function, loop, future))
        return await future

    def close(self) -> None:
        """Finish what is queued, then close."""
        self._queue.put(None)
        self._thread.join()
        self._engine.dispose()

    def _work(self) -> None:
        while True:
            job = self._queue.get()
            if job is None:
                return
            jobs = [job]
            stop = False
            while len(jobs) < _BATCH and not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    stop = True
                    break
                jobs.append(more)
            self._commit(jobs)
            if stop:
                return

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            with self._engine.begin() as connection:
                if len(jobs) == 1:
                    # Alone, a job is the transaction: its failure is the transaction's.
                    jobs[0].result = jobs[0].function(connection)
                else:
                    for job in jobs:
                        job.run(connection)
        except Exception as error:
            for job in jobs:
                job.error = job.error or error
        for job in jobs:
            job.resolve()


class _Job:
    """One function on its way through the writer thread."""

    def __init__(self, function: Callable[[Connection], Any], loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any]) -> None:
        self.function = function
        self.loop = loop
        self.future = future
        self.result: Any = None
        self.error: Exception | None = None

    def run(self, connection: Connection) -> None:
        savepoint = connection.begin_nested()
        try:
            self.result = self.function(connection)
            savepoint.commit()
        except Exception as error:
            savepoint.rollback()
            self.error = error

    def resolve(self) -> None:
        def done() -> None:
            if self.future.done():
                return
            if self.error is not None:
                self.future.set_exception(self.error)
            else:
                self.future.set_result(self.result)

        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(done)


def _engine(url: str) -> Engine:
    try:
        engine = create_engine(url)
    except (ArgumentError, ValueError):
        # The library's own words may repeat the URL, which may hold a password.
        raise InputError("message.schema", field="database", reason="no database URL") from None
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _connect(connection: Any, _record: Any) -> None:
            # SQLAlchemy's own BEGIN below: the driver's would break savepoints.
            connection.isolation_level = None
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=5000"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
