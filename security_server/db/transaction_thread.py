"""A thread that runs functions in transactions, many in one; a result is returned after its commit."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from sqlalchemy import Connection as SqlConnection

from common.retry import Backoff
from pywallet.errors import Unavailable
from security_server.db.connection import Connection, Rows
from security_server.db.sessions import is_retryable, is_unavailable
from security_server.db.writer_queue import BATCH, WriterQueue, WriterTimes

_TRIM: Final = 1_000
"""Functions after which the memory of rows is limited."""
_ATTEMPTS: Final = 30
"""Attempts of a transaction that conflicts with other processes' (PostgreSQL, isolation level SERIALIZABLE)."""

_FIRST_PAUSE_S: Final = 0.002
"""First pause between two attempts, seconds."""

_PAUSE_S: Final = 0.2
"""Longest pause between two attempts, seconds."""


class TransactionThread:
    """Runs functions: those of settlement first, each kind in the order in which they are queued.

    Functions that wait while another transaction is flushed are committed together, each in its own savepoint, so that
    one flush to disk serves many requests.

    Args:
        name: Of the thread.
        begin: A transaction that commits at the end of its block.
        rows: Rows in memory. They are kept where no other process changes the database (decision 0062).
        end: Called in the thread at its end.
        reconnects: True if a transaction whose connection is lost before its commit is run again on another one.
        on_commit: Called in the thread after each commit, with the seconds that the transaction took and the number of
            its functions; None: nothing is measured.
        on_conflict: Called in the thread after each attempt that failed because of another process, with its processor
            time, seconds; None: nothing is measured.
    """

    def __init__(
        self,
        name: str,
        begin: Callable[[], AbstractContextManager[SqlConnection]],
        rows: Rows,
        *,
        end: Callable[[], None] = lambda: None,
        reconnects: bool,
        on_commit: Callable[[float, int], None] | None = None,
        on_conflict: Callable[[float], None] | None = None,
    ) -> None:
        self._begin = begin
        self._rows = rows
        self._since_trim = 0
        self._is_alone = rows.is_kept
        self._end = end
        self._reconnects = reconnects
        self._is_written = False
        self._on_commit = on_commit
        self._on_conflict = on_conflict
        self._queue: WriterQueue[Job] = WriterQueue()
        self._times = WriterTimes()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, job: Job) -> None:
        """Queue a function."""
        self._queue.put(job, for_listener=job.for_listener)

    def wait_s(self) -> float:
        """Estimated seconds until a function of a listener that is queued now is called, by recent times."""
        return self._times.wait_s(self._queue.listeners)

    def close(self) -> None:
        """Finish what is queued, and end the thread."""
        self._queue.end()
        self._thread.join()

    def _work(self) -> None:
        try:
            self._serve()
        finally:
            self._end()

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
            # The callers of the others were refused, and may have asked another process.
            self.commit([job for job in jobs if not job.is_given_up])
            if stop:
                return

    def commit(self, jobs: list[Job]) -> None:
        """Run functions in one transaction, or each in its own where that fails, and hand their outcomes over."""
        if not jobs:
            return
        try:
            self._transaction(jobs)
        except Exception as error:
            if self._is_unknown(error):
                for job in jobs:
                    job.error = _busy(error)
            elif len(jobs) == 1 and not self._again(error):
                jobs[0].error = _busy(error) if is_unavailable(error) else error
            else:
                # One by one, so that what fails for one, or conflicts with another process, does not fail the others.
                for job in jobs:
                    self._alone(job)
        _resolve(jobs)

    def _transaction(self, jobs: list[Job]) -> None:
        self._is_written = False
        for job in jobs:
            job.result = job.error = None
        if not self._is_alone:
            self._rows.forget()
        began_s, began_cpu_s = time.monotonic(), time.thread_time()
        try:
            with self._begin() as raw:
                connection = Connection(raw, self._rows)
                for job in jobs:
                    # A savepoint keeps the rows in memory; without them a single function is the transaction.
                    job.run(connection, is_part=self._is_alone or len(jobs) > 1)
                functions_s = time.monotonic() - began_s
                connection.finish()
                self._is_written = True
        except BaseException as error:
            self._rows.forget()
            if self._on_conflict is not None and is_retryable(error):
                self._on_conflict(time.thread_time() - began_cpu_s)
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

    def _is_unknown(self, error: Exception) -> bool:
        """True if the commit was not answered: the transaction may be in the database."""
        return self._is_written and not self._is_alone and not is_retryable(error)

    def _again(self, error: Exception) -> bool:
        """True if the transaction is run again: the database does not have it."""
        if is_retryable(error):
            return True
        return self._reconnects and is_unavailable(error) and not self._is_written

    def _alone(self, job: Job) -> None:
        pauses = Backoff(_FIRST_PAUSE_S, _PAUSE_S, jitter=True)
        for _ in range(_ATTEMPTS):
            if job.is_given_up:
                return
            try:
                self._transaction([job])
            except Exception as error:
                job.error = _busy(error) if is_unavailable(error) or self._is_unknown(error) else error
                if not self._again(error):
                    return
                time.sleep(pauses.next_s())
            else:
                return
        job.error = Unavailable("server.database.busy", reason="too many transactions at once")


def _busy(error: Exception) -> Unavailable:
    return Unavailable("server.database.busy", reason=f"the database does not answer: {type(error).__name__}")


class Job:
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
        self.is_given_up = False

    def run(self, connection: Connection, *, is_part: bool) -> None:
        """Call the function; as a part of a transaction its failure undoes nothing else."""
        began_s = time.monotonic()
        try:
            with connection.savepoint() if is_part else nullcontext():
                self.result = self.function(connection)
        except Exception as error:
            if not is_part or is_retryable(error) or is_unavailable(error):
                raise
            self.error = error
        self.took_s = time.monotonic() - began_s

    def give_up(self) -> None:
        """Answer whoever waits for it; called in the event loop. Its transaction may be under way, and commit."""
        self.is_given_up = True
        if not self.future.done():
            self.future.set_exception(Unavailable("server.database.busy", reason="the database does not answer"))

    def resolve(self) -> None:
        """Hand the outcome to whoever waits for it; called in the event loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def _resolve(jobs: list[Job]) -> None:
    """Wake each event loop once for all of its functions."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, own in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve_all, own)


def _resolve_all(jobs: list[Job]) -> None:
    for job in jobs:
        job.resolve()
